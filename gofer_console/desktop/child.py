"""The console's own server for one window: a child process that ends with the window.

The child watches its standard input, which ends with this process however this process ends. So
nothing stays behind even where the window is killed.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from shared.config import child_environment
from shared.errors import GoferError

if TYPE_CHECKING:
    from collections.abc import Iterator

LINK: Final = re.compile(r"The console answers at (\S+)")

_COMMAND: Final = (sys.executable, "-m", "gofer_console.cli", "console", "--for-window")
_STARTS_WITHIN_S: Final = 60.0
_STOPS_WITHIN_S: Final = 15.0


@contextmanager
def own_console() -> Iterator[str]:
    """Serve the console inside the block, on a free loopback port; give the link, good for once.

    Raises:
        GoferError: it did not start; what it said is on standard error.
    """
    child = subprocess.Popen(  # noqa: S603 - a fixed command
        _COMMAND,
        env=child_environment(
            {
                "GOFER_CONSOLE_SIGN_IN": "local",
                "GOFER_CONSOLE_ADDRESS": "127.0.0.1",
                "GOFER_CONSOLE_PORT": "0",
                "GOFER_CONSOLE_PREFIX": "/",
                "GOFER_CONSOLE_URL": "",
            }
        ),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    reader = _Reader(child)
    try:
        link = reader.link(_STARTS_WITHIN_S)
        if link is None:
            raise GoferError("The console did not start.")
        yield link
    finally:
        with suppress(OSError):
            if child.stdin is not None:
                child.stdin.close()
        try:
            child.wait(_STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        reader.join(_STOPS_WITHIN_S)


class _Reader(threading.Thread):
    """Passes on what a child says, but for the link, which is for the window alone."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        super().__init__(name="console's words", daemon=True)
        self._child = child
        self._link: str | None = None
        self._is_settled = threading.Event()
        self.start()

    def run(self) -> None:
        """Read to the end."""
        if self._child.stderr is not None:
            with self._child.stderr as words:
                for line in words:
                    found = LINK.search(line)
                    if found is None:
                        sys.stderr.write(line)
                    else:
                        self._link = found[1]
                        self._is_settled.set()
        self._is_settled.set()

    def link(self, within_s: float) -> str | None:
        """Return the link once it was said; None where the child ended, or took too long."""
        self._is_settled.wait(within_s)
        return self._link
