"""Who moves by a regrade, and by how much. Pure: what would be compared with what is.

A move is a change of what counts for a student, in points or in points possible. Where an override
sits above, the grade beneath may change and the student does not move; that is told apart.
"""

from __future__ import annotations

import enum
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from shared.model import QuestionScore, RegradeId, RunId, Score

_FINGERPRINT_DIGITS: Final = 12


@dataclass(frozen=True, slots=True)
class Autograde:
    """A grade as runs make it, an override left aside.

    Attributes:
        score: of record, after whatever the assignment's policies take off.
        run_id: of the run that makes it.
    """

    score: Score
    run_id: RunId


@dataclass(frozen=True, slots=True)
class Standing:
    """A student of a regrade, as things are and as they would be.

    Attributes:
        before: None where the student has no grade.
        after: None where they would have none.
        is_overridden: whether staff's own score counts in its place, before and after.
    """

    student: str
    before: Autograde | None
    after: Autograde | None
    is_overridden: bool = False


class Effect(enum.StrEnum):
    """What a regrade does to a student."""

    MOVES = "moves"
    HIDDEN = "hidden"
    STAYS = "stays"


@dataclass(frozen=True, slots=True)
class QuestionMove:
    """A question whose points differ between two runs; None where one of them has it not."""

    question: str
    before: QuestionScore | None
    after: QuestionScore | None

    @property
    def points(self) -> float:
        """By how many points it moves."""
        return (self.after.score if self.after else 0.0) - (
            self.before.score if self.before else 0.0
        )


@dataclass(frozen=True, slots=True)
class Change:
    """What a regrade does to one student's grade.

    Attributes:
        questions: those that move, in the zip's order, where the grade changes at all.
    """

    student: str
    effect: Effect
    before: Autograde | None
    after: Autograde | None
    questions: tuple[QuestionMove, ...] = ()

    @property
    def points(self) -> float:
        """By how many points the grade moves; no grade counts as none earned."""
        return (self.after.score.points if self.after else 0.0) - (
            self.before.score.points if self.before else 0.0
        )

    @property
    def fraction(self) -> float:
        """By how much of all points the grade moves."""
        return (self.after.score.fraction if self.after else 0.0) - (
            self.before.score.fraction if self.before else 0.0
        )


def compared(
    standings: Iterable[Standing], questions: Mapping[RunId, Sequence[QuestionScore]]
) -> tuple[Change, ...]:
    """Return what happens to each student: the biggest moves first, those who stay last.

    Args:
        standings: one for each student of the regrade.
        questions: what the runs that make the grades earned on each question, in the zip's order.
    """
    changes = [_change(one, questions) for one in standings]
    order = {effect: place for place, effect in enumerate(Effect)}
    return tuple(
        sorted(
            changes,
            key=lambda one: (
                order[one.effect],
                -abs(one.fraction),
                -abs(one.points),
                one.student,
            ),
        )
    )


def fingerprint(regrade_id: RegradeId, changes: Iterable[Change]) -> str:
    """Return twelve hexadecimal digits that stand for who moves, and from what to what.

    Who stays has no part in it: a student who submits meanwhile, and moves neither way, changes
    nothing of what was shown.
    """
    moves = sorted(
        [one.student, one.effect.value, _numbers(one.before), _numbers(one.after)]
        for one in changes
        if one.effect is not Effect.STAYS
    )
    text = json.dumps([regrade_id, moves], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_FINGERPRINT_DIGITS]


def _change(one: Standing, questions: Mapping[RunId, Sequence[QuestionScore]]) -> Change:
    if _numbers(one.before) == _numbers(one.after):
        return Change(one.student, Effect.STAYS, one.before, one.after)
    before = questions.get(one.before.run_id, ()) if one.before else ()
    after = questions.get(one.after.run_id, ()) if one.after else ()
    effect = Effect.HIDDEN if one.is_overridden else Effect.MOVES
    return Change(one.student, effect, one.before, one.after, _question_moves(before, after))


def _question_moves(
    before: Sequence[QuestionScore], after: Sequence[QuestionScore]
) -> tuple[QuestionMove, ...]:
    earlier = {score.question: score for score in before}
    later = {score.question: score for score in after}
    moves = (
        QuestionMove(name, earlier.get(name), later.get(name))
        for name in dict.fromkeys([*later, *earlier])
    )
    return tuple(move for move in moves if move.before != move.after)


def _numbers(grade: Autograde | None) -> list[float]:
    return [] if grade is None else [grade.score.points, grade.score.possible]
