"""Grades of record for one assignment, made again from all that bears on them."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, select, update

from shared.gradebook import tables
from shared.gradebook.facts import facts_in_lots, facts_of, of_students
from shared.gradebook.outbox_changes import note_grades

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from shared.grade_policy import GradePolicy
    from shared.gradebook.policy import Grade
    from shared.model import AssignmentKey


class Origin(enum.StrEnum):
    """Who made a grade."""

    RUN = "run"
    OVERRIDE = "override"


_TELL_GRADES_APART: Final = (
    "score",
    "points_possible",
    "override_id",
    "run_id",
    "earned",
    "earned_possible",
    "penalty",
    "late_s",
)


def recompute_grade(
    connection: Connection,
    student: str,
    key: AssignmentKey,
    policy: GradePolicy,
    now: datetime,
) -> bool:
    """Make one student's grade anew, as `recompute_grades` does.

    Returns:
        Whether it changed, in score or in what it is made of.
    """
    return bool(recompute_grades(connection, [student], key, policy, now))


def recompute_grades(
    connection: Connection,
    students: Sequence[str],
    key: AssignmentKey,
    policy: GradePolicy,
    now: datetime,
) -> int:
    """Make grades anew; where one is another, supersede the old row and insert the new.

    Part of the writer's transaction that changed what bears on them: which runs count, an override,
    an extension, the policy.

    Args:
        connection: inside that transaction.
        students: whose grades they are, each once.
        key: of the assignment.
        policy: of the assignment.
        now: when the change is made.

    Returns:
        How many changed, in score or in what they are made of.
    """
    changed = 0
    for lot, facts in facts_in_lots(connection, students, key):
        present = _present(connection, lot, key)
        superseded: list[int] = []
        made: dict[str, dict[str, Any] | None] = {}
        for student in lot:
            grade = facts.grade(student, policy)
            new = None if grade is None else grade_values(student, key, grade, policy, now)
            old = present.get(student)
            if old is None and new is None:
                continue
            if old and new and _is_same(old, new):
                continue
            if old:
                superseded.append(old.id)
            made[student] = new
        _write(connection, superseded, [new for new in made.values() if new], now)
        note_grades(connection, made, key, now)
        changed += len(made)
    return changed


def _present(
    connection: Connection, students: Sequence[str], key: AssignmentKey
) -> dict[str, Row[Any]]:
    grades = tables.grades
    rows = connection.execute(
        select(
            grades.c.id, grades.c.student, *(grades.c[name] for name in _TELL_GRADES_APART)
        ).where(of_students(grades, students, key), grades.c.superseded_at.is_(None))
    )
    return {row.student: row for row in rows}


def _write(
    connection: Connection, superseded: list[int], made: list[dict[str, Any]], now: datetime
) -> None:
    grades = tables.grades
    if superseded:
        connection.execute(
            update(grades).where(grades.c.id.in_(superseded)).values(superseded_at=now)
        )
    if made:
        connection.execute(insert(grades), made)


def _is_same(present: Row[Any], new: dict[str, Any]) -> bool:
    # In time and never due are the same: a due date that nobody missed makes no new grade.
    return (present.late_s or 0.0) == (new["late_s"] or 0.0) and all(
        getattr(present, name) == new[name] for name in _TELL_GRADES_APART if name != "late_s"
    )


def current_grade(
    connection: Connection, student: str, key: AssignmentKey, policy: GradePolicy
) -> Grade | None:
    """Return what the grade is by this policy, whatever is of record; nothing is written."""
    return facts_of(connection, [student], key).grade(student, policy)


def grade_values(
    student: str, key: AssignmentKey, grade: Grade, policy: GradePolicy, now: datetime
) -> dict[str, Any]:
    """Return the row of a grade."""
    autograde, override = grade.autograde, grade.override
    return {
        "student": student,
        "course": key.course,
        "section": key.section,
        "assignment": key.assignment,
        "score": grade.score.points,
        "points_possible": grade.score.possible,
        "origin": (Origin.RUN if override is None else Origin.OVERRIDE).value,
        "override_id": override and override.id,
        "run_id": autograde and autograde.run.run_id,
        "submission_id": autograde and autograde.run.submission_id,
        "earned": autograde and autograde.earned.points,
        "earned_possible": autograde and autograde.earned.possible,
        "penalty": autograde and autograde.penalty,
        "late_s": autograde and autograde.late_s,
        "due_at": autograde and autograde.due_at,
        "policy": policy.as_text(),
        "made_at": now,
    }
