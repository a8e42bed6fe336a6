"""What a page in a window holds, asked by the protocol that browsers' own tools speak."""

from __future__ import annotations

import json
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

import httpx
from websockets.sync.client import connect

from tests.support.processes import DEADLINE_S, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from websockets.sync.client import ClientConnection


@contextmanager
def page_in_window(port: int) -> Iterator[PageInWindow]:
    """Give the one page of a browser that listens for such questions.

    Args:
        port: that it listens on, on loopback.
    """
    wait_until(lambda: len(_pages(port)) == 1)
    (page,) = _pages(port)
    with connect(page["webSocketDebuggerUrl"], max_size=None, proxy=None) as socket:
        yield PageInWindow(socket)


def _pages(port: int) -> list[dict[str, str]]:
    try:
        listed: list[dict[str, str]] = httpx.get(f"http://127.0.0.1:{port}/json/list").json()
    except httpx.TransportError:
        return []
    return [one for one in listed if one["type"] == "page"]


class PageInWindow:
    """A page that is shown in a window."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = count(1)

    def ask(self, expression: str) -> Any:
        """Return what an expression of JavaScript is in the page; None while the page changes."""
        number = next(self._numbers)
        parameters = {"expression": expression, "returnByValue": True}
        self._socket.send(
            json.dumps({"id": number, "method": "Runtime.evaluate", "params": parameters})
        )
        while True:
            said = json.loads(self._socket.recv(DEADLINE_S))
            if said.get("id") == number:
                return said.get("result", {}).get("result", {}).get("value")

    def wait_for(self, expression: str) -> None:
        """Wait until an expression is true in the page."""
        wait_until(lambda: self.ask(expression) is True)
