"""The two servers of the ingest benchmark, as processes, and what they take of the machine."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
PROCESSES = 2
_START_S = 60.0
_STOP_S = 20.0


@dataclass(frozen=True)
class Processors:
    """Time on the processors, in seconds.

    Attributes:
        own_s: in the program itself.
        kernel_s: in the kernel, on its behalf.
    """

    own_s: float
    kernel_s: float

    @property
    def all_s(self) -> float:
        """Both."""
        return self.own_s + self.kernel_s

    def since(self, before: Processors) -> Processors:
        """Return what came to it since then."""
        return Processors(self.own_s - before.own_s, self.kernel_s - before.kernel_s)


@dataclass(frozen=True)
class MeasuredServer:
    """A server that is listening.

    Attributes:
        name: for the report.
        port: on 127.0.0.1.
        path: what is posted to.
        top: its first process, the parent of those that answer.
    """

    name: str
    port: int
    path: str
    top: psutil.Process

    @property
    def processors(self) -> Processors:
        """What its processes have taken of the processors since they began."""
        times = [process.cpu_times() for process in self._answering]
        return Processors(
            own_s=sum(taken.user for taken in times), kernel_s=sum(taken.system for taken in times)
        )

    @property
    def peaks_bytes(self) -> list[int]:
        """The most memory that each process that answers has had."""
        peaks = []
        for process in self._answering:
            status = Path(f"/proc/{process.pid}/status").read_text("ascii")
            peak = re.search(r"^VmHWM:\s*([0-9]+) kB$", status, re.MULTILINE)
            peaks.append(int(peak[1]) << 10 if peak else 0)
        return peaks

    @property
    def _answering(self) -> list[psutil.Process]:
        return self.top.children()


@contextmanager
def gofer(
    folder: Path, log: Path, settings: Mapping[str, str] | None = None
) -> Iterator[MeasuredServer]:
    """Run Gofer's server on a volume in this folder, with these settings besides the usual."""
    zip_folder = folder / "autograders" / "demo101" / "lab" / "1" / "lab01"
    zip_folder.mkdir(parents=True)
    (zip_folder / "autograder.zip").touch()
    port = _free_port()
    environment = {
        "VOLUME_PATH": str(folder / "volume"),
        "GOFER_AUTOGRADERS": str(folder / "autograders"),
        "GOFER_PORT": str(port),
        "GOFER_IDENTITY": "dev",
        "GOFER_LOG_FORMAT": "json",
        "GOFER_SERVER_PROCESSES": str(PROCESSES),
        **(settings or {}),
    }
    path = "/services/gofer_nb/"
    with _running(["-m", "gofer_ingest.server"], environment, log, port) as top:
        yield MeasuredServer("Gofer", port, path, top)


@contextmanager
def plain(folder: Path, log: Path) -> Iterator[MeasuredServer]:
    """Run the plain handler."""
    folder.mkdir(parents=True)
    port = _free_port()
    arguments = ["-m", "tests.bench.plain_server", str(port), str(folder), str(PROCESSES)]
    with _running(arguments, {}, log, port) as top:
        yield MeasuredServer("plain handler", port, "/", top)


@contextmanager
def _running(
    arguments: Sequence[str], environment: dict[str, str], log: Path, port: int
) -> Iterator[psutil.Process]:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as lines:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], **environment},
            stdin=subprocess.DEVNULL,
            stdout=lines,
            stderr=lines,
        )
        top = psutil.Process(process.pid)
        try:
            _wait_until_it_answers(process, log, port)
            yield top
        finally:
            below = top.children()
            process.terminate()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
            for child in below:  # tornado's fork leaves its children running
                if child.is_running():
                    child.terminate()
            psutil.wait_procs(below, _STOP_S)


def _wait_until_it_answers(process: subprocess.Popen[bytes], log: Path, port: int) -> None:
    """Wait until each of its processes has said that it listens."""
    deadline = time.monotonic() + _START_S
    while process.poll() is None and time.monotonic() < deadline:
        if log.read_bytes().lower().count(b"listening") >= PROCESSES:
            return
        threading.Event().wait(0.05)
    raise SystemExit(f"the server on port {port} did not start: look at {log}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
