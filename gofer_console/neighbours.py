"""Which submission comes before and after one, for staff who look through an assignment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from shared.gradebook import tables
from shared.gradebook.transactions import reading
from shared.model import SubmissionId

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from shared.model import AssignmentKey


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The students around one, by name, and which of their submissions to look at.

    Attributes:
        before: None for the first student.
        after: None for the last.
    """

    before: SubmissionId | None
    after: SubmissionId | None


def neighbours_of(engine: Engine, student: str, key: AssignmentKey) -> Neighbours:
    """Return the submissions of the students before and after one at an assignment.

    Of each it is the one that makes the grade of record, else the one received last.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    with reading(engine, "be read") as connection:
        return Neighbours(
            before=_nearest(connection, student, key, is_after=False),
            after=_nearest(connection, student, key, is_after=True),
        )


def _nearest(
    connection: Connection, student: str, key: AssignmentKey, *, is_after: bool
) -> SubmissionId | None:
    submissions, grades = tables.submissions.c, tables.grades.c
    of_assignment = (
        submissions.course == key.course,
        submissions.section == key.section,
        submissions.assignment == key.assignment,
    )
    name = submissions.student
    nearest = connection.scalar(
        select(name)
        .where(name > student if is_after else name < student, *of_assignment)
        .order_by(name if is_after else name.desc())
        .limit(1)
    )
    if nearest is None:
        return None
    of_record = connection.scalar(
        select(grades.submission_id).where(
            grades.student == nearest,
            grades.course == key.course,
            grades.section == key.section,
            grades.assignment == key.assignment,
            grades.superseded_at.is_(None),
        )
    )
    latest = of_record or connection.scalar(
        select(submissions.id)
        .where(name == nearest, *of_assignment)
        .order_by(submissions.received_at.desc(), submissions.id.desc())
        .limit(1)
    )
    return None if latest is None else SubmissionId(latest)
