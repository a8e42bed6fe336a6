"""What a strict LMS holds: each student's grade, and all that it has held."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class StrictGradebook:
    def __init__(self, students: Iterable[str]) -> None:
        self.students = frozenset(students)
        self._lock = threading.Lock()
        self._history: defaultdict[str, list[float]] = defaultdict(list)
        self._held: dict[str, float] = {}

    def keep(self, student: str, fraction: float) -> None:
        with self._lock:
            self._history[student].append(fraction)
            self._held[student] = fraction

    def take_out(self, student: str) -> None:
        with self._lock:
            self._held.pop(student, None)

    def held(self, student: str) -> float | None:
        with self._lock:
            return self._held.get(student)

    def history(self) -> dict[str, list[float]]:
        with self._lock:
            return {student: list(kept) for student, kept in self._history.items() if kept}
