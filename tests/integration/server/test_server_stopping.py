"""A stop: what is in hand is finished, nothing is half done, and it ends in time."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.integration.server.conftest import a_notebook

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.server.conftest import Server

BODY = json.dumps({"nb": a_notebook()}).encode()
STOP_S = 10.0
MB = 1 << 20

FREELY = {"GOFER_REPEAT_WINDOW_S": "0", "GOFER_RATE": "off"}
"""Everybody may send the same notebook, as often as they like."""


def begin(server: Server, connection: socket.socket, sent: int) -> None:
    """Send a head and a part of the body, and wait until the server has it in hand."""
    head = server.head(
        f"Content-Length: {len(BODY)}", "Expect: 100-continue", "Accept: application/json"
    )
    connection.sendall(head)
    assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
    connection.sendall(BODY[:sent])


def answer_of(connection: socket.socket) -> http.client.HTTPResponse:
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    return answer


def rest(connection: socket.socket) -> bytes:
    """What still comes, up to the end however it ends."""
    try:
        return b"".join(iter(lambda: connection.recv(65536), b""))
    except ConnectionResetError:
        return b""


def test_what_can_be_finished_is_and_whoever_goes_on_for_ever_is_cut(
    start: Callable[..., Server],
) -> None:
    """Twenty finish, ten send a byte now and then, some idle, some were refused and go on."""
    server = start(**FREELY)
    with ExitStack() as stack:
        finishing = [stack.enter_context(server.connected()) for _ in range(20)]
        trickling = [stack.enter_context(server.connected()) for _ in range(10)]
        idle = [stack.enter_context(server.connected()) for _ in range(5)]
        refused = [stack.enter_context(server.connected()) for _ in range(3)]
        in_head = stack.enter_context(server.connected())
        for number, connection in enumerate([*finishing, *trickling]):
            begin(server, connection, number % 20)
        for connection in refused:
            connection.sendall(server.head(f"Content-Length: {900 * MB}") + b" " * 1000)
            assert connection.recv(2000).startswith(b"HTTP/1.1 413 ")
        in_head.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.logged("stopping")["requests"] == 30
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((server.host, server.port))
        is_over = threading.Event()
        with ThreadPoolExecutor(2) as threads:
            threads.submit(trickle, [*trickling, *refused, in_head], is_over)
            receipts = []
            for number, connection in enumerate(finishing):
                connection.sendall(BODY[number % 20 :])
                answer = answer_of(connection)
                assert answer.status == 202
                assert answer.headers["Connection"] == "close"
                receipts.append(json.loads(answer.read())["id"])
            assert server.wait() == 0
            took = time.monotonic() - began
            is_over.set()
        assert took < STOP_S
        for connection in [*trickling, *idle, in_head]:
            assert rest(connection) == b""
    assert server.logged("unfinished")["requests"] == 10
    assert sorted(receipts) == server.spool.pending()
    assert [len(server.spool.read(receipt).notebook()) for receipt in receipts]
    assert not list((server.volume / "spool" / "tmp").iterdir())


def trickle(connections: list[socket.socket], is_over: threading.Event) -> None:
    """Send a blank now and then on each of them, until it is over."""
    open_ones = list(connections)
    while not is_over.wait(0.1):
        for connection in list(open_ones):
            try:
                connection.sendall(b" ")
            except OSError:
                open_ones.remove(connection)


@pytest.mark.parametrize("processes", ["1", "2"])
def test_under_load_every_receipt_has_its_entry_and_every_entry_its_receipt(
    start: Callable[..., Server], processes: str
) -> None:
    server = start(**FREELY, **({"GOFER_SERVER_PROCESSES": "2"} if processes == "2" else {}))
    is_warm = threading.Barrier(13, timeout=30)

    def go_on(number: int) -> tuple[list[str], int]:
        receipts: list[str] = []
        broken = 0
        connection = http.client.HTTPConnection(server.host, server.port, timeout=15)
        headers = {"X-Gofer-Student": f"student{number}", "Accept": "application/json"}
        while not broken:
            if len(receipts) == 5:
                is_warm.wait()
            try:
                connection.request("POST", server.prefix, BODY, headers)
                answer = connection.getresponse()
                assert answer.status == 202
                receipts.append(json.loads(answer.read())["id"])
            except (OSError, http.client.HTTPException):
                broken += 1  # nothing of this one may be in the spool
        connection.close()
        return receipts, broken

    with ThreadPoolExecutor(12) as threads:
        students = [threads.submit(go_on, number) for number in range(12)]
        is_warm.wait()
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < STOP_S
        results = [student.result() for student in students]
    receipts = [receipt for found, _ in results for receipt in found]
    assert len(receipts) >= 12 * 5
    assert sorted(receipts) == server.spool.pending()


def test_a_connection_that_is_kept_alive_carries_one_more_request_and_no_further(
    start: Callable[..., Server],
) -> None:
    server = start(**FREELY)
    request = server.head(f"Content-Length: {len(BODY)}") + BODY
    with server.connected() as kept, server.connected() as slow:
        kept.sendall(request)
        first = answer_of(kept)
        assert first.status == 202
        assert "Connection" not in first.headers
        first.read()
        begin(server, slow, 3)
        server.process.send_signal(signal.SIGTERM)
        server.logged("stopping")
        kept.sendall(request)
        second = answer_of(kept)
        assert second.status == 202
        assert second.headers["Connection"] == "close"
        second.read()
        assert rest(kept) == b""
        slow.sendall(BODY[3:])
        assert answer_of(slow).status == 202
        assert server.wait() == 0
    assert len(server.spool.pending()) == 3
