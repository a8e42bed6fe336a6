"""Grades of record and graded submissions as plain rows, for lists and exports of any length.

`COLUMNS` is the one place that says what there is to know of a grade: a column that is added there
is in the export `gofer` and in `gofer grades list --json` at once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select

from shared.gradebook import tables
from shared.gradebook.chunks import in_chunks
from shared.gradebook.grade_filter import FilteredColumns, GradeFilter, conditions
from shared.gradebook.held import is_held
from shared.gradebook.transactions import reading
from shared.model import AssignmentKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Engine, Select

GradeRow = dict[str, Any]
"""The values of `COLUMNS` by name, as text, numbers or None."""

CHUNK_ROWS: Final = 5000
_PERCENT_DIGITS: Final = 2
_DOING: Final = "be read"


def _as_it_is(value: Any) -> Any:
    return value


def _moment(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class GradeColumn:
    """One fact of a grade of record.

    Attributes:
        name: in exports; it stays for ever.
        source: where it stands, in `grades` or what is joined to it.
        shown: what of the stored value is told, as text, a number or None.
    """

    name: str
    source: ColumnElement[Any]
    shown: Callable[[Any], str | float | None] = _as_it_is


_grades = tables.grades.c
_runs = tables.grading_runs.c
_PLACE: Final = (_grades.course, _grades.section, _grades.assignment, _grades.student)
_BY_STUDENT: Final = (_grades.student, _grades.course, _grades.section, _grades.assignment)
_FILTERED: Final = FilteredColumns(_PLACE, _grades.score, _grades.points_possible)

COLUMNS: Final = (
    GradeColumn("course", _grades.course),
    GradeColumn("section", _grades.section),
    GradeColumn("assignment", _grades.assignment),
    GradeColumn("student", _grades.student),
    GradeColumn("score", _grades.score),
    GradeColumn("points_possible", _grades.points_possible),
    GradeColumn(
        "percent",
        100 * _grades.score / func.nullif(_grades.points_possible, 0),
        lambda percent: round(percent or 0.0, _PERCENT_DIGITS),
    ),
    GradeColumn("submission_id", _grades.submission_id),
    GradeColumn("received_at", tables.submissions.c.received_at, _moment),
    GradeColumn("graded_at", _grades.made_at, _moment),
    GradeColumn("flags", _runs.flags, lambda flags: " ".join(json.loads(flags or "[]"))),
    GradeColumn("origin", _grades.origin),
    GradeColumn("autograde", _grades.earned * (1 - _grades.penalty)),
    GradeColumn("penalty", _grades.penalty),
    GradeColumn("late_s", _grades.late_s),
)
"""Times are text in ISO 8601, UTC, to the second; `percent` is of the points possible.

Under an override, submission, flags and autograde are what lies beneath: `autograde` is what the
run is worth after the penalty, in points, and `penalty` the part of its points that being late took
off. A student who handed nothing in that counts has none of these.
"""

_SHORT: Final = tuple(
    column
    for column in COLUMNS
    if column.name in {"course", "section", "assignment", "student", "score", "points_possible"}
)
_CLASSIC: Final = ("userid", "grade", "section", "lab", "timestamp")


@dataclass(frozen=True, slots=True)
class GradedAssignment:
    """An assignment that has grades of record among those wanted.

    Attributes:
        points_possible: the most that any of these grades is out of.
    """

    key: AssignmentKey
    points_possible: float


def grade_chunks(
    engine: Engine, wanted: GradeFilter, *, size: int = CHUNK_ROWS
) -> Iterator[list[GradeRow]]:
    """Yield grades of record with all of `COLUMNS`, by course, section, assignment and student.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    yield from _chunks(engine, wanted, COLUMNS, _PLACE, size)


def grade_chunks_by_student(
    engine: Engine, wanted: GradeFilter, *, size: int = CHUNK_ROWS
) -> Iterator[list[GradeRow]]:
    """Yield grades of record by student, course, section and assignment.

    They have course, section, assignment, student, score and points possible.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    yield from _chunks(engine, wanted, _SHORT, _BY_STUDENT, size)


def question_chunks(
    engine: Engine, wanted: GradeFilter, *, size: int = CHUNK_ROWS // 10
) -> Iterator[tuple[list[GradeRow], dict[str, list[GradeRow]]]]:
    """Yield grades of record, as `grade_chunks` does, and their questions by submission.

    A question has `question`, `score` and `points_possible`; they come in the zip's order. A grade
    whose run has none, as classic grades have none, is not among the keys.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    questions, runs = tables.question_scores.c, GradeColumn("run_id", _grades.run_id)
    for grades in _chunks(engine, wanted, (*COLUMNS, runs), _PLACE, size):
        submissions = {
            grade["run_id"]: grade["submission_id"] for grade in grades if grade["run_id"]
        }
        statement = (
            select(questions.run_id, questions.question, questions.score)
            .add_columns(questions.points_possible)
            .where(questions.run_id.in_(submissions))
            .order_by(questions.run_id, questions.position, questions.question)
        )
        found: dict[str, list[GradeRow]] = {}
        with reading(engine, _DOING) as connection:
            for run_id, question, score, possible in connection.execute(statement):
                found.setdefault(submissions[run_id], []).append(
                    {"question": question, "score": score, "points_possible": possible}
                )
        yield grades, found


def classic_chunks(
    engine: Engine, wanted: GradeFilter, *, size: int = CHUNK_ROWS
) -> Iterator[list[GradeRow]]:
    """Yield graded submissions as the old service's table held them, in the order of receipt.

    A row is of a submission whose counted run has a score and is not held; a filter's score, flags
    and dates are of that run and that submission.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    submissions, counted = tables.submissions.c, tables.counted_runs.c
    statement = _graded_submissions(
        wanted,
        counted.submission_id,
        submissions.student,
        counted.fraction,
        submissions.section,
        submissions.assignment,
        submissions.received_epoch,
    )
    # Not by `submissions.id`, its equal: SQLite would begin with the runs and sort every page.
    for rows in in_chunks(engine, statement, (counted.submission_id,), size=size):
        yield [dict(zip(_CLASSIC, row[1:], strict=True)) for row in rows]


def count_grades(engine: Engine, wanted: GradeFilter) -> int:
    """Count the grades of record that are wanted.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    with reading(engine, _DOING) as connection:
        return connection.scalar(_grades_of_record(wanted, func.count())) or 0


def count_graded_submissions(engine: Engine, wanted: GradeFilter) -> int:
    """Count the rows of `classic_chunks`.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    with reading(engine, _DOING) as connection:
        return connection.scalar(_graded_submissions(wanted, func.count())) or 0


def graded_assignments(engine: Engine, wanted: GradeFilter) -> tuple[GradedAssignment, ...]:
    """Return the assignments that the wanted grades of record are of, in the order of their keys.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    place = _PLACE[:3]
    statement = _grades_of_record(wanted, *place, func.max(_grades.points_possible))
    with reading(engine, _DOING) as connection:
        rows = connection.execute(statement.group_by(*place)).all()
    found = (GradedAssignment(AssignmentKey(*names), possible) for *names, possible in rows)
    return tuple(sorted(found, key=lambda one: one.key))


def _chunks(
    engine: Engine,
    wanted: GradeFilter,
    columns: Sequence[GradeColumn],
    key: tuple[ColumnElement[str], ...],
    size: int,
) -> Iterator[list[GradeRow]]:
    statement = _grades_of_record(wanted, *key, *(column.source for column in columns))
    told = [(len(key) + at, one.name, one.shown) for at, one in enumerate(columns)]
    for rows in in_chunks(engine, statement, key, size=size):
        yield [{name: shown(row[at]) for at, name, shown in told} for row in rows]


def _grades_of_record(wanted: GradeFilter, *columns: ColumnElement[Any]) -> Select[Any]:
    return (
        select(*columns)
        .select_from(tables.grades)
        .outerjoin(tables.submissions, tables.submissions.c.id == _grades.submission_id)
        .outerjoin(tables.grading_runs, _runs.id == _grades.run_id)
        .where(_grades.superseded_at.is_(None), *conditions(wanted, _FILTERED))
    )


def _graded_submissions(wanted: GradeFilter, *columns: ColumnElement[Any]) -> Select[Any]:
    submissions, counted = tables.submissions.c, tables.counted_runs.c
    place = (submissions.course, submissions.section, submissions.assignment, submissions.student)
    filtered = FilteredColumns(place, counted.score, counted.points_possible)
    return (
        select(*columns)
        .select_from(tables.submissions)
        .join(tables.counted_runs, counted.submission_id == submissions.id)
        .join(tables.grading_runs, _runs.id == counted.run_id)
        .where(counted.score.is_not(None), ~is_held(), *conditions(wanted, filtered))
    )
