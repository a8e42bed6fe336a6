"""The whole story of a student's grade for an assignment: what was of record when, and by whom.

For staff: names of those who decided and their reasons are in it. What a student is told of the
present grade is `history.grade_told`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from shared.gradebook import tables
from shared.gradebook.facts import facts_of, is_of
from shared.gradebook.grades import Origin
from shared.gradebook.transactions import reading
from shared.model import AssignmentKey, RunId, Score, SubmissionId

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine, Row

    from shared.gradebook.policy import CountedRun

_DOING: Final = "be read"


@dataclass(frozen=True, slots=True)
class PastGrade:
    """A grade as it was, or is, of record.

    Attributes:
        score: that counted.
        origin: who made it.
        earned: what its run earned before the penalty; None where there was no run.
        penalty: the part of it that being late took off, 0 to 1.
        late_s: seconds late; None where nothing was due.
        due_at: with the student's extension.
        run_id: of the autograde; None where there was none, and so `submission_id`.
        comment: of the override, else empty; so `made_by` and `reason`.
        superseded_at: None for the grade of record.
    """

    score: Score
    origin: Origin
    earned: Score | None
    penalty: float
    late_s: float | None
    due_at: datetime | None
    run_id: RunId | None
    submission_id: SubmissionId | None
    comment: str
    made_by: str
    reason: str
    made_at: datetime
    superseded_at: datetime | None


@dataclass(frozen=True, slots=True)
class PastExtension:
    """A due date that staff gave a student.

    Attributes:
        until: the due date.
        reason: why.
        made_by: by whom.
    """

    until: datetime
    reason: str
    made_by: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class GradeHistory:
    """What bears on a student's grade for an assignment, all at one moment.

    Attributes:
        grades: the earliest first; the last one is of record unless it is superseded.
        extensions: the earliest first; the last one is in force.
        runs: the run that stands for each submission, in no order.
        until: the due date in force by an extension; None without.
    """

    grades: tuple[PastGrade, ...]
    extensions: tuple[PastExtension, ...]
    runs: tuple[CountedRun, ...]
    until: datetime | None


def grade_history(engine: Engine, student: str, key: AssignmentKey) -> GradeHistory:
    """Return the story of a student's grade.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    grades, overrides, requests = tables.grades, tables.overrides, tables.requests
    extensions = tables.extensions
    made = (
        select(grades, overrides.c.comment, overrides.c.made_by, requests.c.reason)
        .outerjoin_from(grades, overrides, overrides.c.id == grades.c.override_id)
        .outerjoin(requests, requests.c.id == overrides.c.request_id)
        .where(is_of(grades, student, key))
        .order_by(grades.c.id)
    )
    extended = (
        select(extensions.c.until, extensions.c.reason, extensions.c.made_by, extensions.c.made_at)
        .where(is_of(extensions, student, key))
        .order_by(extensions.c.request_id)
    )
    with reading(engine, _DOING) as connection:
        facts = facts_of(connection, [student], key)
        return GradeHistory(
            grades=tuple(map(_past_grade, connection.execute(made))),
            extensions=tuple(PastExtension(*row) for row in connection.execute(extended)),
            runs=tuple(facts.runs.get(student, ())),
            until=facts.until.get(student),
        )


def submissions_ending_in(engine: Engine, end: str) -> tuple[SubmissionId, ...]:
    """Return the ids of submissions that end in some text, at most two of them.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    ids = tables.submissions.c.id
    statement = select(ids).where(ids.endswith(end, autoescape=True)).order_by(ids).limit(2)
    with reading(engine, _DOING) as connection:
        return tuple(SubmissionId(found) for found in connection.scalars(statement))


def whose(engine: Engine, submission_id: SubmissionId) -> tuple[str, AssignmentKey] | None:
    """Return the student and assignment of a submission; None where there is none of this id.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    submissions = tables.submissions.c
    statement = select(
        submissions.student, submissions.course, submissions.section, submissions.assignment
    ).where(submissions.id == submission_id)
    with reading(engine, _DOING) as connection:
        row = connection.execute(statement).one_or_none()
    return None if row is None else (row.student, AssignmentKey(*row[1:]))


def _past_grade(row: Row[Any]) -> PastGrade:
    has_run = row.run_id is not None
    return PastGrade(
        score=Score(row.score, row.points_possible),
        origin=Origin(row.origin),
        earned=Score(row.earned, row.earned_possible) if has_run else None,
        penalty=row.penalty if has_run else 0.0,
        late_s=row.late_s,
        due_at=row.due_at,
        run_id=RunId(row.run_id) if has_run else None,
        submission_id=SubmissionId(row.submission_id) if has_run else None,
        comment=row.comment or "",
        made_by=row.made_by or "",
        reason=row.reason or "",
        made_at=row.made_at,
        superseded_at=row.superseded_at,
    )
