"""What staff ask of the outbox, each in one transaction with the record of who asked and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import and_, func, insert, literal, or_, select, true, union, update

from shared.gradebook import outbox, tables
from shared.gradebook.outbox import State, is_open
from shared.gradebook.outbox_changes import DISMISSED, queue_anew
from shared.gradebook.passback_tables import passback_holds, passbacks
from shared.gradebook.staff_requests import Outcome, insert_request
from shared.gradebook.transactions import writing
from shared.model import AssignmentKey, utc_now

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import ColumnElement, Connection, Engine

    from shared.requests import Selection, StaffRequest

_NONE_FITS: Final = "No grade fits."


class Answer(NamedTuple):
    """What came of a request of staff."""

    outcome: Outcome
    message: str


def send(
    engine: Engine, request: StaffRequest, selection: Selection, posted: Collection[AssignmentKey]
) -> Answer:
    """Queue grades of record anew, whatever became of them before, past all that holds them.

    So are withdrawals that have not come to their end.

    Args:
        engine: of the gradebook.
        request: who asked, and why.
        selection: which grades.
        posted: the assignments whose grades go to an LMS; those of others stay as they are.

    Raises:
        GradebookError: the database refused; nothing was recorded.
    """
    return _queue_anew(engine, request, _graded(selection), posted, "{} to be sent.")


def retry(
    engine: Engine, request: StaffRequest, selection: Selection, posted: Collection[AssignmentKey]
) -> Answer:
    """Queue those anew that failed or are parked.

    Args:
        engine: of the gradebook.
        request: who asked, and why.
        selection: which grades.
        posted: as for `send`.

    Raises:
        GradebookError: the database refused; nothing was recorded.
    """
    c = passbacks.c
    open_ones = select(c.student, c.course, c.section, c.assignment).where(
        c.state.in_([State.FAILED.value, State.PARKED.value]), _selected(c, selection)
    )
    return _queue_anew(engine, request, open_ones, posted, "{} to be sent again.")


def dismiss(engine: Engine, request: StaffRequest, selection: Selection) -> Answer:
    """Let those be that failed or are parked, as if they had been told already.

    Raises:
        GradebookError: the database refused; nothing was recorded.
    """
    now = utc_now()
    c = passbacks.c
    why = f": {request.reason}" if request.reason else ""
    told = literal(f"Dismissed by {request.requested_by}{why}. ")
    with writing(engine, "dismiss grades for the LMS") as connection:
        dismissed = connection.execute(
            update(passbacks)
            .where(c.state.in_([State.FAILED.value, State.PARKED.value]), _selected(c, selection))
            .values(
                state=State.SUPERSEDED.value,
                cause=DISMISSED,
                message=told.concat(func.coalesce(c.message, "")),  # what the LMS said is kept
            )
        ).rowcount
        answer = Answer(Outcome.REFUSED, _NONE_FITS)
        if dismissed:
            answer = Answer(Outcome.DONE, f"{_counted(dismissed, 'grade')} dismissed.")
        insert_request(connection, request, *answer, now)
    return answer


def set_hold(
    engine: Engine, request: StaffRequest, keys: Collection[AssignmentKey], *, is_held: bool
) -> Answer:
    """Hold the grades of assignments from now on, or let those go that their hold kept.

    A hold is the later word: what staff asked to be sent and has not gone waits as well.

    Raises:
        GradebookError: the database refused; nothing was recorded.
    """
    now = utc_now()
    if not keys:
        return Answer(Outcome.REFUSED, "No assignment fits whose grades are posted.")
    rows = [
        {
            "request_id": request.id,
            "course": key.course,
            "section": key.section,
            "assignment": key.assignment,
            "is_held": int(is_held),
            "made_at": now,
        }
        for key in keys
    ]
    message = f"The grades of {_counted(len(keys), 'assignment')} are held from now on."
    with writing(engine, "record a hold") as connection:
        if is_held:
            connection.execute(
                update(passbacks)
                .where(is_open(), outbox.in_assignments(keys))
                .values(request_id=None, not_before=now)  # the loop finds it held at its next turn
            )
        else:
            freed = outbox.look_again(
                connection,
                and_(passbacks.c.cause == "hold", outbox.in_assignments(keys)),
                [State.HELD],
                now,
            )
            message = f"{_counted(freed, 'grade')} released."
            if others := _held_otherwise(connection, keys):
                message += (
                    f" Held still: {_counted(others, 'grade')}, of a batch or a zero; "
                    "`gofer post send` sends them."
                )
        insert_request(connection, request, Outcome.DONE, message, now)
        connection.execute(insert(passback_holds), rows)
    return Answer(Outcome.DONE, message)


def ask_to_read(engine: Engine, request: StaffRequest, selection: Selection) -> Answer:
    """Note that staff want to know what the LMS holds; the loop asks it.

    Raises:
        GradebookError: the database refused; nothing was recorded.
    """
    now = utc_now()
    c = passbacks.c
    later = passbacks.alias("later")
    is_last = ~(
        select(later.c.id)
        .where(
            later.c.id > c.id,
            later.c.sent_at.is_not(None),
            *(later.c[name] == c[name] for name in ("course", "section", "assignment", "student")),
        )
        .exists()
    )
    with writing(engine, "ask for what the LMS holds") as connection:
        asked = connection.execute(
            update(passbacks)
            .where(c.sent_at.is_not(None), _selected(c, selection), is_last)
            .values(read_asked_at=now)
        ).rowcount
        answer = Answer(Outcome.REFUSED, "No grade that fits was sent yet.")
        if asked:
            answer = Answer(
                Outcome.DONE,
                f"The LMS is asked for {_counted(asked, 'grade')}; `gofer post list` tells what "
                "it holds.",
            )
        insert_request(connection, request, *answer, now)
    return answer


def holds(connection: Connection) -> dict[AssignmentKey, bool]:
    """Return what staff said last of each assignment: whether its grades are held."""
    c = passback_holds.c
    # By when it was asked for: a request that had to wait for the disk may come after later ones.
    rows = connection.execute(
        select(c.course, c.section, c.assignment, c.is_held).order_by(c.request_id, c.id)
    )
    return {AssignmentKey(*row[:3]): bool(row.is_held) for row in rows}


def _queue_anew(
    engine: Engine,
    request: StaffRequest,
    chosen: object,
    posted: Collection[AssignmentKey],
    told: str,
) -> Answer:
    now = utc_now()
    with writing(engine, "queue grades for the LMS") as connection:
        rows = connection.execute(chosen).all()  # type: ignore[call-overload]
        found = [(student, AssignmentKey(*place)) for student, *place in rows]
        going = [(student, key) for student, key in found if key in posted]
        answer = _to_go(len(going), len(found) - len(going), told)
        insert_request(connection, request, *answer, now)
        for student, key in going:
            queue_anew(connection, student, key, now, request.id)
    return answer


def _to_go(going: int, staying: int, told: str) -> Answer:
    stay = (
        f"{_counted(staying, 'grade')} cannot be sent: the course config does not say to which "
        "LMS they go."
    )
    if going:
        said = told.format(_counted(going, "grade"))
        return Answer(Outcome.DONE, f"{said} {stay}" if staying else said)
    return Answer(Outcome.REFUSED, stay if staying else _NONE_FITS)


def _graded(selection: Selection) -> object:
    grades, c = tables.grades.c, passbacks.c
    return union(
        select(grades.student, grades.course, grades.section, grades.assignment).where(
            grades.superseded_at.is_(None), _selected(grades, selection)
        ),
        select(c.student, c.course, c.section, c.assignment).where(
            c.is_withdrawal == 1, is_open(), _selected(c, selection)
        ),
    )


def _selected(columns: object, selection: Selection) -> ColumnElement[bool]:
    wanted = [
        getattr(columns, name) == value
        for name in ("course", "section", "assignment", "student")
        if (value := getattr(selection, name)) is not None
    ]
    return and_(true(), *wanted)


def _held_otherwise(connection: Connection, keys: Collection[AssignmentKey]) -> int:
    c = passbacks.c
    found = connection.execute(
        select(c.id).where(
            c.state == State.HELD.value,
            or_(c.cause.is_(None), c.cause != "hold"),
            outbox.in_assignments(keys),
        )
    )
    return len(found.all())


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
