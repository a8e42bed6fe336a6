"""Several server processes on one address: started, kept alive, and stopped together.

The supervisor holds the listening sockets and never takes a connection itself. Its children are
started afresh and not forked, so that each imports for itself: a fork would share the event loop,
the threads and the metrics of whoever imported them first. A child sees by a pipe that the
supervisor is gone, also where it was killed, and then stops as if it had been asked to.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gofer_ingest.server.inheritance import Inheritance
from gofer_ingest.server.metrics import FOLDER_VARIABLE, forget_process
from gofer_ingest.server.shares import shared_memory
from shared.config import child_environment

if TYPE_CHECKING:
    import socket
    from asyncio.subprocess import Process

_log = logging.getLogger("gofer.server")

STOP_S: Final = 9.7
"""Seconds that the processes may take to stop, a little more than each gives itself; what still
runs then is killed."""

HEALTHY_S: Final = 10.0
"""A process that lived for this long did not die at once."""
DELAYS_S: Final = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before a process is started again, after so many deaths at once in a row."""
HOPELESS_DEATHS: Final = 4
"""After so many in a row there is no hope, unless another process does better."""


@dataclass(slots=True)
class Lives:
    """Pure: what the lives of one process so far say about starting it again.

    Times are seconds of one clock that only goes forward.
    """

    deaths_at_once: int = 0
    begun_s: float | None = None

    def begin(self, now_s: float) -> None:
        """Note that it was started."""
        self.begun_s = now_s

    def end(self, now_s: float) -> float:
        """Note that it died; return in how many seconds to start it again."""
        if self._is_healthy(now_s):
            self.deaths_at_once = 0
        else:
            self.deaths_at_once += 1
        self.begun_s = None
        return DELAYS_S[min(self.deaths_at_once, len(DELAYS_S) - 1)]

    def is_hopeless(self, now_s: float) -> bool:
        """Tell whether it dies at once again and again, up to now."""
        return self.deaths_at_once >= HOPELESS_DEATHS and not self._is_healthy(now_s)

    def _is_healthy(self, now_s: float) -> bool:
        return self.begun_s is not None and now_s - self.begun_s >= HEALTHY_S


class Supervisor:
    """Runs the processes until it is asked to stop.

    Args:
        processes: how many.
        sockets: listening; they are the supervisor's from now on.
    """

    def __init__(self, processes: int, sockets: list[socket.socket]) -> None:
        self._lives = [Lives() for _ in range(processes)]
        self._sockets = sockets
        self._running: set[Process] = set()
        self._stop = asyncio.Event()

    async def run(self) -> int:
        """Run; return the exit code.

        Returns:
            0 after a stop that was asked for, 1 where the processes died at once again and
            again.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        _log.info(
            "Starting server processes",
            extra={"action": "supervising", "processes": len(self._lives)},
        )
        listening = tuple(each.fileno() for each in self._sockets)
        shares = shared_memory(len(self._lives))
        life, held = os.pipe()  # the kernel closes `held` with this process, however it ends
        with tempfile.TemporaryDirectory(prefix="gofer-metrics-") as metrics:
            keepers = [
                asyncio.create_task(
                    self._keep(Inheritance(number, listening, life, shares, metrics))
                )
                for number, _ in enumerate(self._lives, start=1)
            ]
            asked = asyncio.create_task(self._stop.wait())
            await asyncio.wait({asked, *keepers}, return_when=asyncio.FIRST_COMPLETED)
            is_asked = self._stop.is_set()
            await self._end(keepers)
        for descriptor in (life, held, shares):
            os.close(descriptor)
        _log.info("Stopped", extra={"action": "stopped"})
        return 0 if is_asked else 1

    async def _keep(self, given: Inheritance) -> None:
        """Run one process, again and again, until it is to stop or there is no hope for any."""
        loop = asyncio.get_running_loop()
        lives = self._lives[given.number - 1]
        delay_s = 0.0
        while not await self._is_to_stop_within(delay_s):
            lives.begin(loop.time())
            code = await self._run_once(given)
            if self._stop.is_set():
                return
            delay_s = lives.end(loop.time())
            _log.warning(
                "A server process ended by itself",
                extra={
                    "action": "process_ended",
                    "server_process": given.number,
                    "exit_code": code,
                    "restarted_in_s": delay_s,
                },
            )
            if all(each.is_hopeless(loop.time()) for each in self._lives):
                _log.error(
                    "The server processes end at once again and again; giving up",
                    extra={"action": "gave_up", "processes": len(self._lives)},
                )
                return

    async def _is_to_stop_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)
        return self._stop.is_set()

    async def _run_once(self, given: Inheritance) -> int | None:
        """Run one process to its end; return its exit code, or None where it cannot be started."""
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "gofer_ingest.server",
                *given.arguments(),
                stdin=asyncio.subprocess.DEVNULL,
                env=child_environment({FOLDER_VARIABLE: given.metrics}),
                pass_fds=given.descriptors,
            )
        except OSError as error:
            _log.warning(
                "A server process could not be started",
                extra={"action": "process_failed", "reason": str(error)},
            )
            return None
        self._running.add(process)
        if self._stop.is_set():  # asked while it was being started, so nobody else told it
            self._signal(signal.SIGTERM)
        code = await process.wait()
        self._running.discard(process)
        forget_process(process.pid, given.metrics)
        return code

    async def _end(self, keepers: list[asyncio.Task[None]]) -> None:
        """Stop all processes; kill those that do not stop in time."""
        self._stop.set()
        for listening in self._sockets:
            listening.close()
        self._signal(signal.SIGTERM)
        _, late = await asyncio.wait(keepers, timeout=STOP_S)
        if late:
            _log.warning(
                "Server processes did not stop in time and are killed",
                extra={"action": "killed", "processes": len(late)},
            )
            self._signal(signal.SIGKILL)
            await asyncio.wait(keepers)
        for keeper in keepers:
            keeper.result()

    def _signal(self, number: signal.Signals) -> None:
        for process in self._running:
            with suppress(ProcessLookupError):
                process.send_signal(number)
