"""What a student may be told of a submission. Pure: facts in, a status out.

Nothing of a result is in a status before its assignment publishes it, nor of a score that staff
have to accept before it counts, and nothing of hidden tests is in one ever. What the notebook
printed, the text for staff, logs and flags do not come this far.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from shared.model import Score
from shared.spool import Place

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.gradebook.history import CountedResult, GradeTold
    from shared.model import (
        AssignmentKey,
        AutograderSpec,
        PublishRule,
        QuestionScore,
        Sha256,
        SubmissionId,
        Verdict,
    )
    from shared.queue_snapshot import QueueSnapshot

SHORT_ID_CHARACTERS: Final = 8


class State(enum.StrEnum):
    """How far a submission has come."""

    WAITING = "waiting"
    RUNNING = "running"
    RECORDED = "recorded"
    SET_ASIDE = "set_aside"


class Hold(enum.StrEnum):
    """Why nobody can say when a waiting submission's turn comes."""

    PAUSED = "paused"
    """No grader is claiming anything just now."""
    BLOCKED = "blocked"
    """Its assignment is not ready for grading."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """What was submitted; whoever may see the submission may see all of it.

    Attributes:
        sha256: of the notebook; None for a classic submission.
        received_at: aware.
        attempt: the student's nth for this assignment; None where that cannot be told just now.
    """

    id: SubmissionId
    student: str
    key: AssignmentKey
    sha256: Sha256 | None
    received_at: datetime
    attempt: int | None

    @property
    def short_id(self) -> str:
        """The end of the id, as receipts give it."""
        return self.id[-SHORT_ID_CHARACTERS:]


@dataclass(frozen=True, slots=True)
class Facts:
    """What there is to know about a submission at one moment.

    Attributes:
        place: where its entry lies; the archive also for one that is in the gradebook alone.
        result: how its run ended; None where there is none, or where it cannot be read.
        publish: its assignment's rule.
        snapshot: the grader's last one.
        ahead: how many entries in `spool/new` come before it that are not running.
        now: aware.
    """

    place: Place
    result: CountedResult | None
    publish: PublishRule
    snapshot: QueueSnapshot | None
    ahead: int
    now: datetime


@dataclass(frozen=True, slots=True)
class QuestionsTold:
    """What is told of a result's questions.

    Attributes:
        shown: the questions of which no test is hidden, in the zip's order.
        hidden: all others together; None where there are none.
    """

    shown: tuple[QuestionScore, ...]
    hidden: Score | None


@dataclass(frozen=True, slots=True)
class Status:
    """What the student may be told.

    Attributes:
        position: 1 for whose turn is next; None where it does not wait or nobody can say.
        expected_wait_s: seconds until its turn comes; None where nobody can say.
        typical_s: seconds that a run for this assignment usually takes; None where none was seen.
        hold: why nobody can say; None where there is no reason of its own.
        is_published: whether students see results of this assignment now.
        publishes_at: from when on they will; None where they do already or nobody set a time.
        is_held: whether there is a score that students would see, and staff look at it first.
        verdict: how it ended; None before that, before it is published, while it is held, and
            where it cannot be read at the moment. Alike for what follows.
        score: None also where the verdict has none.
        student_text: plain sentences; empty alike.
        graded_at: when the verdict was decided.
        questions: None also where it is not known which of them are hidden.
        grade: the student's grade of record for the assignment, of whichever submission; None also
            where one asks for several at once.
    """

    submitted: Submitted
    state: State
    position: int | None = None
    expected_wait_s: float | None = None
    typical_s: float | None = None
    hold: Hold | None = None
    is_published: bool = False
    publishes_at: datetime | None = None
    is_held: bool = False
    verdict: Verdict | None = None
    score: Score | None = None
    student_text: str = ""
    graded_at: datetime | None = None
    questions: QuestionsTold | None = None
    grade: GradeTold | None = None

    @property
    def is_open(self) -> bool:
        """Whether it may say something else soon, without anybody's doing."""
        if self.state is State.RECORDED:
            return self.is_published and not self.is_held and self.verdict is None
        return self.state in {State.WAITING, State.RUNNING}


def decide_status(submitted: Submitted, facts: Facts) -> Status:
    """Decide what may be told of a submission."""
    status = Status(
        submitted,
        _state(submitted, facts),
        is_published=facts.publish.is_published(facts.now),
        publishes_at=_publishes_at(facts),
    )
    match status.state:
        case State.WAITING:
            return _waiting(status, facts)
        case State.RUNNING:
            return replace(status, typical_s=_typical_s(status, facts))
        case State.RECORDED if facts.result is not None and status.is_published:
            return _told(status, facts.result)
    return status


def questions_told(
    scores: Sequence[QuestionScore], spec: AutograderSpec | None
) -> QuestionsTold | None:
    """Decide what of a published result's questions is told.

    Args:
        scores: what the run earned on each.
        spec: of the zip that graded it; None where it is not known any more.

    Returns:
        None where nothing can be told: which questions are hidden is for the spec alone to say. A
        question that it does not have counts as hidden.
    """
    if spec is None or not scores:
        return None
    open_names = {question.name for question in spec.questions if not question.hidden}
    shown = tuple(score for score in scores if score.question in open_names)
    others = [score for score in scores if score.question not in open_names]
    hidden = Score(
        sum(score.score for score in others), sum(score.points_possible for score in others)
    )
    return QuestionsTold(shown, hidden if others else None)


def _state(submitted: Submitted, facts: Facts) -> State:
    # A recorded run is the end of it, wherever its entry lies: it may not have been moved yet.
    if facts.result is not None or facts.place is Place.ARCHIVED:
        return State.RECORDED
    if facts.place is Place.FAILED:
        return State.SET_ASIDE
    is_running = (
        facts.snapshot is not None
        and facts.snapshot.is_fresh(facts.now)
        and submitted.id in facts.snapshot.running
    )
    return State.RUNNING if is_running else State.WAITING


def _told(status: Status, result: CountedResult) -> Status:
    # one that ended without a score makes no grade, whatever staff decide
    if result.is_held and result.score is not None:
        return replace(status, is_held=True)
    return replace(
        status,
        verdict=result.verdict,
        score=result.score,
        student_text=result.student_text,
        graded_at=result.finished_at,
    )


def _publishes_at(facts: Facts) -> datetime | None:
    starts_at = facts.publish.starts_at
    return starts_at if starts_at is not None and starts_at > facts.now else None


def _waiting(status: Status, facts: Facts) -> Status:
    snapshot = facts.snapshot
    if snapshot is None or not snapshot.is_fresh(facts.now) or snapshot.paused is not None:
        return replace(status, hold=Hold.PAUSED)
    outlook = snapshot.outlook(status.submitted.key)
    if outlook is not None and outlook.is_blocked:
        return replace(status, hold=Hold.BLOCKED)
    # Those that rest are mostly the oldest, and nobody has to wait for them.
    position = max(facts.ahead - snapshot.resting, 0) + 1
    wait_s = None
    if snapshot.typical_s is not None:
        wait_s = position / snapshot.concurrency * snapshot.typical_s
    return replace(
        status,
        position=position,
        expected_wait_s=wait_s,
        typical_s=_typical_s(status, facts),
    )


def _typical_s(status: Status, facts: Facts) -> float | None:
    if facts.snapshot is None:
        return None
    outlook = facts.snapshot.outlook(status.submitted.key)
    if outlook is not None and outlook.typical_s is not None:
        return outlook.typical_s
    return facts.snapshot.typical_s
