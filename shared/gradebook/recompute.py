"""Grades that the rules of today would make otherwise: who would move, and moving them.

A change of the rules moves nothing by itself. That is staff's to ask for, and then all grades of
the assignment are made anew in one transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import select, union

from shared.grade_policy import GradePolicy
from shared.gradebook import tables
from shared.gradebook.facts import AT_ONCE, facts_of, of_students
from shared.gradebook.grades import recompute_grades
from shared.gradebook.staff_requests import Outcome, insert_request
from shared.gradebook.transactions import reading, writing
from shared.model import AssignmentKey, Score, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Connection, Engine

    from shared.requests import StaffRequest

_DOING: Final = "be read"


@dataclass(frozen=True, slots=True)
class Move:
    """A grade that the rules of today would make otherwise.

    Attributes:
        before: of record now; None where there is no grade.
        after: what it would be; None where there would be none.
    """

    student: str
    before: Score | None
    after: Score | None

    @property
    def distance(self) -> float:
        """By how much it would move, as a part of all points, up or down."""
        fractions = [score.fraction if score else 0.0 for score in (self.before, self.after)]
        return abs(fractions[1] - fractions[0])


def moves(engine: Engine, key: AssignmentKey, policy: GradePolicy) -> tuple[Move, ...]:
    """Return whose grade for an assignment would move, and how: the biggest moves first.

    Some hundreds are looked at in one transaction, so that no reader pins the WAL.

    Args:
        engine: of the gradebook.
        key: of the assignment.
        policy: its rules of today.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    with reading(engine, _DOING) as connection:
        students = _students(connection, key)
    found = []
    for start in range(0, len(students), AT_ONCE):
        lot = students[start : start + AT_ONCE]
        with reading(engine, _DOING) as connection:
            of_record = _of_record(connection, lot, key)
            facts = facts_of(connection, lot, key)
        for student in lot:
            before, grade = of_record.get(student), facts.grade(student, policy)
            after = None if grade is None else grade.score
            if before != after:
                found.append(Move(student, before, after))
    return tuple(sorted(found, key=lambda move: (-move.distance, move.student)))


def recompute_assignment(
    engine: Engine,
    request: StaffRequest,
    key: AssignmentKey,
    policy: GradePolicy,
    message: Callable[[int], str],
) -> str:
    """Make all grades of an assignment anew, in one transaction with the request's own row.

    Args:
        engine: the writer's.
        request: that asked for it.
        key: of the assignment.
        policy: its rules of today.
        message: makes what staff are told of the number of grades that changed.

    Returns:
        What staff are told.

    Raises:
        GradebookError: the database refused; nothing was changed.
    """
    now = utc_now()
    with writing(engine, "make grades anew") as connection:
        changed = recompute_grades(connection, _students(connection, key), key, policy, now)
        told = message(changed)
        insert_request(connection, request, Outcome.DONE, told, now)
    return told


def made_by_other_rules(
    engine: Engine, policies: Mapping[AssignmentKey, GradePolicy]
) -> tuple[AssignmentKey, ...]:
    """Return the assignments that have a grade of record which other rules made.

    Grades that are older than the record of their rules were made by the best attempt alone.

    Args:
        engine: of the gradebook.
        policies: the rules of today; other assignments are passed over.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    grades = tables.grades.c
    statement = (
        select(grades.course, grades.section, grades.assignment, grades.policy)
        .where(grades.superseded_at.is_(None))
        .distinct()
    )
    with reading(engine, _DOING) as connection:
        rows = connection.execute(statement).all()
    first_rules = GradePolicy().as_text()
    found = {
        key
        for key, made_by in ((AssignmentKey(*row[:3]), row.policy) for row in rows)
        if key in policies and (made_by or first_rules) != policies[key].as_text()
    }
    return tuple(sorted(found))


def _students(connection: Connection, key: AssignmentKey) -> list[str]:
    # Whoever handed something in, and whoever has a grade without that.
    of_key = union(
        *(
            select(rows.c.student).where(
                rows.c.course == key.course,
                rows.c.section == key.section,
                rows.c.assignment == key.assignment,
            )
            for rows in (tables.submissions, tables.overrides)
        )
    ).subquery()
    return list(connection.scalars(select(of_key.c.student).order_by(of_key.c.student)))


def _of_record(
    connection: Connection, students: Sequence[str], key: AssignmentKey
) -> dict[str, Score]:
    grades = tables.grades
    rows = connection.execute(
        select(grades.c.student, grades.c.score, grades.c.points_possible).where(
            of_students(grades, students, key), grades.c.superseded_at.is_(None)
        )
    )
    return {student: Score(*score) for student, *score in rows}
