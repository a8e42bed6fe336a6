"""How much was graded lately, hour by hour, for whoever watches the grader.

A run's id begins with when it was made, at most hours before the run. So the primary key finds the
latest runs among millions, and no index on their times is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import String, and_, cast, func, select

from shared.gradebook import tables
from shared.gradebook.transactions import reading

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Engine

_AHEAD: Final = timedelta(days=2)
"""Longer than a run's id is made before the run has ended."""
_HOUR_CHARACTERS: Final = 13
"""Of `2026-09-01T08`; the rest of a moment is minutes."""


@dataclass(frozen=True, slots=True)
class Throughput:
    """What ended since a moment.

    Attributes:
        graded: runs that ended with a score.
        without_score: runs that ended without one.
    """

    graded: int
    without_score: int


def throughput_since(engine: Engine, since: datetime) -> Throughput:
    """Count the runs that ended since a moment; aware.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    runs = tables.grading_runs.c
    statement = select(func.count(), func.count(runs.score)).where(_ended_since(since))
    with reading(engine, "be read") as connection:
        every, graded = connection.execute(statement).one()
    return Throughput(graded, every - graded)


def throughput_by_hour(engine: Engine, since: datetime) -> dict[datetime, Throughput]:
    """Count the runs that ended since a moment, by the hour in which they did.

    Args:
        engine: of the gradebook.
        since: aware; its hour is counted from there on.

    Returns:
        By the beginning of each hour in UTC, oldest first; hours without a run are not there.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    runs = tables.grading_runs.c
    hour = func.substr(cast(runs.finished_at, String), 1, _HOUR_CHARACTERS)
    statement = (
        select(hour, func.count(), func.count(runs.score))
        .where(_ended_since(since))
        .group_by(hour)
        .order_by(hour)
    )
    with reading(engine, "be read") as connection:
        rows = connection.execute(statement).all()
    return {
        datetime.fromisoformat(f"{text}:00").replace(tzinfo=UTC): Throughput(graded, every - graded)
        for text, every, graded in rows
    }


def _ended_since(since: datetime) -> ColumnElement[bool]:
    runs = tables.grading_runs.c
    earliest = max(since - _AHEAD, datetime.fromtimestamp(0, UTC))
    digits = f"{int(earliest.timestamp() * 1000):012x}"
    return and_(runs.id >= f"{digits[:8]}-{digits[8:]}", runs.finished_at >= since)
