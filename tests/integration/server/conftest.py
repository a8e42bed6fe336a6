"""A real server process on a free loopback port, with a volume and a catalogue of its own."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from shared.spool import Spool
from tests.support.processes import DEADLINE_S, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Server:
    """A server process that is listening."""

    def __init__(self, folder: Path, *command: str, **environment: str) -> None:
        self.folder = folder
        self.volume = Path(environment.get("VOLUME_PATH", folder / "volume"))
        self.spool = Spool(self.volume)
        self.lines: list[dict[str, Any]] = []
        self._news = threading.Condition()
        self.process = subprocess.Popen(
            [sys.executable, *(command or ("-m", "gofer_ingest.server"))],
            cwd=ROOT,
            env={
                "VOLUME_PATH": str(self.volume),
                "GOFER_AUTOGRADERS": str(folder / "autograders"),
                "GOFER_PORT": "0",
                "GOFER_IDENTITY": "dev",
                "GOFER_LOG_FORMAT": "json",
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        for number in range(1, int(environment.get("GOFER_SERVER_PROCESSES", "1")) + 1):
            one = {"server_process": number} if "GOFER_SERVER_PROCESSES" in environment else {}
            self.url = str(self.logged("listening", **one)["url"])
        parts = httpx.URL(self.url)
        self.host = parts.host
        self.port = parts.port or 80
        self.prefix = parts.path

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._news:
                try:
                    self.lines.append(json.loads(line))
                except ValueError:  # one's last words, where it cannot start
                    self.lines.append({"action": "plain", "line": line})
                self._news.notify_all()

    def logged(self, action: str, **fields: object) -> dict[str, Any]:
        """Wait for a log line of this action and these fields, and return it."""

        def found() -> dict[str, Any] | None:
            wanted = {"action": action, **fields}
            return next((line for line in self.lines if wanted.items() <= line.items()), None)

        with self._news:
            line = self._news.wait_for(found, DEADLINE_S)
        assert line is not None, f"no line {action} {fields} among {self.lines}"
        return line

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Wait for a condition on the disk."""
        deadline = time.monotonic() + DEADLINE_S
        while not is_so():
            assert time.monotonic() < deadline
            threading.Event().wait(0.01)

    def post(self, content: Any, student: str = "ada", **headers: str) -> httpx.Response:
        """Submit as someone; `content` is bytes or what is to become JSON."""
        sent = {"Content-Type": "application/json", **headers}
        return httpx.post(
            self.url,
            content=content if isinstance(content, bytes) else json.dumps(content).encode(),
            headers=_encoded({"X-Gofer-Student": student, **sent}),
            timeout=DEADLINE_S,
        )

    def get(self, path: str = "", student: str | None = "ada", **headers: str) -> httpx.Response:
        """Get what lies under the prefix."""
        named = {} if student is None else {"X-Gofer-Student": student}
        url = self.url + path if not path.startswith("/") else path
        return httpx.get(
            str(httpx.URL(self.url).join(url)),
            headers=_encoded({**named, **headers}),
            timeout=DEADLINE_S,
        )

    @contextmanager
    def connected(self) -> Iterator[socket.socket]:
        """A raw connection."""
        with socket.create_connection((self.host, self.port), DEADLINE_S) as connection:
            yield connection

    def metrics(self) -> dict[str, float]:
        """What `metrics` tells, by name with its labels."""
        lines = self.get("metrics", student=None).text.splitlines()
        told = [line.rpartition(" ") for line in lines if not line.startswith("#")]
        return {name: float(value) for name, _, value in told}

    def head(self, *lines: str, student: str | None = "ada") -> bytes:
        """The head of a raw POST."""
        head = [f"POST {self.prefix} HTTP/1.1", f"Host: {self.host}:{self.port}"]
        if student is not None:
            head.append(f"X-Gofer-Student: {student}")
        head += ["Content-Type: application/json", *lines, "", ""]
        return "\r\n".join(head).encode()

    def is_spool_empty(self) -> bool:
        """Whether nothing lies in `new/` or `tmp/`."""
        return not any(
            path for name in ("new", "tmp") for path in (self.volume / "spool" / name).iterdir()
        )

    def stop(self) -> int:
        """Stop it, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """Wait for its end, and return its exit code."""
        code = self.process.wait(DEADLINE_S)
        self._reader.join(DEADLINE_S)
        return code


def _encoded(headers: dict[str, str]) -> dict[bytes, bytes]:
    return {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}


def make_catalogue(folder: Path) -> None:
    """Lay out the folders of two assignments; the server never opens a zip."""
    for path in ("lab/1/lab01", "hw/1/hw02"):
        zip_folder = folder / "autograders" / "demo101" / path
        zip_folder.mkdir(parents=True, exist_ok=True)
        (zip_folder / "autograder.zip").touch()


@contextmanager
def running_server(folder: Path, *command: str, **environment: str) -> Iterator[Server]:
    """Run a server until the end of the block.

    Args:
        folder: for its volume and its catalogue; servers of one folder share both.
        command: what Python runs instead of the server's own module.
        environment: beyond the usual.
    """
    make_catalogue(folder)
    server = Server(folder, *command, **environment)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
        server.wait()
        assert server.process.stderr is not None
        server.process.stderr.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start servers of one test's own, with more environment."""
    with ExitStack() as stack:
        yield lambda *command, **environment: stack.enter_context(
            running_server(tmp_path, *command, **environment)
        )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the tests of a module that leave it as they found it."""
    with running_server(tmp_path_factory.mktemp("server")) as running:
        yield running


def a_notebook(**metadata: object) -> dict[str, Any]:
    """A small notebook for lab01, unless its metadata say otherwise."""
    named = metadata or {"course": "demo101", "section": "1", "assignment": "lab01"}
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": named,
        "cells": [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": "Hé"}],
    }


@pytest.fixture
def notebook() -> dict[str, Any]:
    """A small notebook for lab01."""
    return a_notebook()
