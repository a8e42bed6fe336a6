"""What the grader learns of its runs as they end: how long they take, and which assignments wait.

It is for telling people what to expect. Nothing is decided by it, and nothing of it is kept beyond
the process, but for the medians in the queue's last snapshot.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Final

from shared.errors import AssignmentBlocked
from shared.queue_snapshot import MAX_ASSIGNMENTS, AssignmentOutlook

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shared.model import AssignmentKey
    from shared.queue_snapshot import QueueSnapshot

RUNS_OF_ONE: Final = 25
RUNS_OF_ALL: Final = 50
"""How many of the last runs a median is taken of."""


@dataclass(slots=True)
class _Seen:
    """What was seen of one assignment."""

    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=RUNS_OF_ONE))
    is_blocked: bool = False


class Tally:
    """Counts runs as they end; any thread may."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: deque[float] = deque(maxlen=RUNS_OF_ALL)
        self._seen: OrderedDict[AssignmentKey, _Seen] = OrderedDict()

    def begin_with(self, snapshot: QueueSnapshot) -> None:
        """Take an earlier grader's medians, until there are runs of one's own."""
        with self._lock:
            if snapshot.typical_s is not None:
                self._seconds.append(snapshot.typical_s)
            for outlook in snapshot.assignments:
                if outlook.typical_s is not None:
                    self._of(outlook.key).seconds.append(outlook.typical_s)

    def ran(self, key: AssignmentKey, seconds: float) -> None:
        """Count a run that ended with a verdict; it held its place for so many seconds."""
        with self._lock:
            self._seconds.append(max(seconds, 0.0))
            self._of(key).seconds.append(max(seconds, 0.0))

    @contextmanager
    def noting_blocks(self, key: AssignmentKey) -> Iterator[None]:
        """Note whether an assignment is blocked, by whether the block raises that."""
        try:
            yield
        except AssignmentBlocked:
            with self._lock:
                self._of(key).is_blocked = True
            raise
        with self._lock:
            self._of(key).is_blocked = False

    @property
    def typical_s(self) -> float | None:
        """Median seconds of the last runs; None before the first."""
        with self._lock:
            return _median(self._seconds)

    @property
    def outlooks(self) -> tuple[AssignmentOutlook, ...]:
        """What submissions to each assignment can expect, those seen last at the end."""
        with self._lock:
            return tuple(
                AssignmentOutlook(
                    course=key.course,
                    section=key.section,
                    assignment=key.assignment,
                    typical_s=_median(seen.seconds),
                    is_blocked=seen.is_blocked,
                )
                for key, seen in self._seen.items()
            )

    def _of(self, key: AssignmentKey) -> _Seen:
        seen = self._seen.setdefault(key, _Seen())
        self._seen.move_to_end(key)
        if len(self._seen) > MAX_ASSIGNMENTS:
            self._seen.popitem(last=False)
        return seen


def _median(seconds: Iterable[float]) -> float | None:
    values = list(seconds)
    return round(median(values), 3) if values else None
