"""How each question moves by a regrade, over all students. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.gradebook.regrades.comparison import Change


@dataclass(frozen=True, slots=True)
class QuestionSummary:
    """One question.

    Attributes:
        up: how many students gain points on it.
        down: how many lose some.
        points: by how many all of them move together.
    """

    question: str
    up: int
    down: int
    points: float


def by_question(changes: Iterable[Change]) -> tuple[QuestionSummary, ...]:
    """Sum the moves up, the question that moves most students first."""
    moved: dict[str, list[float]] = defaultdict(list)
    for change in changes:
        for move in change.questions:
            moved[move.question].append(move.points)
    found = (
        QuestionSummary(
            name, sum(one > 0 for one in points), sum(one < 0 for one in points), sum(points)
        )
        for name, points in moved.items()
    )
    return tuple(sorted(found, key=lambda one: (-(one.up + one.down), one.question)))
