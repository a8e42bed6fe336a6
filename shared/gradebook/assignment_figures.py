"""What an assignment looks like as a whole, counted in SQL, so that large classes are quick."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Float, Integer, String, and_, case, cast, func, select

from shared.gradebook import tables
from shared.gradebook.transactions import reading
from shared.model import AssignmentKey

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Engine

SCORE_BINS: Final = 20
"""Of five percent each; full points are in the last one, and so is what is above them."""
_DOING: Final = "be read"
_HOUR_TEXT: Final = 13  # of `2026-09-01T08`
_WAIT_S: Final = (5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400)
_FULL: Final = 0.000_001


@dataclass(frozen=True, slots=True)
class AssignmentCounts:
    """How much there is of one assignment.

    Attributes:
        submissions: that were recorded.
        students: who handed something in that was recorded.
        grades: of record.
        mean_fraction: of those; None where there is none.
    """

    submissions: int = 0
    students: int = 0
    grades: int = 0
    mean_fraction: float | None = None


@dataclass(frozen=True, slots=True)
class QuestionRate:
    """How one question went, over the runs that make the grades of record.

    Attributes:
        graded: how many runs have it.
        full: how many of them have all its points.
        mean_fraction: of its points; 0 where it has none.
    """

    question: str
    graded: int
    full: int
    mean_fraction: float


def counts_by_assignment(engine: Engine) -> dict[AssignmentKey, AssignmentCounts]:
    """Count everything there is, by assignment.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    sent, grades = tables.submissions.c, tables.grades.c
    place = (sent.course, sent.section, sent.assignment)
    fraction = _fraction(grades.score, grades.points_possible)
    of_record = (grades.course, grades.section, grades.assignment)
    with reading(engine, _DOING) as connection:
        handed_in = connection.execute(
            select(*place, func.count(), func.count(sent.student.distinct())).group_by(*place)
        ).all()
        graded = connection.execute(
            select(*of_record, func.count(), func.avg(fraction))
            .where(grades.superseded_at.is_(None))
            .group_by(*of_record)
        ).all()
    means = {AssignmentKey(*row[:3]): (row[3], row[4]) for row in graded}
    sums = {AssignmentKey(*row[:3]): (row[3], row[4]) for row in handed_in}
    return {
        key: AssignmentCounts(*sums.get(key, (0, 0)), *means.get(key, (0, None)))
        for key in sums.keys() | means.keys()
    }


def score_bins(engine: Engine, key: AssignmentKey) -> list[int]:
    """Count the grades of record in each of `SCORE_BINS`, from nothing to full points.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    grades = tables.grades.c
    fraction = _fraction(grades.score, grades.points_possible)
    # Cut off and not rounded, on every database: what is cast is no half.
    place = cast(func.floor(fraction * SCORE_BINS + _FULL), Integer)
    inside = case((place >= SCORE_BINS, SCORE_BINS - 1), else_=place).label("bin")
    statement = (
        select(inside, func.count())
        .where(*_of(grades, key), grades.superseded_at.is_(None))
        .group_by(inside)
    )
    with reading(engine, _DOING) as connection:
        found = {row[0]: row[1] for row in connection.execute(statement)}
    return [found.get(number, 0) for number in range(SCORE_BINS)]


def question_rates(engine: Engine, key: AssignmentKey) -> tuple[QuestionRate, ...]:
    """Return how each question went, in the zip's order.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    grades, questions = tables.grades.c, tables.question_scores.c
    is_full = questions.score >= questions.points_possible - _FULL
    statement = (
        select(questions.question, func.count(), func.sum(case((is_full, 1), else_=0)))
        .add_columns(func.avg(_fraction(questions.score, questions.points_possible)))
        .join_from(tables.grades, tables.question_scores, questions.run_id == grades.run_id)
        .where(*_of(grades, key), grades.superseded_at.is_(None))
        .group_by(questions.question)
        .order_by(func.min(questions.position), questions.question)
    )
    with reading(engine, _DOING) as connection:
        return tuple(
            QuestionRate(name, graded, full, float(mean or 0.0))
            for name, graded, full, mean in connection.execute(statement)
        )


def submissions_by_hour(engine: Engine, key: AssignmentKey) -> list[tuple[datetime, int]]:
    """Count what came in, by the hour in UTC; hours without any are left out.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    sent = tables.submissions.c
    with reading(engine, _DOING) as connection:
        hour = _hour(connection, sent.received_at)
        rows = connection.execute(
            select(hour, func.count()).where(*_of(sent, key)).group_by(hour).order_by(hour)
        ).all()
    return [
        (datetime.strptime(text, "%Y-%m-%dT%H").replace(tzinfo=UTC), number)
        for text, number in rows
    ]


def waits(engine: Engine, key: AssignmentKey) -> list[tuple[float | None, int]]:
    """Count first runs by the time from receipt to result: up to so many seconds, None for longer.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    sent, runs = tables.submissions.c, tables.grading_runs.c
    with reading(engine, _DOING) as connection:
        took = _epoch(connection, runs.finished_at) - _epoch(connection, sent.received_at)
        place = case(*((took <= limit, at) for at, limit in enumerate(_WAIT_S)), else_=len(_WAIT_S))
        rows = connection.execute(
            select(place, func.count())
            .join_from(tables.submissions, tables.grading_runs, runs.submission_id == sent.id)
            .where(*_of(sent, key), runs.reason == "initial")
            .group_by(place)
        ).all()
    found = Counter({row[0]: row[1] for row in rows})
    return [(limit, found[at]) for at, limit in enumerate((*_WAIT_S, None))]


def _fraction(score: Any, possible: Any) -> ColumnElement[float]:
    return case((possible > 0, score / possible), else_=0.0)


def _of(columns: Any, key: AssignmentKey) -> tuple[ColumnElement[bool], ...]:
    return (
        and_(columns.course == key.course, columns.section == key.section),
        columns.assignment == key.assignment,
    )


def _hour(connection: Connection, at: ColumnElement[Any]) -> ColumnElement[str]:
    if connection.dialect.name == "sqlite":
        return func.substr(cast(at, String), 1, _HOUR_TEXT)
    return func.to_char(func.timezone("UTC", at), 'YYYY-MM-DD"T"HH24')


def _epoch(connection: Connection, at: ColumnElement[Any]) -> ColumnElement[float]:
    if connection.dialect.name == "sqlite":
        return func.julianday(cast(at, String)) * 86_400.0
    return cast(func.extract("epoch", at), Float)
