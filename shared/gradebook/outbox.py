"""The outbox: what is to go to the LMS, one row for each grade.

A row is written in the transaction that makes the grade, so neither is there without the other. Of
the rows of one student and assignment one at most is open, always that of the present grade of
record: a new grade supersedes it. What happens to a row is decided elsewhere, purely; this writes
it down. A row that was superseded while it was on its way keeps what the LMS answered.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, case, func, literal, select, tuple_, update

from shared.gradebook import tables
from shared.gradebook.passback_tables import passbacks
from shared.model import AssignmentKey, Score
from shared.requests import Source

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row


class State(enum.StrEnum):
    """Where a grade is on its way to the LMS."""

    QUEUED = "queued"
    """It is sent as soon as it may be."""
    SENT = "sent"
    """The LMS has it."""
    HELD = "held"
    """Staff, or a rule of theirs, keep it."""
    FAILED = "failed"
    """The LMS does not take it, or was tried too often; staff look at it."""
    PARKED = "parked"
    """It is not known where it goes; once that is known it is sent by itself."""
    SUPERSEDED = "superseded"
    """A newer grade took its place."""


NOT_POSTED: Final = "not_posted"
"""Cause of what is parked because its assignment's grades go to no LMS."""
OPEN: Final = frozenset({State.QUEUED, State.HELD, State.PARKED, State.FAILED})


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A grade in the outbox that has not arrived.

    Attributes:
        id: of its row.
        score: the grade of record; of a withdrawal the one before.
        graded_at: what the LMS is told; the same at each try.
        tries: how often it was tried and counted as tried.
        is_asked_for: whether staff asked for it by name, so that nothing holds it.
        is_batch: whether its notebook came in a batch.
        read_asked: whether this is about reading what the LMS holds, not about sending.
        is_withdrawal: whether it takes a grade back: there is none of record any more.
        is_in_doubt: whether it was sent before, and nobody knows whether it arrived.
    """

    id: int
    student: str
    key: AssignmentKey
    score: Score
    graded_at: datetime
    tries: int
    is_asked_for: bool
    is_batch: bool
    read_asked: bool = False
    is_withdrawal: bool = False
    is_in_doubt: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """What becomes of a row.

    Attributes:
        to: its new state.
        cause: one word; None where nothing is to be said.
        message: for staff, in plain words.
        not_before: when it may be tried (again); None leaves that.
        tries: how often it was tried and counted; None leaves that.
        is_answer: whether it is what the LMS said.
        status: the HTTP status of that; None where there was none.
        is_settled: whether it is known by now whether the LMS has it.
    """

    to: State
    cause: str | None = None
    message: str | None = None
    not_before: datetime | None = None
    tries: int | None = None
    is_answer: bool = False
    status: int | None = None
    is_settled: bool = False

    @property
    def is_there(self) -> bool:
        """Whether the LMS has the grade."""
        return self.to is State.SENT


def due(
    connection: Connection, keys: Collection[AssignmentKey], now: datetime, limit: int
) -> list[Outgoing]:
    """Return the queued grades of some assignments whose turn it is, those due first first."""
    statement = (
        _outgoing()
        .where(passbacks.c.state == State.QUEUED.value, passbacks.c.not_before <= now)
        .where(in_assignments(keys))
        .order_by(passbacks.c.not_before, passbacks.c.id)
        .limit(limit)
    )
    return [_from_row(row) for row in connection.execute(statement)]


def begin(connection: Connection, item: Outgoing, now: datetime) -> bool:
    """Note of a queued row that it is about to be sent; return whether it may be.

    Once this is on the disk it is known that the LMS may have it, whatever becomes of the process
    that sends. What is queued no more, as a newer grade took its place, is not to be sent; nor is
    what was let through since staff asked for it by name, where a hold has taken that back.
    """
    c = passbacks.c
    since = func.coalesce(c.in_doubt_since, literal(now, c.in_doubt_since.type))
    row = and_(c.id == item.id, c.state == State.QUEUED.value)
    if item.is_asked_for:
        row = and_(row, c.request_id.is_not(None))
    changed = connection.execute(update(passbacks).where(row).values(in_doubt_since=since))
    return changed.rowcount == 1


def to_read(connection: Connection, keys: Collection[AssignmentKey], limit: int) -> list[Outgoing]:
    """Return the rows of which staff asked what the LMS holds, and nobody has looked yet."""
    is_waiting = and_(
        passbacks.c.read_asked_at.is_not(None),
        (passbacks.c.read_at.is_(None)) | (passbacks.c.read_at < passbacks.c.read_asked_at),
    )
    statement = (
        _outgoing().where(is_waiting, in_assignments(keys)).order_by(passbacks.c.id).limit(limit)
    )
    return [_from_row(row, read_asked=True) for row in connection.execute(statement)]


def next_due_at(
    connection: Connection, keys: Collection[AssignmentKey], now: datetime
) -> datetime | None:
    """Return when, after `now`, the next queued grade of some assignments may be tried."""
    return connection.scalar(
        select(passbacks.c.not_before)
        .where(passbacks.c.state == State.QUEUED.value, passbacks.c.not_before > now)
        .where(in_assignments(keys))
        .order_by(passbacks.c.not_before)
        .limit(1)
    )


def record_move(connection: Connection, row_id: int, move: Move, now: datetime) -> None:
    """Write down what became of a row.

    Where a newer grade took its place meanwhile it stays superseded, and only what the LMS said is
    added to it. What was decided without an answer is about a queued row, and of no other.
    """
    c = passbacks.c
    values: dict[str, Any] = {"cause": move.cause, "message": move.message}
    if move.not_before is not None:
        values["not_before"] = move.not_before
    if move.tries is not None:
        values["tries"] = move.tries
    if move.is_answer:
        values |= {"answered_at": now, "answer_status": move.status}
    if move.is_there:
        values["sent_at"] = now
    if move.is_settled:
        values["in_doubt_since"] = None
    state = case((c.state == State.SUPERSEDED.value, c.state), else_=move.to.value)
    row = c.id == row_id
    if not move.is_answer:
        row = and_(row, c.state == State.QUEUED.value)
    connection.execute(update(passbacks).where(row).values(state=state, **values))


def record_reading(
    connection: Connection, row_id: int, fraction: float | None, message: str, now: datetime
) -> None:
    """Write down what the LMS was found to hold."""
    connection.execute(
        update(passbacks)
        .where(passbacks.c.id == row_id)
        .values(read_at=now, read_fraction=fraction, read_message=message)
    )


def has_elsewhere(connection: Connection, keys: Collection[AssignmentKey]) -> bool:
    """Tell whether anything is queued for any assignment but these."""
    found = connection.scalar(
        select(passbacks.c.id)
        .where(passbacks.c.state == State.QUEUED.value, ~in_assignments(keys))
        .limit(1)
    )
    return found is not None


def park_elsewhere(
    connection: Connection, keys: Collection[AssignmentKey], cause: str, message: str
) -> int:
    """Park what is queued for any assignment but these; return how many rows that was."""
    return connection.execute(
        update(passbacks)
        .where(passbacks.c.state == State.QUEUED.value, ~in_assignments(keys))
        .values(state=State.PARKED.value, cause=cause, message=message)
    ).rowcount


def look_again(
    connection: Connection,
    where: ColumnElement[bool],
    states: Iterable[State],
    now: datetime,
    **also: Any,
) -> int:
    """Queue rows again that were held or parked; return how many.

    Args:
        connection: inside a transaction.
        where: which of them.
        states: which of the open states they may be in.
        now: aware.
        also: other columns to set.
    """
    values = {"state": State.QUEUED.value, "cause": None, "message": None, "not_before": now}
    return connection.execute(
        update(passbacks)
        .where(where, passbacks.c.state.in_([state.value for state in states]))
        .values(**values, **also)
    ).rowcount


def in_assignments(keys: Collection[AssignmentKey]) -> ColumnElement[bool]:
    """Return the condition on a row that it is of one of these assignments."""
    c = passbacks.c
    return tuple_(c.course, c.section, c.assignment).in_(
        [(key.course, key.section, key.assignment) for key in keys]
    )


def is_of(columns: Any, student: str, key: AssignmentKey) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions on a row that it is of a student and an assignment."""
    return (
        columns.course == key.course,
        columns.section == key.section,
        columns.assignment == key.assignment,
        columns.student == student,
    )


def is_open() -> ColumnElement[bool]:
    """Return the condition on a row that it is on its way, or waits for staff."""
    return passbacks.c.state.in_(sorted(state.value for state in OPEN))


def figures(connection: Connection) -> tuple[dict[State, int], datetime | None]:
    """Return how many open rows are in each state, and since when the oldest queued one waits."""
    c = passbacks.c
    counts = connection.execute(
        select(c.state, func.count()).where(is_open()).group_by(c.state)
    ).all()
    oldest = connection.scalar(select(func.min(c.queued_at)).where(c.state == State.QUEUED.value))
    return {State(state): number for state, number in counts}, oldest


def count_not_posted(connection: Connection) -> int:
    """Count what is parked since its assignment's grades go to no LMS."""
    c = passbacks.c
    parked = c.state == State.PARKED.value, c.cause == NOT_POSTED
    return connection.scalar(select(func.count()).where(*parked)) or 0


def _outgoing() -> Any:
    submissions = tables.submissions
    return select(passbacks, submissions.c.source).outerjoin(
        submissions, submissions.c.id == passbacks.c.submission_id
    )


def _from_row(row: Row[Any], *, read_asked: bool = False) -> Outgoing:
    return Outgoing(
        id=row.id,
        student=row.student,
        key=AssignmentKey(row.course, row.section, row.assignment),
        score=Score(row.score, row.points_possible),
        graded_at=row.graded_at,
        tries=row.tries,
        is_asked_for=row.request_id is not None,
        is_batch=row.source == Source.BATCH.value,
        read_asked=read_asked,
        is_withdrawal=bool(row.is_withdrawal),
        is_in_doubt=row.in_doubt_since is not None,
    )
