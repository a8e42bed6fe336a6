"""What a student's grade is, from their runs, the rules and what staff decided. Pure.

The same facts give the same grade, in whatever order they became known: submissions go by when
they were received, never by when they were graded.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.gradebook.lateness import is_cut_off, penalty, seconds_late
from shared.model import AttemptsPolicy, RunId, Score, SubmissionId

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from shared.grade_policy import GradePolicy


@dataclass(frozen=True, slots=True)
class CountedRun:
    """The run that stands for one submission of a student: the latest applied.

    Attributes:
        run_id: of the run.
        submission_id: of its submission; no two counted runs share one.
        received_at: when the submission was received, aware.
        score: None where the run ended without one.
        is_held: whether it counts only once staff have accepted it.
    """

    run_id: RunId
    submission_id: SubmissionId
    received_at: datetime
    score: Score | None
    is_held: bool = False


class NotCounted(enum.StrEnum):
    """Why a submission makes no grade."""

    NO_SCORE = "no_score"
    HELD = "held"
    TOO_MANY = "too_many"
    CUT_OFF = "cut_off"


@dataclass(frozen=True, slots=True)
class Autograde:
    """What a run is worth as a grade.

    Attributes:
        run: which.
        earned: its points out of what the assignment is out of, before the penalty.
        penalty: the part of `earned` that being late takes off, 0 to 1.
        late_s: seconds late, 0 in time; None where nothing is due.
        due_at: with the student's extension, if any; None where nothing is due.
    """

    run: CountedRun
    earned: Score
    penalty: float = 0.0
    late_s: float | None = None
    due_at: datetime | None = None

    @property
    def score(self) -> Score:
        """What is left after the penalty."""
        return Score(self.earned.points * (1.0 - self.penalty), self.earned.possible)


@dataclass(frozen=True, slots=True)
class Override:
    """A score of staff's that stands in place of the autograde.

    Attributes:
        id: of its row.
        score: what counts.
    """

    id: int
    score: Score


@dataclass(frozen=True, slots=True)
class Grade:
    """The grade of record: of an override, of an autograde, or of one above the other."""

    autograde: Autograde | None
    override: Override | None

    @property
    def score(self) -> Score:
        """What counts.

        Raises:
            ValueError: there is neither.
        """
        if self.override is not None:
            return self.override.score
        if self.autograde is None:
            raise ValueError("neither a run nor staff made this grade")
        return self.autograde.score


def weighed(
    runs: Iterable[CountedRun], policy: GradePolicy, until: datetime | None = None
) -> list[tuple[CountedRun, Autograde | NotCounted]]:
    """Return each run with what it is worth, or why it does not count; the first received first.

    Args:
        runs: of one student for one assignment, in any order, all of them: also those without a
            score and those held take up an attempt.
        policy: of the assignment.
        until: the student's own due date, where they have an extension.
    """
    # Of two received in the same microsecond the id decides: any rule will do that is a rule.
    in_order = sorted(runs, key=lambda run: (run.received_at, run.submission_id))
    # An extension of what is no longer due makes nothing late.
    due_at = policy.due_at if policy.due_at is None or until is None else until
    return [
        (run, _worth(run, attempt, policy, due_at)) for attempt, run in enumerate(in_order, start=1)
    ]


def autograde_of(
    runs: Iterable[CountedRun], policy: GradePolicy, until: datetime | None = None
) -> Autograde | None:
    """Choose the run that is the grade of one student for one assignment.

    `best` compares fractions after the penalty, since the points possible may change between
    attempts, and takes the earliest of equals.

    Args:
        runs: as for `weighed`.
        policy: of the assignment.
        until: the student's own due date, where they have an extension.

    Returns:
        None where none counts.
    """
    counted = [
        worth for _, worth in weighed(runs, policy, until) if not isinstance(worth, NotCounted)
    ]
    if not counted:
        return None
    match policy.attempts:
        case AttemptsPolicy.FIRST:
            return counted[0]
        case AttemptsPolicy.LATEST:
            return counted[-1]
        case AttemptsPolicy.BEST:
            return max(counted, key=lambda autograde: autograde.score.fraction)  # first of equals


def grade_of_record(autograde: Autograde | None, override: Override | None) -> Grade | None:
    """Return the grade: staff's where they decided, else the autograde; None without either."""
    return None if autograde is None and override is None else Grade(autograde, override)


def earned_score(score: Score, policy: GradePolicy) -> Score:
    """Return a run's points out of what the assignment is out of.

    The points of the zip that are extra are not counted in what can be earned; then everything is
    scaled to the assignment's own points. A zip of nothing, or of nothing but extra points, cannot
    be scaled and stays as it is.
    """
    possible = score.possible - policy.bonus
    if possible <= 0:
        return score
    if policy.points is None:
        return Score(score.points, possible)
    return Score(score.points * policy.points / possible, policy.points)


def _worth(
    run: CountedRun, attempt: int, policy: GradePolicy, due_at: datetime | None
) -> Autograde | NotCounted:
    if policy.max_attempts is not None and attempt > policy.max_attempts:
        return NotCounted.TOO_MANY
    late_s = None if due_at is None else seconds_late(run.received_at, due_at, policy.late)
    if late_s and is_cut_off(late_s, policy.late):
        return NotCounted.CUT_OFF
    if run.score is None:
        return NotCounted.NO_SCORE
    if run.is_held:
        return NotCounted.HELD
    return Autograde(
        run=run,
        earned=earned_score(run.score, policy),
        penalty=penalty(late_s, policy.late) if late_s else 0.0,
        late_s=late_s,
        due_at=due_at,
    )
