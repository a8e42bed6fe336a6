"""What staff decide about single students, recorded: overrides and extensions, rows that are added.

Each is one transaction: the request, its rows, and the grades that change by them.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from sqlalchemy import insert, select

from shared.gradebook import tables
from shared.gradebook.grades import current_grade, recompute_grade, recompute_grades
from shared.gradebook.staff_requests import Outcome, insert_request
from shared.gradebook.transactions import reading, writing
from shared.model import utc_now

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Engine

    from shared.grade_policy import GradePolicy
    from shared.gradebook.policy import Grade
    from shared.model import AssignmentKey, Score
    from shared.requests import ExtendPayload, OverridePayload, StaffRequest

_DOING: Final = "be read"


def grade_now(
    engine: Engine, student: str, key: AssignmentKey, policy: GradePolicy
) -> Grade | None:
    """Return what a student's grade is by these rules, with what is beneath it.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    with reading(engine, _DOING) as connection:
        return current_grade(connection, student, key, policy)


def usual_points(engine: Engine, key: AssignmentKey) -> float | None:
    """Return what the latest grade of an assignment is out of; None where it has none.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    grades = tables.grades.c
    with reading(engine, _DOING) as connection:
        found: float | None = connection.scalar(
            select(grades.points_possible)
            .where(
                grades.course == key.course,
                grades.section == key.section,
                grades.assignment == key.assignment,
                grades.superseded_at.is_(None),
            )
            .order_by(grades.id.desc())
            .limit(1)
        )
    return found


def record_override(
    engine: Engine,
    request: StaffRequest,
    payload: OverridePayload,
    score: Score | None,
    policy: GradePolicy,
    message: str,
) -> None:
    """Let a score be the grade from now on, or the autograde again.

    Args:
        engine: the writer's.
        request: that asked for it.
        payload: of it.
        score: what counts; None restores the autograde.
        policy: of the assignment.
        message: what staff are told.

    Raises:
        GradebookError: the database refused; nothing was recorded.
    """
    now = utc_now()
    with writing(engine, "record an override") as connection:
        insert_request(connection, request, Outcome.DONE, message, now)
        connection.execute(
            insert(tables.overrides).values(
                request_id=request.id,
                student=payload.student,
                course=payload.course,
                section=payload.section,
                assignment=payload.assignment,
                score=None if score is None else score.points,
                points_possible=None if score is None else score.possible,
                comment=payload.comment,
                made_by=request.requested_by,
                made_at=now,
            )
        )
        recompute_grade(connection, payload.student, payload.key, policy, now)


def record_extensions(
    engine: Engine,
    request: StaffRequest,
    payload: ExtendPayload,
    policies: Mapping[AssignmentKey, GradePolicy],
    message: str,
) -> None:
    """Give students new due dates, all of them, and make their grades anew.

    Args:
        engine: the writer's.
        request: that asked for it.
        payload: of it.
        policies: of every assignment in it.
        message: what staff are told.

    Raises:
        GradebookError: the database refused; nothing was recorded.
    """
    now = utc_now()
    rows = [
        {
            "request_id": request.id,
            "student": extension.student,
            "course": extension.course,
            "section": extension.section,
            "assignment": extension.assignment,
            "until": extension.until,
            "reason": request.reason,
            "made_by": request.requested_by,
            "made_at": now,
        }
        for extension in payload.extensions
    ]
    with writing(engine, "record extensions") as connection:
        insert_request(connection, request, Outcome.DONE, message, now)
        connection.execute(insert(tables.extensions), rows)
        whose: dict[AssignmentKey, dict[str, None]] = defaultdict(dict)
        for extension in payload.extensions:
            whose[extension.key][extension.student] = None
        for key, students in whose.items():
            recompute_grades(connection, list(students), key, policies[key], now)
