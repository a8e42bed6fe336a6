"""All that is known of one submission, gathered for the page that shows it.

It comes from the gradebook where it has been recorded, and from the spool as long as it has not.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from shared.errors import SpoolError, UnknownAssignment
from shared.gradebook import tables
from shared.gradebook.grade_history import GradeHistory, grade_history
from shared.gradebook.policy import Autograde, NotCounted, weighed
from shared.gradebook.queries import runs_of
from shared.gradebook.regrades.progress import find_regrade
from shared.gradebook.transactions import reading
from shared.model import AssignmentKey, RegradeId, RunReason, Sha256, SubmissionId, Verdict
from shared.spool import Place

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Engine

    from shared.catalogue import Catalogue
    from shared.gradebook.queries import RecordedRun
    from shared.gradebook.regrades.progress import Regrade
    from shared.model import RunId, Score
    from shared.spool import Failure, Spool

MOST_ATTEMPTS = 500
"""That are listed of one student at one assignment, the newest."""


class Standing(enum.StrEnum):
    """What a submission is to its student's grade."""

    OF_RECORD = "of_record"
    BENEATH = "beneath"
    """It would be the grade, and staff set another one."""
    COUNTS = "counts"
    NO_SCORE = "no_score"
    HELD = "held"
    TOO_MANY = "too_many"
    CUT_OFF = "cut_off"
    UNKNOWN = "unknown"
    """The catalogue no longer has its assignment, and so no rules for it."""
    NOT_GRADED = "not_graded"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One of a student's submissions to an assignment.

    Attributes:
        number: which it is, 1 for the first.
        verdict: of the run that stands for it; None where there is none yet.
        score: of that run, before any penalty; None where the verdict has none.
        worth: what it is worth as a grade; None where it does not count.
    """

    id: SubmissionId
    number: int
    received_at: datetime
    verdict: Verdict | None
    score: Score | None
    standing: Standing
    worth: Autograde | None


@dataclass(frozen=True, slots=True)
class Story:
    """A submission and what became of it.

    Attributes:
        sha256: of its notebook; None for one of the old service, and so `size_bytes`.
        source: by which door it came.
        requested_by: who handed it in; the student but for batches.
        place: where its files lie; None where there are none.
        failure: why our machinery gave it up; None where it did not.
        runs: the newest first, applied or not.
        regrades: those that the runs belong to, by their ids.
        history: of the student's grade; None where nothing of theirs is recorded yet.
        attempts: of the student at the assignment, the newest first.
    """

    id: SubmissionId
    student: str
    key: AssignmentKey
    received_at: datetime
    sha256: Sha256 | None
    size_bytes: int | None
    source: str
    requested_by: str
    place: Place | None
    failure: Failure | None
    runs: tuple[RecordedRun, ...]
    regrades: Mapping[str, Regrade]
    history: GradeHistory | None
    attempts: tuple[Attempt, ...]

    @property
    def counted(self) -> RecordedRun | None:
        """The run that stands for it, the latest applied; None where there is none."""
        applied = [run for run in self.runs if run.applied_at is not None]
        return max(applied, key=lambda run: (run.applied_at, run.run_id), default=None)

    @property
    def attempt(self) -> Attempt | None:
        """Its own place among the attempts."""
        return next((one for one in self.attempts if one.id == self.id), None)

    @property
    def held_run(self) -> RunId | None:
        """The run that counts once staff accept it; None where none waits for that."""
        attempt, run = self.attempt, self.counted
        is_held = attempt is not None and attempt.standing is Standing.HELD
        return run.run_id if run is not None and is_held else None


@dataclass(frozen=True, slots=True)
class _Facts:
    student: str
    key: AssignmentKey
    received_at: datetime
    sha256: Sha256 | None
    size_bytes: int | None
    source: str
    requested_by: str


def story_of(
    engine: Engine | None, spool: Spool, catalogue: Catalogue | None, submission_id: SubmissionId
) -> Story | None:
    """Return what is known of a submission; None where there is none of this id.

    Args:
        engine: of the gradebook; None where there is none yet.
        spool: where submissions wait.
        catalogue: by whose rules attempts count; None where it cannot be read.
        submission_id: any text.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    recorded = None if engine is None else _recorded(engine, submission_id)
    place, facts = _in_spool(spool, submission_id)
    facts = recorded or facts
    if facts is None:
        return None
    runs: tuple[RecordedRun, ...] = ()
    regrades: dict[str, Regrade] = {}
    history: GradeHistory | None = None
    attempts: tuple[Attempt, ...] = ()
    if engine is not None:
        runs = tuple(reversed(runs_of(engine, submission_id))) if recorded else ()
        regrades = _regrades(engine, runs)
        history = grade_history(engine, facts.student, facts.key)
        attempts = _attempts(engine, facts, history, catalogue)
    return Story(
        id=submission_id,
        student=facts.student,
        key=facts.key,
        received_at=facts.received_at,
        sha256=facts.sha256,
        size_bytes=facts.size_bytes,
        source=facts.source,
        requested_by=facts.requested_by,
        place=place,
        failure=spool.failure_of(submission_id) if place is Place.FAILED else None,
        runs=runs,
        regrades=regrades,
        history=history,
        attempts=attempts,
    )


def _recorded(engine: Engine, submission_id: SubmissionId) -> _Facts | None:
    submissions = tables.submissions.c
    with reading(engine, "be read") as connection:
        row = connection.execute(
            select(tables.submissions).where(submissions.id == submission_id)
        ).one_or_none()
    if row is None:
        return None
    return _Facts(
        student=row.student,
        key=AssignmentKey(row.course, row.section, row.assignment),
        received_at=row.received_at,
        sha256=row.sha256,
        size_bytes=row.size_bytes,
        source=row.source,
        requested_by=row.requested_by,
    )


def _in_spool(spool: Spool, submission_id: SubmissionId) -> tuple[Place | None, _Facts | None]:
    try:
        place = spool.find(submission_id)
        if place is None:
            return None, None
        envelope = spool.envelope_of(submission_id)
    except SpoolError:
        return (
            None,
            None,
        )  # no entry, damaged, or the volume is away: the gradebook may still know it
    payload = envelope.payload
    return place, _Facts(
        student=payload.student,
        key=payload.key,
        received_at=envelope.received_at,
        sha256=payload.sha256,
        size_bytes=payload.size_bytes,
        source=payload.source.value,
        requested_by=envelope.requested_by,
    )


def _regrades(engine: Engine, runs: tuple[RecordedRun, ...]) -> dict[str, Regrade]:
    ids = {run.regrade_id for run in runs if run.reason is RunReason.REGRADE and run.regrade_id}
    if not ids:
        return {}
    with reading(engine, "be read") as connection:
        found = [find_regrade(connection, RegradeId(one)) for one in sorted(ids)]
    return {one.id: one for one in found if one is not None}


def _attempts(
    engine: Engine, facts: _Facts, history: GradeHistory, catalogue: Catalogue | None
) -> tuple[Attempt, ...]:
    submissions, runs = tables.submissions.c, tables.grading_runs.c
    counted = tables.counted_runs.c
    statement = (
        select(submissions.id, submissions.received_at, runs.verdict)
        .select_from(tables.submissions)
        .outerjoin(tables.counted_runs, counted.submission_id == submissions.id)
        .outerjoin(tables.grading_runs, runs.id == counted.run_id)
        .where(
            submissions.student == facts.student,
            submissions.course == facts.key.course,
            submissions.section == facts.key.section,
            submissions.assignment == facts.key.assignment,
        )
        .order_by(submissions.received_at, submissions.id)
    )
    with reading(engine, "be read") as connection:
        rows = connection.execute(statement).all()
    scores = {run.submission_id: run.score for run in history.runs}
    standings = _standings(history, facts.key, catalogue)
    found = []
    for number, row in enumerate(rows, start=1):
        standing, worth = standings.get(row.id, (Standing.NOT_GRADED, None))
        found.append(
            Attempt(
                id=SubmissionId(row.id),
                number=number,
                received_at=row.received_at,
                verdict=None if row.verdict is None else Verdict(row.verdict),
                score=scores.get(row.id),
                standing=standing,
                worth=worth,
            )
        )
    return tuple(reversed(found[-MOST_ATTEMPTS:]))


def _standings(
    history: GradeHistory, key: AssignmentKey, catalogue: Catalogue | None
) -> dict[SubmissionId, tuple[Standing, Autograde | None]]:
    of_record = next((one for one in history.grades if one.superseded_at is None), None)
    found: dict[SubmissionId, tuple[Standing, Autograde | None]] = {}
    try:
        policy = None if catalogue is None else catalogue.find(key).policy
    except UnknownAssignment:
        policy = None
    if policy is None:
        found = {run.submission_id: (Standing.UNKNOWN, None) for run in history.runs}
    else:
        for run, worth in weighed(history.runs, policy, history.until):
            found[run.submission_id] = (
                (Standing(worth.value), None)
                if isinstance(worth, NotCounted)
                else (Standing.COUNTS, worth)
            )
    if of_record is not None and of_record.submission_id is not None:
        # A grade of record stands until something changes it, whatever the rules say by now.
        is_beneath = of_record.origin.value == "override"
        standing = Standing.BENEATH if is_beneath else Standing.OF_RECORD
        _, its_worth = found.get(of_record.submission_id, (None, None))
        found[of_record.submission_id] = (standing, its_worth)
    return found
