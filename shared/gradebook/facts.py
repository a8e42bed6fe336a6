"""All that bears on students' grades for one assignment, read for many of them at once.

A class is some statements and not some for each student: a regrade of two thousand looks at all.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, select

from shared.gradebook import tables
from shared.gradebook.held import is_held
from shared.gradebook.policy import CountedRun, Grade, Override, autograde_of, grade_of_record
from shared.model import RunId, Score, SubmissionId

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, FromClause

    from shared.grade_policy import GradePolicy
    from shared.gradebook.policy import Autograde
    from shared.model import AssignmentKey

AT_ONCE: Final = 500
"""Students in one statement; SQLite takes a limited number of parameters."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What bears on some students' grades; who is not among the keys has nothing of it.

    Attributes:
        runs: the run that stands for each submission, in no order.
        until: the student's own due date, where they have an extension.
        overrides: those in force.
    """

    runs: Mapping[str, Sequence[CountedRun]] = field(default_factory=dict)
    until: Mapping[str, datetime] = field(default_factory=dict)
    overrides: Mapping[str, Override] = field(default_factory=dict)

    def autograde(
        self,
        student: str,
        policy: GradePolicy,
        in_place: Mapping[SubmissionId, CountedRun] | None = None,
    ) -> Autograde | None:
        """Return what runs make of a student's grade; None where none counts.

        Args:
            student: whose.
            policy: of the assignment.
            in_place: runs that would stand for submissions in the place of others.
        """
        runs = self.runs.get(student, ())
        if in_place:
            runs = [in_place.get(run.submission_id, run) for run in runs]
        return autograde_of(runs, policy, self.until.get(student))

    def grade(self, student: str, policy: GradePolicy) -> Grade | None:
        """Return what the grade is by this policy; None where there is none."""
        return grade_of_record(self.autograde(student, policy), self.overrides.get(student))


def facts_in_lots(
    connection: Connection, students: Sequence[str], key: AssignmentKey
) -> Iterator[tuple[Sequence[str], Facts]]:
    """Yield students, `AT_ONCE` at a time, and what bears on their grades for an assignment."""
    for start in range(0, len(students), AT_ONCE):
        lot = students[start : start + AT_ONCE]
        yield lot, facts_of(connection, lot, key)


def facts_of(connection: Connection, students: Sequence[str], key: AssignmentKey) -> Facts:
    """Return what bears on the grades of up to `AT_ONCE` students for an assignment."""
    return Facts(
        runs=_counted_runs(connection, students, key),
        until=_extended_until(connection, students, key),
        overrides=_overrides(connection, students, key),
    )


def is_of(rows: FromClause, student: str, key: AssignmentKey) -> ColumnElement[bool]:
    """Return the condition that a row is about this student and assignment."""
    return and_(
        rows.c.student == student,
        rows.c.course == key.course,
        rows.c.section == key.section,
        rows.c.assignment == key.assignment,
    )


def of_students(
    rows: FromClause, students: Sequence[str], key: AssignmentKey
) -> ColumnElement[bool]:
    """Return the condition that a row is about one of these students and this assignment."""
    return and_(
        rows.c.course == key.course,
        rows.c.section == key.section,
        rows.c.assignment == key.assignment,
        rows.c.student.in_(list(students)),
    )


def _counted_runs(
    connection: Connection, students: Sequence[str], key: AssignmentKey
) -> dict[str, list[CountedRun]]:
    submissions, counted, runs = tables.submissions, tables.counted_runs, tables.grading_runs
    rows = connection.execute(
        select(
            submissions.c.student,
            counted.c.run_id,
            submissions.c.id,
            submissions.c.received_at,
            counted.c.score,
            counted.c.points_possible,
            is_held(),
        )
        .join_from(submissions, counted, counted.c.submission_id == submissions.c.id)
        .join(runs, runs.c.id == counted.c.run_id)
        .where(of_students(submissions, students, key))
    )
    found: dict[str, list[CountedRun]] = defaultdict(list)
    for student, run_id, submission_id, received_at, score, possible, held in rows:
        found[student].append(
            CountedRun(
                RunId(run_id),
                SubmissionId(submission_id),
                received_at,
                None if score is None else Score(score, possible),
                bool(held),
            )
        )
    return found


def _extended_until(
    connection: Connection, students: Sequence[str], key: AssignmentKey
) -> dict[str, datetime]:
    extensions = tables.extensions
    rows = connection.execute(
        select(extensions.c.student, extensions.c.until)
        .where(of_students(extensions, students, key))
        .order_by(extensions.c.request_id)
    )
    # Of several the one whose request was sent last: it comes last.
    return {row.student: row.until for row in rows}


def _overrides(
    connection: Connection, students: Sequence[str], key: AssignmentKey
) -> dict[str, Override]:
    overrides = tables.overrides
    rows = connection.execute(
        select(overrides.c.student, overrides.c.id, overrides.c.score, overrides.c.points_possible)
        .where(of_students(overrides, students, key))
        .order_by(overrides.c.request_id)
    )
    found: dict[str, Override] = {}
    for student, row_id, score, possible in rows:
        if score is None:
            found.pop(student, None)
        else:
            found[student] = Override(row_id, Score(score, possible))
    return found
