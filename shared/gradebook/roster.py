"""The roster: who a student is to the LMS and to staff. Rows are added and never rewritten.

A later import says more, or something else, about a student; of what it leaves empty the earlier
ones still hold. What is said of one assignment goes before what is said of a course, and that
before what is said of the student.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, select

from shared.gradebook import outbox
from shared.gradebook.passback_tables import passbacks, roster
from shared.gradebook.staff_requests import Outcome, insert_request
from shared.gradebook.transactions import reading, writing
from shared.model import AssignmentKey, utc_now

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Engine

    from shared.requests import RosterImportPayload, RosterRow, StaffRequest

_AT_ONCE: Final = 500
"""Names in one statement: databases bound how many there may be."""
_FIELDS: Final = (
    *("user_id", "user_id_lti11", "sourcedid", "service_url"),
    *("name", "email", "section", "login", "id_number", "lms_user_id"),
)


@dataclass(frozen=True, slots=True)
class Known:
    """What the roster has of a student; None where it says nothing.

    Attributes:
        user_id: the LMS's id of the student by LTI 1.3, `sub`.
        user_id_lti11: the LMS's id by LTI 1.1; at edX it is another.
        sourcedid: of a launch of this assignment.
        service_url: of the same launch.
        name: for people.
        email: for people.
        section: for people; the LMS's word and not ours.
        login: what the student signs in to the LMS with.
        id_number: the student's number at the school.
        lms_user_id: the LMS's own number for the student, digits.
    """

    user_id: str | None = None
    user_id_lti11: str | None = None
    sourcedid: str | None = None
    service_url: str | None = None
    name: str | None = None
    email: str | None = None
    section: str | None = None
    login: str | None = None
    id_number: str | None = None
    lms_user_id: str | None = None


def known_of(connection: Connection, student: str, key: AssignmentKey) -> Known:
    """Return what the roster has of a student, for an assignment."""
    c = roster.c
    rows = connection.execute(
        select(roster).where(
            c.student == student,
            c.course.in_(["", key.course]),
            c.assignment.in_(["", key.assignment]),
        )
    ).all()
    return _combined(
        sorted(rows, key=lambda row: (bool(row.assignment), bool(row.course), *_said_when(row)))
    )


def is_empty(engine: Engine) -> bool:
    """Tell whether no roster was ever imported.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    with reading(engine, "be read") as connection:
        return connection.scalar(select(roster.c.id).limit(1)) is None


def known_people(engine: Engine, course: str, students: Sequence[str]) -> dict[str, Known]:
    """Return what the roster has of students of a course, by name; nothing of a launch.

    What is said of single assignments holds where nothing else is said.

    Args:
        engine: of the gradebook.
        course: whose students they are.
        students: their names, up to 500.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    c = roster.c
    columns = (c[name] for name in _FIELDS)
    statement = (
        select(c.id, c.request_id, c.student, c.course, c.assignment, *columns)
        .where(c.student.in_(list(students)), c.course.in_(["", course]))
        .order_by(c.student)
    )
    with reading(engine, "be read") as connection:
        rows = connection.execute(statement).all()
    return {
        student: _combined(
            sorted(said, key=lambda row: (not row.assignment, bool(row.course), *_said_when(row)))
        )
        for student, said in groupby(rows, key=attrgetter("student"))
    }


def news_of(engine: Engine, rows: Sequence[RosterRow]) -> list[RosterRow]:
    """Return the rows that say something that the roster does not say already.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    found = []
    with reading(engine, "be read") as connection:
        for row in rows:
            # The section has no part in what is known of a student.
            key = AssignmentKey(row.course or "", "", row.assignment or "")
            known = known_of(connection, row.student, key)
            said = _values(row).items()
            if any(value is not None and value != getattr(known, name) for name, value in said):
                found.append(row)
    return found


def import_rows(
    engine: Engine, request: StaffRequest, payload: RosterImportPayload, message: str
) -> str:
    """Add the rows of an import; what waited to know where a student's grades go is queued again.

    Returns:
        The message, and how many grades are queued again; the request keeps it.

    Raises:
        GradebookError: the database refused; nothing was recorded.
    """
    now = utc_now()
    rows = [
        {
            "request_id": request.id,
            "student": row.student,
            "course": row.course or "",
            "assignment": row.assignment or "",
            "imported_at": now,
            **_values(row),
        }
        for row in payload.rows
    ]
    students = sorted({row.student for row in payload.rows})
    with writing(engine, "import a roster") as connection:
        queued = sum(
            outbox.look_again(
                connection,
                passbacks.c.student.in_(students[start : start + _AT_ONCE]),
                [outbox.State.PARKED],
                now,
            )
            for start in range(0, len(students), _AT_ONCE)
        )
        if queued:
            message += f" {queued} grade{'s' * (queued != 1)} waited for it."
        insert_request(connection, request, Outcome.DONE, message, now)
        connection.execute(insert(roster), rows)
    return message


def _said_when(row: Any) -> tuple[str, int]:
    # By when it was asked for: an import that had to wait for the disk may come after later ones.
    return row.request_id, row.id


def _combined(rows: Iterable[Any]) -> Known:
    """Return what rows say together; a later one goes before an earlier one."""
    said: dict[str, str] = {}
    for row in rows:
        said |= {name: value for name in _FIELDS if (value := getattr(row, name)) is not None}
    return Known(**said)


def _values(row: RosterRow) -> dict[str, str | None]:
    """Return what a row says, by the names of the columns here."""
    return {
        "user_id": row.user_id,
        "user_id_lti11": row.user_id_lti11,
        "sourcedid": row.lis_result_sourcedid,
        "service_url": row.lis_outcome_service_url,
        "name": row.name,
        "email": row.email,
        "section": row.section,
        "login": row.login,
        "id_number": row.id_number,
        "lms_user_id": row.lms_user_id,
    }
