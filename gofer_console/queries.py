"""What the terminal shows of the gradebook: rows of plain values, whatever they are printed as."""

from __future__ import annotations

import enum
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from shared.gradebook.engine import open_reader
from shared.gradebook.queries import classic_rows, grades_of_record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from shared.gradebook.queries import GradeOfRecord

GRADE_COLUMNS: Final = (
    "course",
    "section",
    "assignment",
    "student",
    "score",
    "points_possible",
    "percent",
    "submission_id",
    "received_at",
    "graded_at",
)
CLASSIC_COLUMNS: Final = ("userid", "grade", "section", "lab", "timestamp")
"""Of the file that the old service's users import; its rows leave out the course."""

_PERCENT_DIGITS: Final = 2


class Layout(enum.StrEnum):
    """Which columns an export has, and what a row of it is.

    `gofer` has a row of `GRADE_COLUMNS` for each grade of record, `classic` one of
    `CLASSIC_COLUMNS` for each graded submission.
    """

    GOFER = "gofer"
    CLASSIC = "classic"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which grades are wanted; None wants all."""

    course: str | None = None
    assignment: str | None = None
    student: str | None = None


@contextmanager
def opened_gradebook(volume: Path, database_url: str | None) -> Iterator[Engine | None]:
    """Open the gradebook for reading inside the block; None where there is none yet.

    Raises:
        GradebookError: it cannot be read.
    """
    engine = open_reader(volume, database_url)
    try:
        yield engine
    finally:
        if engine is not None:
            engine.dispose()


def grade_rows(engine: Engine | None, wanted: Filter) -> Iterator[dict[str, Any]]:
    """Yield a row of `GRADE_COLUMNS` for each grade of record, by course, assignment and student.

    Times are text in ISO 8601, UTC, to the second; `percent` is of the points possible.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    if engine is None:
        return
    for grade in grades_of_record(
        engine, course=wanted.course, assignment=wanted.assignment, student=wanted.student
    ):
        yield _grade_row(grade)


def _grade_row(grade: GradeOfRecord) -> dict[str, Any]:
    return {
        "course": grade.key.course,
        "section": grade.key.section,
        "assignment": grade.key.assignment,
        "student": grade.student,
        "score": grade.score.points,
        "points_possible": grade.score.possible,
        "percent": round(100 * grade.score.fraction, _PERCENT_DIGITS),
        "submission_id": grade.submission_id,
        "received_at": grade.received_at.isoformat(timespec="seconds"),
        "graded_at": grade.made_at.isoformat(timespec="seconds"),
    }


def classic_csv_rows(engine: Engine | None, wanted: Filter) -> Iterator[dict[str, Any]]:
    """Yield a row of `CLASSIC_COLUMNS` for each graded submission, in the order of receipt.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    if engine is None:
        return
    for row in classic_rows(engine):
        values = row._asdict()
        course = values.pop("course")
        found = Filter(course=course, assignment=row.lab, student=row.userid)
        if _is_wanted(found, wanted):
            yield values


def _is_wanted(found: Filter, wanted: Filter) -> bool:
    return (
        wanted.course in {None, found.course}
        and wanted.assignment in {None, found.assignment}
        and wanted.student in {None, found.student}
    )
