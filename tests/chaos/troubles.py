"""The troubles, each an object that knows how to do it and counts how often it was done."""

from __future__ import annotations

import abc
import os
import random
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, Final

import docker.errors
import requests

if TYPE_CHECKING:
    from tests.chaos.installation import Installation, Supervised
    from tests.chaos.students import Students

REFUSED_WITHIN_S: Final = 60.0
"""Students come at random. They are waited for only until the first one is refused."""
ENGINE_ERRORS: Final = (docker.errors.DockerException, requests.RequestException)
_LOCKER: Final = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


class Trouble(abc.ABC):
    """One kind of trouble.

    Attributes:
        name: for the summary.
        weight: how often it comes, beside the others.
        is_lasting: whether it takes its time; others come meanwhile.
        done: how often it came.
        kills: how many processes and containers got SIGKILL by it.
    """

    name: ClassVar[str]
    weight: ClassVar[float]
    is_lasting: ClassVar[bool] = False

    def __init__(self, dice: random.Random) -> None:
        self.done = 0
        self.kills = 0
        self._dice = dice

    def do(self) -> bool:
        """Make the trouble, and end it where it lasts; return whether it came about."""
        came_about = self._make()
        self.done += came_about
        return came_about

    @abc.abstractmethod
    def _make(self) -> bool: ...

    def _last(self, least_s: float, most_s: float) -> None:
        threading.Event().wait(self._dice.uniform(least_s, most_s))


class KillProcess(Trouble):
    """SIGKILL for the server or the grader."""

    def __init__(self, dice: random.Random, victim: Supervised) -> None:
        super().__init__(dice)
        self._victim = victim

    def _make(self) -> bool:
        was_there = self._victim.kill()
        self.kills += was_there
        return was_there


class KillGrader(KillProcess):
    """SIGKILL for the grader."""

    name = "grader killed"
    weight = 30


class KillServer(KillProcess):
    """SIGKILL for the server."""

    name = "server killed"
    weight = 20


class KillContainer(Trouble):
    """SIGKILL for one container, whatever it is doing."""

    name = "container killed"
    weight = 40

    def __init__(self, dice: random.Random, installation: Installation) -> None:
        super().__init__(dice)
        self._engine = installation.engine

    def _make(self) -> bool:
        was_there = False
        with suppress(*ENGINE_ERRORS):  # the engine may be in trouble itself just now
            running = self._engine.running()
            was_there = bool(running) and self._engine.kill(self._dice.choice(running))
        self.kills += was_there
        return was_there


class StopEngine(Trouble):
    """The engine is stopped in order and started again."""

    name = "engine stopped"
    weight = 3
    is_lasting = True
    _signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, dice: random.Random, installation: Installation) -> None:
        super().__init__(dice)
        self._engine = installation.engine

    def _make(self) -> bool:
        self._engine.stop(self._signal)
        self._last(0.0, 4.0)
        self._engine.start()
        return True


class KillEngine(StopEngine):
    """SIGKILL for the engine, which is then started again."""

    name = "engine killed"
    weight = 3
    _signal = signal.SIGKILL

    def _make(self) -> bool:
        self.kills += 1
        return super()._make()


class FillDisk(Trouble):
    """The volume's disk is full until a student was told so, and a moment longer."""

    name = "disk full"
    weight = 2
    is_lasting = True

    def __init__(self, dice: random.Random, installation: Installation, students: Students) -> None:
        super().__init__(dice)
        self._filler = installation.volume / "filler"
        self._students = students

    def _make(self) -> bool:
        refused = self._students.refused_for_want_of_room
        try:
            with self._filler.open("wb", buffering=0) as filler, suppress(OSError):
                while True:
                    filler.write(bytes(1 << 16))
            with self._filler.open("ab", buffering=0) as filler, suppress(OSError):
                while True:
                    filler.write(bytes(512))
            self._students.wait_for_refusal(refused, REFUSED_WITHIN_S)
            self._last(0.0, 3.0)
        finally:
            self._filler.unlink()
        return True


class LockGradebook(Trouble):
    """Another process keeps the gradebook locked, now and then beyond a writer's patience."""

    name = "gradebook locked"
    weight = 3
    is_lasting = True

    def __init__(self, dice: random.Random, installation: Installation) -> None:
        super().__init__(dice)
        self._path = installation.volume / "gradebook.db"

    def _make(self) -> bool:
        with subprocess.Popen(
            [sys.executable, "-c", _LOCKER, os.fspath(self._path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as locker:
            assert locker.stdout is not None
            was_locked = bool(locker.stdout.readline())
            if was_locked:
                self._last(3.0, 14.0)
        return was_locked


def all_troubles(seed: int, installation: Installation, students: Students) -> list[Trouble]:
    """Return one trouble of each kind, each with dice of its own."""

    def dice(kind: type[Trouble]) -> random.Random:
        return random.Random(f"{seed} {kind.name}")

    return [
        KillGrader(dice(KillGrader), installation.grader),
        KillServer(dice(KillServer), installation.server),
        KillContainer(dice(KillContainer), installation),
        StopEngine(dice(StopEngine), installation),
        KillEngine(dice(KillEngine), installation),
        FillDisk(dice(FillDisk), installation, students),
        LockGradebook(dice(LockGradebook), installation),
    ]
