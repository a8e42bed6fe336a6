"""The demo's own server and grader: two child processes with a volume and a port of their own."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final, Self

import httpx

from shared.errors import GoferError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_MODULES: Final = {"server": "gofer_ingest.server", "grader": "gofer_ingest.grader"}
_PREFIX: Final = "/services/gofer_nb/"
_LOOPBACK: Final = "127.0.0.1"
_START_DEADLINE_S: Final = 60.0
_STOP_DEADLINE_S: Final = 30.0
_POLL_S: Final = 0.1
_LOG_LINES: Final = 30

_KEPT: Final = frozenset(
    {
        "GOFER_GRADER_IMAGE",
        "GOFER_DOCKER_RUNTIME",
        "GOFER_WHEELHOUSE",
        "GOFER_CONCURRENCY",
        "GOFER_LOG_LEVEL",
    }
)
_OURS: Final = ("GOFER_", "LTI_", "JUPYTERHUB_", "EDX_", "POST_GRADE", "VOLUME_PATH", "COURSE_")
_SECRETS: Final = "CREDENTIALS_DIRECTORY"


def free_port() -> int:
    """Return a port of this machine's loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def demo_environment(
    inherited: Mapping[str, str], *, volume: Path, course_config: Path, sandbox: str, port: int
) -> dict[str, str]:
    """Return the environment of the demo's processes.

    What the machine is set up for stays out: a demo must not meet the real gradebook, nor the LMS.

    Args:
        inherited: this process's own.
        volume: the demo's `VOLUME_PATH`.
        course_config: the sample course.
        sandbox: `docker` or `process`.
        port: where its server is to listen.
    """
    environment = {
        name: value
        for name, value in inherited.items()
        if name in _KEPT or not (name.startswith(_OURS) or name == _SECRETS)
    }
    return environment | {
        "VOLUME_PATH": str(volume),
        "COURSE_CONFIG_PATH": str(course_config),
        "GOFER_ADDRESS": _LOOPBACK,
        "GOFER_PORT": str(port),
        "GOFER_IDENTITY": "dev",
        "GOFER_SANDBOX": sandbox,
        "GOFER_LOG_FORMAT": "text",
        "GOFER_DRAIN_S": "5",  # whoever stops a demo does not want to wait for its infinite loop
    }


class Services:
    """Server and grader of a demo; leaving the block stops both.

    Args:
        environment: theirs, from `demo_environment`.
        logs: a folder; each process logs into a file of its name there.
    """

    def __init__(self, environment: Mapping[str, str], logs: Path) -> None:
        self._environment = dict(environment)
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def url(self) -> str:
        """Where notebooks are submitted."""
        return f"http://{_LOOPBACK}:{self._environment['GOFER_PORT']}{_PREFIX}"

    def log_of(self, name: str) -> Path:
        """Return the file that `server` or `grader` logs into."""
        return self._logs / f"{name}.log"

    def __enter__(self) -> Self:
        self._logs.mkdir(parents=True, exist_ok=True)
        try:
            for name, module in _MODULES.items():
                self._running[name] = self._start(name, module)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _start(self, name: str, module: str) -> subprocess.Popen[bytes]:
        with self.log_of(name).open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - a fixed command
                [sys.executable, "-m", module],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the demo, which then stops them in order
            )

    def check_alive(self) -> None:
        """Make sure that both still run.

        Raises:
            GoferError: one has ended; the message shows the end of its log.
        """
        for name, process in self._running.items():
            code = process.poll()
            if code is not None:
                log = self.log_of(name)
                lines = log.read_text("utf-8", "replace").splitlines()[-_LOG_LINES:]
                raise GoferError(
                    f"The {name} ended by itself (exit code {code}). The end of {log}:\n"
                    + "\n".join(lines)
                )

    def wait_until_ready(self) -> None:
        """Wait until the server answers.

        Raises:
            GoferError: it does not within a minute, or a process has ended.
        """
        deadline = time.monotonic() + _START_DEADLINE_S
        with httpx.Client(timeout=2.0, trust_env=False) as client:
            while time.monotonic() < deadline:
                self.check_alive()
                with contextlib.suppress(httpx.HTTPError):
                    if client.get(f"{self.url}healthz").is_success:
                        return
                time.sleep(_POLL_S)
        raise GoferError(
            f"The server does not answer at {self.url}healthz; its log is {self.log_of('server')}."
        )

    def stop(self) -> None:
        """Ask both to stop and wait until they have; kill what does not, or at a second Ctrl-C."""
        for process in self._running.values():
            process.terminate()
        deadline = time.monotonic() + _STOP_DEADLINE_S
        try:
            for process in self._running.values():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.0, deadline - time.monotonic()))
        finally:
            for process in self._running.values():
                process.kill()  # does nothing to one that has ended
                process.wait()
            self._running.clear()
