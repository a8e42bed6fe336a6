"""What became of each grade on its way to the LMS, for whoever reads the gradebook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, case, cast, func, null, or_, select, union_all

from shared.gradebook import tables
from shared.gradebook.outbox import State
from shared.gradebook.passback_tables import passbacks
from shared.gradebook.searching import contains
from shared.gradebook.transactions import reading
from shared.model import AssignmentKey, Score

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Engine, FromClause, Row, Select

    from shared.requests import Selection

_PLACE: Final = ("course", "section", "assignment", "student")
_SAME = 0.000_01
"""Fractions nearer than this are the same: LTI 1.1 carries six decimals."""


@dataclass(frozen=True, slots=True)
class Posting:
    """The present grade of record of a student for an assignment, and how far it got.

    Attributes:
        score: the grade of record; None where it was taken back, and the LMS is told so.
        state: of its newest row in the outbox; None where it has none, as a classic grade.
        cause: one word on why it is there; None where nothing is to be said.
        message: for staff; what the LMS said, where it was asked.
        tries: how often it was tried.
        not_before: when a queued one may be tried again.
        answered_at: when the LMS last said something about it.
        answer_status: the HTTP status of that.
        sent: what the LMS took last, and when; None where it took nothing, or took the grade out.
        sent_at: when it took that, or took the grade out.
        read_at: when the LMS was asked last what it holds.
        read_fraction: what it held then; None where it had nothing, or did not say.
        read_message: how that went.
    """

    student: str
    key: AssignmentKey
    score: Score | None
    state: State | None
    cause: str | None
    message: str | None
    tries: int
    not_before: datetime | None
    answered_at: datetime | None
    answer_status: int | None
    sent: Score | None
    sent_at: datetime | None
    read_at: datetime | None
    read_fraction: float | None
    read_message: str | None

    @property
    def is_stale(self) -> bool:
        """Whether the grade has changed since the LMS took one."""
        return self.sent is not None and self.sent != self.score

    @property
    def differs(self) -> bool:
        """Whether the LMS was found to hold something else than what it was sent last."""
        if self.read_fraction is None:
            return False
        if self.sent is None:
            return self.sent_at is not None
        return abs(min(max(self.sent.fraction, 0.0), 1.0) - self.read_fraction) > _SAME


def postings(
    engine: Engine, selection: Selection, states: frozenset[State] = frozenset()
) -> list[Posting]:
    """Return the grades of record that fit, by course, section, assignment and student.

    Args:
        engine: of the gradebook.
        selection: which.
        states: those alone that are in one of these; empty for all.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    with reading(engine, "be read") as connection:
        return [_posting(row) for row in connection.execute(_postings(selection, states))]


@dataclass(frozen=True, slots=True)
class PostingFilter:
    """Which postings a page shows, beside its selection.

    Attributes:
        states: those alone that are in one of these; empty for all.
        search: a part of the student's name, without regard to case.
        is_stale: those alone whose grade is another one than the LMS took last.
    """

    states: frozenset[State] = frozenset()
    search: str = ""
    is_stale: bool = False


def postings_page(
    engine: Engine, selection: Selection, wanted: PostingFilter, *, limit: int, offset: int = 0
) -> list[Posting]:
    """Return a page of the grades of record that fit, in the order of `postings`.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    statement = _narrowed(_postings(selection, wanted.states), wanted)
    with reading(engine, "be read") as connection:
        found = connection.execute(statement.limit(limit).offset(offset))
        return [_posting(row) for row in found]


def count_postings(engine: Engine, selection: Selection, wanted: PostingFilter) -> int:
    """Count them.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    rows = _narrowed(_postings(selection, wanted.states), wanted).order_by(None).subquery()
    with reading(engine, "be read") as connection:
        return connection.scalar(select(func.count()).select_from(rows)) or 0


def posting_figures(engine: Engine, selection: Selection) -> tuple[dict[State | None, int], int]:
    """Count the grades of record that fit by their state, None for no state; and the stale ones.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    rows = _postings(selection, frozenset()).order_by(None).subquery()
    stale = func.sum(case((_stale(rows.c, rows.c), 1), else_=0))
    with reading(engine, "be read") as connection:
        found = connection.execute(
            select(rows.c.state, func.count(), stale).group_by(rows.c.state)
        ).all()
    states = {None if state is None else State(state): number for state, number, _ in found}
    return states, sum(number or 0 for *_, number in found)


def _narrowed(statement: Select[Any], wanted: PostingFilter) -> Select[Any]:
    if wanted.search:
        name = statement.selected_columns.student
        statement = statement.where(contains(name, wanted.search))
    if wanted.is_stale:
        rows = statement.selected_columns
        statement = statement.where(_stale(rows, rows))
    return statement


def _stale(grade: Any, there: Any) -> ColumnElement[bool]:
    return and_(
        there.sent_score.is_not(None),
        there.is_taken_out == 0,
        or_(
            grade.score.is_(None),
            grade.score != there.sent_score,
            grade.points_possible != there.sent_of,
        ),
    )


def _postings(selection: Selection, states: frozenset[State]) -> Select[Any]:
    grades, taken_back = tables.grades.c, passbacks.alias("taken_back")
    of_record = _outcomes(tables.grades, (grades.score, grades.points_possible)).where(
        grades.superseded_at.is_(None), *_wanted(grades, selection)
    )
    no_score = (cast(null(), grades.score.type), cast(null(), grades.points_possible.type))
    without_grade = _outcomes(taken_back, no_score).where(
        taken_back.c.is_withdrawal == 1,
        taken_back.c.id == _newest(taken_back.c),
        taken_back.c.state != State.SUPERSEDED.value,
        ~_has_grade(taken_back.c),
        *_wanted(taken_back.c, selection),
    )
    both = union_all(of_record, without_grade).subquery()
    statement = select(both).order_by(*(both.c[name] for name in _PLACE))
    if states:
        statement = statement.where(both.c.state.in_(sorted(state.value for state in states)))
    return statement


def _outcomes(places: FromClause, score: tuple[Any, Any]) -> Select[Any]:
    """Select places, a score for each, and what became of them on the way to the LMS.

    Args:
        places: has course, section, assignment and student.
        score: points, and points possible.
    """
    last, there = passbacks.alias("last"), passbacks.alias("there")
    points, possible = score
    place_of = places.c
    return (
        select(place_of.course, place_of.section, place_of.assignment, place_of.student)
        .add_columns(points.label("score"), possible.label("points_possible"))
        .add_columns(last.c.state, last.c.cause, last.c.message, last.c.tries, last.c.not_before)
        .add_columns(last.c.answered_at, last.c.answer_status)
        .add_columns(there.c.score.label("sent_score"), there.c.points_possible.label("sent_of"))
        .add_columns(there.c.is_withdrawal.label("is_taken_out"))
        .add_columns(there.c.sent_at, there.c.read_at, there.c.read_fraction, there.c.read_message)
        .select_from(places)
        .outerjoin(last, last.c.id == _newest(place_of))
        .outerjoin(there, there.c.id == _newest(place_of, is_there=True))
    )


def _has_grade(place_of: Any) -> ColumnElement[bool]:
    grades = tables.grades.c
    return (
        select(grades.id)
        .where(grades.superseded_at.is_(None))
        .where(*(getattr(grades, name) == getattr(place_of, name) for name in _PLACE))
        .exists()
    )


def _newest(place_of: Any, *, is_there: bool = False) -> Any:
    rows = passbacks.alias()
    conditions = [getattr(rows.c, name) == getattr(place_of, name) for name in _PLACE]
    if is_there:
        conditions.append(rows.c.sent_at.is_not(None))
    return select(func.max(rows.c.id)).where(and_(*conditions)).scalar_subquery()


def _wanted(columns: Any, selection: Selection) -> list[ColumnElement[bool]]:
    return [
        getattr(columns, name) == value
        for name in _PLACE
        if (value := getattr(selection, name)) is not None
    ]


def _posting(row: Row[Any]) -> Posting:
    return Posting(
        student=row.student,
        key=AssignmentKey(row.course, row.section, row.assignment),
        score=None if row.score is None else Score(row.score, row.points_possible),
        state=None if row.state is None else State(row.state),
        cause=row.cause,
        message=row.message,
        tries=row.tries or 0,
        not_before=row.not_before,
        answered_at=row.answered_at,
        answer_status=row.answer_status,
        sent=None
        if row.sent_at is None or row.is_taken_out
        else Score(row.sent_score, row.sent_of),
        sent_at=row.sent_at,
        read_at=row.read_at,
        read_fraction=row.read_fraction,
        read_message=row.read_message,
    )
