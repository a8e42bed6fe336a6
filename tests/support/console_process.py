"""`gofer console`, started for real on a free port."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Final, Self

import httpx
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.support.processes import DEADLINE_S, ROOT, wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_STOP_S: Final = 20.0
REFUSED: Final = 403
OPENED: Final = 101


class ConsoleProcess:
    """A console on a volume; its own sign-in unless the environment says another.

    Args:
        volume: `VOLUME_PATH`.
        environment: settings beside it.
        arguments: of `gofer console`.
    """

    def __init__(
        self, volume: Path, environment: Mapping[str, str] | None = None, *arguments: str
    ) -> None:
        self.said: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gofer_console.cli", "console", *(arguments or ("--port", "0"))],
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(volume.parent),
                "VOLUME_PATH": str(volume),
                "GOFER_AUTOGRADERS": str(volume.parent / "autograders"),
                "GOFER_LOG_FORMAT": "text",
                **(environment or {}),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        self.said.extend(iter(self.process.stderr.readline, ""))

    def __enter__(self) -> Self:
        wait_until(lambda: self.link != "" or self.process.poll() is not None)
        assert self.process.poll() is None, "".join(self.said)
        wait_until(self._is_healthy)
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def _is_healthy(self) -> bool:
        try:
            return httpx.get(f"{self.direct_url}_stcore/health").is_success
        except httpx.TransportError:
            return False

    @property
    def link(self) -> str:
        """What it printed for people to open; empty as long as it did not."""
        for line in list(self.said):
            found = re.search(r"The console answers at (\S+)", line)
            if found is not None:
                return found[1]
        return ""

    @property
    def port(self) -> int:
        """That it listens on."""
        for line in list(self.said):
            found = re.search(r"action=console\.listening .*port=(\d+)", line)
            if found is not None:
                return int(found[1])
        return int(httpx.URL(self.link).port or 80)

    @property
    def direct_url(self) -> str:
        """Without what stands in front of it; ends with a slash."""
        return f"http://127.0.0.1:{self.port}{httpx.URL(self.link).path}"

    def websocket_status(self, cookies: str = "", **headers: str) -> int:
        """Try to open a session's websocket; return with which status that was answered."""
        sent = {"Origin": self.direct_url.removesuffix("/"), **headers}
        if cookies:
            sent["Cookie"] = cookies
        url = f"ws{self.direct_url.removeprefix('http')}_stcore/stream"
        try:
            with connect(url, additional_headers=sent, open_timeout=DEADLINE_S):
                return OPENED
        except InvalidStatus as refusal:
            return refusal.response.status_code

    def stop(self) -> int:
        """Ask it to stop; return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.process.wait()
            self._reader.join(_STOP_S)
            if self.process.stderr is not None:
                self.process.stderr.close()
        return code
