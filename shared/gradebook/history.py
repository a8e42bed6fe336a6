"""A student's submissions as the gradebook has them: what the server tells people of theirs.

What is for staff alone is not even read here: the second text of a run, its log and its flags. Of
the last only whether the run counts, or waits for staff to accept it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select

from shared.gradebook import tables
from shared.gradebook.facts import is_of
from shared.gradebook.held import is_held
from shared.gradebook.transactions import reading
from shared.model import (
    AssignmentKey,
    QuestionScore,
    RunId,
    Score,
    Sha256,
    SubmissionId,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection, Engine, Row, Select

_DOING: Final = "be read"


@dataclass(frozen=True, slots=True)
class CountedResult:
    """How the run ended that counts for a submission.

    Attributes:
        score: None exactly where the verdict has none.
        student_text: what the student is told.
        finished_at: when its verdict was decided.
        autograder_sha256: None for classic grades, and so `image_id`.
        is_held: whether it counts only once staff accept it, and they have not.
    """

    run_id: RunId
    verdict: Verdict
    score: Score | None
    student_text: str
    finished_at: datetime
    autograder_sha256: Sha256 | None
    image_id: str | None
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class RecordedSubmission:
    """A submission in the gradebook.

    Attributes:
        sha256: of its notebook; None for a classic one.
        attempt: which it is of the student's for its assignment that are in the gradebook, by id;
            1 for the first.
        result: None where none of its runs counts.
    """

    id: SubmissionId
    student: str
    key: AssignmentKey
    received_at: datetime
    sha256: Sha256 | None
    attempt: int
    result: CountedResult | None


@dataclass(frozen=True, slots=True)
class GradeTold:
    """A student's grade of record for an assignment, with what they may know of how it was made.

    Attributes:
        score: that counts.
        is_override: whether staff set it.
        comment: of theirs, for the student; empty without.
        submission_id: whose run it is, where staff did not set it.
        earned: the points of that run before the penalty; None where staff set it.
        penalty: the part of them that being late took off, 0 to 1.
        late_s: seconds late; 0 in time, and where nothing was due.
    """

    score: Score
    is_override: bool
    comment: str = ""
    submission_id: SubmissionId | None = None
    earned: Score | None = None
    penalty: float = 0.0
    late_s: float = 0.0


@dataclass(frozen=True, slots=True)
class History:
    """What the gradebook has of a student, all at one moment.

    Attributes:
        submissions: those that were asked for, newest first.
        before: of each of the submissions that were said not to be recorded, and indeed are not,
            how many of the student's for the same assignment are recorded and have a lower id.
    """

    submissions: tuple[RecordedSubmission, ...]
    before: Mapping[SubmissionId, int]


def student_of(engine: Engine, submission_id: SubmissionId) -> str | None:
    """Return whose submission this is; None where the gradebook does not have it.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    submissions = tables.submissions.c
    with reading(engine, _DOING) as connection:
        return connection.scalar(select(submissions.student).where(submissions.id == submission_id))


def history_of(
    engine: Engine,
    student: str,
    *,
    unrecorded: Mapping[SubmissionId, AssignmentKey],
    limit: int,
    before: SubmissionId | None = None,
    only: SubmissionId | None = None,
) -> History:
    """Return a page of a student's submissions, or one of them.

    Args:
        engine: of the gradebook.
        student: whose.
        unrecorded: the student's submissions that may not be in the gradebook yet; a few.
        limit: how many at most.
        before: those alone whose id sorts before this one; None begins with the newest.
        only: this one alone; None for all.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    submissions, runs = tables.submissions, tables.grading_runs.c
    counted = tables.counted_runs.c
    earlier = submissions.alias("earlier")
    attempt = (
        select(func.count())
        .select_from(earlier)
        .where(
            *(
                earlier.c[name] == submissions.c[name]
                for name in ("student", "course", "section", "assignment")
            ),
            earlier.c.id <= submissions.c.id,
        )
        .scalar_subquery()
    )
    statement = (
        select(submissions, attempt.label("attempt"))
        .add_columns(runs.id.label("run_id"), runs.verdict, runs.score, runs.points_possible)
        .add_columns(runs.student_text, runs.finished_at, runs.autograder_sha256, runs.image_id)
        .add_columns(is_held().label("is_held"))
        .select_from(submissions)
        .outerjoin(tables.counted_runs, counted.submission_id == submissions.c.id)
        .outerjoin(tables.grading_runs, runs.id == counted.run_id)
        .where(submissions.c.student == student)
        .order_by(submissions.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(submissions.c.id < before)
    if only is not None:
        statement = statement.where(submissions.c.id == only)
    with reading(engine, _DOING) as connection:
        return History(
            submissions=tuple(map(_recorded, connection.execute(statement))),
            before=_before(connection, student, unrecorded),
        )


def question_scores(engine: Engine, run_id: RunId) -> tuple[QuestionScore, ...]:
    """Return what a run earned on each question, in the zip's order.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    questions = tables.question_scores.c
    statement = (
        select(questions.question, questions.score, questions.points_possible)
        .where(questions.run_id == run_id)
        .order_by(questions.position)
    )
    with reading(engine, _DOING) as connection:
        return tuple(QuestionScore(*row) for row in connection.execute(statement))


def grade_told(engine: Engine, student: str, key: AssignmentKey) -> GradeTold | None:
    """Return a student's grade of record; None where there is none.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    grades, overrides = tables.grades, tables.overrides
    statement = (
        select(grades, overrides.c.comment)
        .outerjoin_from(grades, overrides, overrides.c.id == grades.c.override_id)
        .where(is_of(grades, student, key), grades.c.superseded_at.is_(None))
    )
    with reading(engine, _DOING) as connection:
        row = connection.execute(statement).one_or_none()
    if row is None:
        return None
    score = Score(row.score, row.points_possible)
    if row.override_id is not None:
        return GradeTold(score, is_override=True, comment=row.comment)
    return GradeTold(
        score,
        is_override=False,
        submission_id=SubmissionId(row.submission_id),
        earned=Score(row.earned, row.earned_possible),
        penalty=row.penalty,
        late_s=row.late_s or 0.0,
    )


def grades_without_submission(
    engine: Engine, student: str
) -> tuple[tuple[AssignmentKey, GradeTold], ...]:
    """Return the grades that staff set for assignments to which a student handed in nothing.

    In the order of the assignments' names.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    grades, overrides = tables.grades, tables.overrides
    submissions = tables.submissions
    names = ("course", "section", "assignment")
    handed_in = (
        select(submissions.c.id)
        .where(
            submissions.c.student == grades.c.student,
            *(submissions.c[name] == grades.c[name] for name in names),
        )
        .exists()
    )
    statement = (
        select(grades, overrides.c.comment)
        .join_from(grades, overrides, overrides.c.id == grades.c.override_id)
        .where(grades.c.student == student, grades.c.superseded_at.is_(None), ~handed_in)
        .order_by(*(grades.c[name] for name in names))
    )
    with reading(engine, _DOING) as connection:
        rows = connection.execute(statement).all()
    return tuple(
        (
            AssignmentKey(row.course, row.section, row.assignment),
            GradeTold(Score(row.score, row.points_possible), is_override=True, comment=row.comment),
        )
        for row in rows
    )


def _before(
    connection: Connection, student: str, unrecorded: Mapping[SubmissionId, AssignmentKey]
) -> dict[SubmissionId, int]:
    if not unrecorded:
        return {}
    submissions = tables.submissions.c
    recorded = set(connection.scalars(select(submissions.id).where(submissions.id.in_(unrecorded))))
    return {
        submission_id: connection.scalar(_count_before(student, key, submission_id)) or 0
        for submission_id, key in unrecorded.items()
        if submission_id not in recorded
    }


def _count_before(student: str, key: AssignmentKey, submission_id: SubmissionId) -> Select[int]:
    submissions = tables.submissions.c
    return (
        select(func.count())
        .select_from(tables.submissions)
        .where(
            submissions.student == student,
            submissions.course == key.course,
            submissions.section == key.section,
            submissions.assignment == key.assignment,
            submissions.id < submission_id,
        )
    )


def _recorded(row: Row[Any]) -> RecordedSubmission:
    return RecordedSubmission(
        id=SubmissionId(row.id),
        student=row.student,
        key=AssignmentKey(row.course, row.section, row.assignment),
        received_at=row.received_at,
        sha256=None if row.sha256 is None else Sha256(row.sha256),
        attempt=row.attempt,
        result=None if row.run_id is None else _result(row),
    )


def _result(row: Row[Any]) -> CountedResult:
    return CountedResult(
        run_id=RunId(row.run_id),
        verdict=Verdict(row.verdict),
        score=None if row.score is None else Score(row.score, row.points_possible),
        student_text=row.student_text,
        finished_at=row.finished_at,
        autograder_sha256=row.autograder_sha256,
        image_id=row.image_id,
        is_held=bool(row.is_held),
    )
