"""What the overview shows, looked at once for all who have it open."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from gofer_console.checks import is_locked
from gofer_console.status import look
from shared.gradebook.throughput import throughput_by_hour
from shared.gradebook.writer_lock import LOCK_NAME
from shared.model import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Engine

    from gofer_console.status import Status
    from shared.config import ConsoleSettings
    from shared.gradebook.throughput import Throughput
    from shared.spool import Failure, Spool

T = TypeVar("T")

HOURS_SHOWN: Final = 24
FAILURES_SHOWN: Final = 5

_MOST_READ: Final = 500
"""How many buried entries are opened to find the newest."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How everything stands just now.

    Attributes:
        status: the grader, its queue and what is beside it.
        is_held: whether a process holds the grader's lock.
    """

    status: Status
    is_held: bool


class Shared(Generic[T]):
    """A value that is made at most once in so many seconds, whoever asks; threads may."""

    def __init__(self, for_s: float) -> None:
        self._for_s = for_s
        self._lock = threading.Lock()
        self._value: T | None = None
        self._until = 0.0

    def get(self, make: Callable[[], T]) -> T:
        """Return the value, made anew where it is too old; lets what `make` raises pass."""
        with self._lock:
            if self._value is None or time.monotonic() >= self._until:
                self._value = make()
                self._until = time.monotonic() + self._for_s
            return self._value


def standing(settings: ConsoleSettings, spool: Spool, engine: Engine | None) -> Standing:
    """Look at how everything stands.

    The lock is looked at only where the grader is silent: looking takes it for a moment, and a
    grader that starts in that moment would think that another one runs.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    status = look(settings, spool, engine)
    is_held = status.is_at_work or is_locked(settings.volume_path / LOCK_NAME)
    return Standing(status, is_held)


def by_hour(engine: Engine | None) -> dict[datetime, Throughput]:
    """Return what ended in each of the last hours; hours without a run are not there.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    now = utc_now().replace(minute=0, second=0, microsecond=0)
    since = now - timedelta(hours=HOURS_SHOWN - 1)
    return {} if engine is None else throughput_by_hour(engine, since)


def newest_failures(spool: Spool, count: int) -> tuple[Failure, ...]:
    """Return the entries that were buried last, newest first.

    Args:
        spool: where they lie.
        count: how many there are; with very many, none is opened.

    Raises:
        SpoolError: the disk refused.
    """
    if not 0 < count <= _MOST_READ:
        return ()
    failures = sorted(spool.failed(), key=lambda failure: failure.buried_at, reverse=True)
    return tuple(failures[:FAILURES_SHOWN])
