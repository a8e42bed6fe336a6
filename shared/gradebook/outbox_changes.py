"""What a change of grades means for the outbox; part of the transaction that changes them.

A grade that is taken back, as an override that is removed where nothing was handed in, is taken
back at the LMS as well: a row that is a withdrawal takes the place of the grade's.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, insert, or_, select, update

from shared.gradebook import tables
from shared.gradebook.facts import of_students
from shared.gradebook.outbox import State, is_of, is_open
from shared.gradebook.passback_tables import passbacks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from shared.gradebook.outbox import Outgoing
    from shared.model import AssignmentKey, SubmissionId

STEP: Final = timedelta(seconds=1)
"""Between the times of two grades of one student and assignment; Moodle compares whole seconds."""
TOO_OLD: Final = "too_old"
"""Cause of what an LMS did not take since it holds something newer, such as a teacher's own."""
DISMISSED: Final = "dismissed"
"""Cause of what staff said is not to be sent any more: it counts as told."""
_OTHERS: Final = (TOO_OLD, DISMISSED)
"""Causes of a row after which what the LMS holds is what people put there themselves."""


def note_grades(
    connection: Connection,
    made: Mapping[str, Mapping[str, Any] | None],
    key: AssignmentKey,
    now: datetime,
) -> None:
    """Put grades of record that were just made in the outbox; part of their transaction.

    A grade of the same points as the one that is open, or that arrived last, is nothing new; nor is
    one that staff dismissed, or that a teacher's own at the LMS went before. Where there is no
    grade any more, what the LMS may have is taken back.

    Args:
        connection: inside the transaction that changed the grades.
        made: of up to 500 students the row of the grade of record; None where there is none now.
        key: of the assignment.
        now: aware.
    """
    if not made:
        return
    newest = _newest(connection, list(made), key)
    news: list[tuple[str, Mapping[str, Any] | None]] = [
        (student, grade)
        for student, grade in made.items()
        if not _is_told(newest.get(student), grade)
    ]
    rows = []
    for student, grade in news:
        last = newest.get(student)
        if grade is not None:
            rows.append(_row(student, key, now, _values(grade), last))
        elif last is not None and _may_be_there(connection, student, key):
            rows.append(_row(student, key, now, _withdrawal(last), last))
    open_ones = [student for student, _ in news if student in newest]
    if open_ones:
        connection.execute(
            update(passbacks)
            .where(of_students(passbacks, open_ones, key), is_open())
            .values(state=State.SUPERSEDED.value)
        )
    if rows:
        connection.execute(insert(passbacks), rows)


def _is_told(last: Any, grade: Mapping[str, Any] | None) -> bool:
    """Whether the newest row of a student says this of them already."""
    if last is None or (last.state == State.SUPERSEDED and last.cause not in _OTHERS):
        return False
    if grade is None:
        return bool(last.is_withdrawal)
    if last.state == State.HELD and last.submission_id != grade["submission_id"]:
        return False  # what held the one, such as a batch, need not hold the other
    same = (last.score, last.points_possible) == (grade["score"], grade["points_possible"])
    return same and not last.is_withdrawal


def queue_anew(
    connection: Connection,
    student: str,
    key: AssignmentKey,
    now: datetime,
    request_id: SubmissionId,
) -> None:
    """Queue the present grade of record once more, or the withdrawal of one that is no more.

    Args:
        connection: inside a transaction.
        student: who has a grade, or a row in the outbox.
        key: of the assignment.
        now: aware.
        request_id: the request that asked for it: nothing holds it.
    """
    grades = tables.grades
    found = connection.execute(
        select(grades.c.score, grades.c.points_possible, grades.c.submission_id).where(
            of_students(grades, [student], key), grades.c.superseded_at.is_(None)
        )
    )
    grade = found.mappings().one_or_none()
    last = _newest(connection, [student], key).get(student)
    supersede(connection, student, key)
    values = _withdrawal(last) if grade is None else _values(grade)
    row = _row(student, key, now, values | {"request_id": request_id}, last)
    connection.execute(insert(passbacks), [row])


def supersede(connection: Connection, student: str, key: AssignmentKey) -> None:
    """Take what is open for a student and assignment out of the way."""
    connection.execute(
        update(passbacks)
        .where(*is_of(passbacks.c, student, key), is_open())
        .values(state=State.SUPERSEDED.value)
    )


def has_something_to_take_back(connection: Connection, item: Outgoing) -> bool:
    """Tell whether the LMS may hold what a withdrawal is to take back.

    Args:
        connection: of the gradebook.
        item: the withdrawal; nothing else of its student and assignment is on its way.
    """
    return _may_be_there(connection, item.student, item.key, before=item.id)


def _may_be_there(
    connection: Connection, student: str, key: AssignmentKey, *, before: int | None = None
) -> bool:
    """Whether the LMS may hold a grade of ours.

    A teacher's own grade is not ours to take back, nor what was seen to by hand.
    """
    c = passbacks.c
    of_student = is_of(c, student, key)
    taken_out = select(func.max(c.id)).where(
        *of_student, c.is_withdrawal == 1, c.sent_at.is_not(None)
    )
    conditions: list[ColumnElement[bool]] = [
        *of_student,
        c.is_withdrawal == 0,
        c.id > func.coalesce(taken_out.scalar_subquery(), 0),
        or_(c.sent_at.is_not(None), c.in_doubt_since.is_not(None), c.cause.in_(_OTHERS)),
    ]
    if before is not None:
        conditions.append(c.id < before)
    newest = connection.execute(select(c.cause).where(*conditions).order_by(c.id.desc())).first()
    return newest is not None and newest.cause not in _OTHERS


def _newest(connection: Connection, students: Sequence[str], key: AssignmentKey) -> dict[str, Any]:
    """Return the newest row of each student who has one for an assignment."""
    c = passbacks.c
    newest = select(func.max(c.id)).where(of_students(passbacks, students, key)).group_by(c.student)
    rows = connection.execute(
        select(c.student, c.state, c.cause, c.score, c.points_possible)
        .add_columns(c.graded_at, c.is_withdrawal, c.submission_id)
        .where(c.id.in_(newest.scalar_subquery()))
    )
    return {row.student: row for row in rows}


def _values(grade: Any) -> dict[str, Any]:
    names = ("score", "points_possible", "submission_id")
    return {name: grade[name] for name in names} | {"is_withdrawal": 0}


def _withdrawal(last: Any) -> dict[str, Any]:
    return {
        "score": 0.0 if last is None else last.score,
        "points_possible": 0.0 if last is None else last.points_possible,
        "submission_id": None,
        "is_withdrawal": 1,
    }


def _row(
    student: str, key: AssignmentKey, now: datetime, values: dict[str, Any], last: Any
) -> dict[str, Any]:
    """Return a row to be added; none of its student and assignment may be open then."""
    row = {
        "student": student,
        "course": key.course,
        "section": key.section,
        "assignment": key.assignment,
        "graded_at": now if last is None else max(now, last.graded_at + STEP),
        "queued_at": now,
        "request_id": None,
        "state": State.QUEUED.value,
        "tries": 0,
        "not_before": now,
    }
    return row | values
