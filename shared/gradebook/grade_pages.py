"""Pages of grades, of students and of submissions: filtered, sorted and cut in SQL.

Each first finds which rows are on the page, and then reads what there is to know of those alone: to
sort a hundred thousand rows with all their columns would take the database many times as long.
"""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import case, func, nulls_last, select, tuple_

from shared.gradebook import tables
from shared.gradebook.grade_filter import (
    FilteredColumns,
    GradeFilter,
    conditions,
    passback_state,
    was_sent,
)
from shared.gradebook.held import is_held
from shared.gradebook.transactions import reading
from shared.model import AssignmentKey, Score, SubmissionId, Verdict

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Engine, Row, Select

_DOING: Final = "be read"
_grades, _runs, _sent = tables.grades.c, tables.grading_runs.c, tables.submissions.c
_PLACE: Final = (_grades.course, _grades.section, _grades.assignment, _grades.student)
_FILTERED: Final = FilteredColumns(_PLACE, _grades.score, _grades.points_possible)
_SENT_PLACE: Final = (_sent.course, _sent.section, _sent.assignment, _sent.student)


class Sort(enum.StrEnum):
    """What a page is sorted by; what is equal comes by student and assignment."""

    STUDENT = "student"
    ASSIGNMENT = "assignment"
    SCORE = "score"
    PERCENT = "percent"
    RECEIVED = "received"
    GRADED = "graded"


@dataclass(frozen=True, slots=True)
class Cut:
    """Which part of what is wanted.

    Attributes:
        sort: by what.
        descending: whether the last of it comes first.
        offset: how many are passed over.
        limit: how many at most.
    """

    sort: Sort = Sort.STUDENT
    descending: bool = False
    offset: int = 0
    limit: int = 100


@dataclass(frozen=True, slots=True)
class ShownGrade:
    """A grade of record as a list shows it.

    Attributes:
        id: of its row.
        is_override: whether staff set it.
        late_s: seconds late; None where nothing was due.
        penalty: the part of its points that being late took off, 0 to 1.
        attempts: how many submissions the student sent for it.
        zip: the first characters of the SHA-256 of the zip that graded it; empty without a run.
        passback: the state of its newest row in the outbox; None where it has none.
        has_changed: whether the LMS took an earlier grade, and not this one.
    """

    id: int
    student: str
    key: AssignmentKey
    score: Score
    is_override: bool
    submission_id: SubmissionId | None
    received_at: datetime | None
    made_at: datetime
    late_s: float | None
    penalty: float
    flags: tuple[str, ...]
    attempts: int
    zip: str
    passback: str | None
    has_changed: bool


@dataclass(frozen=True, slots=True)
class ShownSubmission:
    """A submission as a list shows it.

    Attributes:
        verdict: of the run that counts for it; None where none does.
        score: None where it ended without one.
        is_held: whether it counts only once staff accept it.
        is_of_record: whether the grade of record is its.
    """

    id: SubmissionId
    student: str
    key: AssignmentKey
    received_at: datetime
    source: str
    verdict: Verdict | None
    score: Score | None
    flags: tuple[str, ...]
    is_held: bool
    is_of_record: bool


@dataclass(frozen=True, slots=True)
class ShownStudent:
    """A student with the grades of record that are wanted, by assignment."""

    student: str
    grades: dict[AssignmentKey, Score]
    submissions: dict[AssignmentKey, SubmissionId | None]


@dataclass(frozen=True, slots=True)
class Names:
    """What there is to choose from in filters, each sorted."""

    courses: tuple[str, ...]
    sections: tuple[str, ...]
    assignments: tuple[str, ...]


def page_of_grades(engine: Engine, wanted: GradeFilter, cut: Cut) -> tuple[ShownGrade, ...]:
    """Return a page of grades of record.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    which = _cut(
        _of_record(wanted, _grades.id),
        cut,
        _FILTERED,
        _sent.received_at,
        _grades.made_at,
        last=_grades.id,
    )
    with reading(engine, _DOING) as connection:
        ids = connection.scalars(which).all()
        found = {row.id: row for row in connection.execute(_whole(_grades.id.in_(ids)))}
    return tuple(_shown_grade(found[one]) for one in ids)


def matching_places(
    engine: Engine, wanted: GradeFilter, *, most: int
) -> tuple[tuple[str, AssignmentKey], ...]:
    """Return students and assignments of all grades that are wanted, `most` of them at most.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    statement = _of_record(wanted, _grades.student, *_PLACE[:3]).order_by(*_PLACE).limit(most)
    with reading(engine, _DOING) as connection:
        rows = connection.execute(statement).all()
    return tuple((student, AssignmentKey(*key)) for student, *key in rows)


def count_students(engine: Engine, wanted: GradeFilter) -> int:
    """Count the students who have a grade of record that is wanted.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    with reading(engine, _DOING) as connection:
        return connection.scalar(_of_record(wanted, func.count(_grades.student.distinct()))) or 0


def page_of_students(engine: Engine, wanted: GradeFilter, cut: Cut) -> tuple[ShownStudent, ...]:
    """Return a page of students, with their grades that are wanted.

    Args:
        engine: of the gradebook.
        wanted: which.
        cut: by `STUDENT`, or `PERCENT`: the mean of their percents; every other counts as student.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    names = _of_record(wanted, _grades.student).group_by(_grades.student)
    if cut.sort is Sort.PERCENT:
        mean = func.avg(_percent(_FILTERED))
        names = names.order_by(mean.desc() if cut.descending else mean, _grades.student)
    else:
        student = _grades.student
        names = names.order_by(student.desc() if cut.descending else student)
    names = names.offset(cut.offset).limit(cut.limit)
    with reading(engine, _DOING) as connection:
        on_page = connection.scalars(names).all()
        statement = _of_record(wanted, *_PLACE, _grades.score, _grades.points_possible)
        statement = statement.add_columns(_grades.submission_id)
        rows = connection.execute(statement.where(_grades.student.in_(on_page))).all()
    students = {name: ShownStudent(name, {}, {}) for name in on_page}
    for row in rows:
        key = AssignmentKey(row.course, row.section, row.assignment)
        students[row.student].grades[key] = Score(row.score, row.points_possible)
        students[row.student].submissions[key] = row.submission_id
    return tuple(students.values())


def count_submissions(engine: Engine, wanted: GradeFilter) -> int:
    """Count the submissions that are wanted, as `page_of_submissions` finds them.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    with reading(engine, _DOING) as connection:
        if _asks_about_runs(wanted):
            return connection.scalar(_submissions(wanted, func.count())) or 0
        statement = select(func.count()).select_from(tables.submissions)
        filtered = FilteredColumns(_SENT_PLACE, _runs.score, _runs.points_possible)
        return connection.scalar(statement.where(*conditions(wanted, filtered))) or 0


def page_of_submissions(
    engine: Engine, wanted: GradeFilter, cut: Cut
) -> tuple[ShownSubmission, ...]:
    """Return a page of submissions, whether they made a grade or not.

    Scores, flags, zips and verdicts are then those of the run that counts for each.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    filtered = FilteredColumns(_SENT_PLACE, _runs.score, _runs.points_possible)
    which = _cut(
        # Attempts of a batch may have come in at one moment: without the id, PostgreSQL may show
        # one on two pages and another on none.
        _submissions(wanted, _sent.id),
        cut,
        filtered,
        _sent.received_at,
        _runs.finished_at,
        last=_sent.id,
    )
    of_record = select(_grades.submission_id).where(
        *(own == other for own, other in zip(_PLACE, _SENT_PLACE, strict=True)),
        _grades.superseded_at.is_(None),
    )
    statement = (
        select(tables.submissions)
        .add_columns(_runs.verdict, _runs.score, _runs.points_possible, _runs.flags)
        .add_columns(is_held().label("is_held"))
        .add_columns(of_record.scalar_subquery().label("of_record"))
        .outerjoin_from(tables.submissions, tables.grading_runs, _runs.id == _counted())
    )
    with reading(engine, _DOING) as connection:
        ids = connection.scalars(which).all()
        rows = connection.execute(statement.where(_sent.id.in_(ids))).all()
    found = {row.id: row for row in rows}
    return tuple(_shown_submission(found[one]) for one in ids)


def names_there_are(engine: Engine) -> Names:
    """Return courses, sections and assignments that have a grade of record or a submission.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    with reading(engine, _DOING) as connection:
        places: set[tuple[str, str, str]] = set()
        for columns, condition in (
            (_PLACE[:3], _grades.superseded_at.is_(None)),
            (_SENT_PLACE[:3], None),
        ):
            last: tuple[str, str, str] | None = None
            while True:  # from one to the next in the index: there are few, of very many rows
                statement = select(*columns).order_by(*columns).limit(1)
                if condition is not None:
                    statement = statement.where(condition)
                if last is not None:
                    statement = statement.where(tuple_(*columns) > tuple_(*last))
                row = connection.execute(statement).one_or_none()
                if row is None:
                    break
                last = (row[0], row[1], row[2])
                places.add(last)
    courses, sections, assignments = (tuple(sorted({one[at] for one in places})) for at in range(3))
    return Names(courses, sections, assignments)


def _of_record(wanted: GradeFilter, *columns: ColumnElement[Any]) -> Select[Any]:
    return (
        select(*columns)
        .select_from(tables.grades)
        .outerjoin(tables.submissions, _sent.id == _grades.submission_id)
        .outerjoin(tables.grading_runs, _runs.id == _grades.run_id)
        .where(_grades.superseded_at.is_(None), *conditions(wanted, _FILTERED))
    )


def _submissions(wanted: GradeFilter, *columns: ColumnElement[Any]) -> Select[Any]:
    filtered = FilteredColumns(
        _SENT_PLACE, _runs.score, _runs.points_possible, verdict=_runs.verdict
    )
    return (
        select(*columns)
        .select_from(tables.submissions)
        .outerjoin(tables.grading_runs, _runs.id == _counted())
        .where(*conditions(wanted, filtered), *_ended_so(wanted))
    )


def _ended_so(wanted: GradeFilter) -> list[ColumnElement[bool]]:
    """What the filter says of verdicts once more, by the index: few of very many end otherwise."""
    if not wanted.verdicts or Verdict.GRADED in wanted.verdicts:
        return []
    runs = tables.grading_runs.alias("ended")
    ended = select(runs.c.submission_id).where(
        runs.c.verdict.in_([verdict.value for verdict in wanted.verdicts])
    )
    return [_sent.id.in_(ended)]


def _asks_about_runs(wanted: GradeFilter) -> bool:
    ranges = (wanted.score_from, wanted.score_to, wanted.percent_from, wanted.percent_to)
    return bool(
        wanted.verdicts
        or wanted.flags
        or wanted.other_zip_than is not None
        or any(one is not None for one in ranges)
    )


def _counted() -> ColumnElement[str]:
    """The latest applied run of a submission, found by the index on its id."""
    runs = tables.grading_runs.alias("counted")
    return (
        select(runs.c.id)
        .where(runs.c.submission_id == _sent.id, runs.c.applied_at.is_not(None))
        .order_by(runs.c.applied_at.desc(), runs.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )


def _whole(*conditions_: ColumnElement[bool]) -> Select[Any]:
    tried = tables.submissions.alias("tried")
    place = (tried.c.course, tried.c.section, tried.c.assignment, tried.c.student)
    attempts = select(func.count()).where(
        *(own == other for own, other in zip(place, _PLACE, strict=True))
    )
    return (
        select(tables.grades, _sent.received_at, _runs.flags, _runs.autograder_sha256)
        .add_columns(attempts.scalar_subquery().label("attempts"))
        .add_columns(passback_state(_PLACE).label("passback"))
        .add_columns(was_sent(_PLACE).label("was_sent"))
        .outerjoin_from(tables.grades, tables.submissions, _sent.id == _grades.submission_id)
        .outerjoin(tables.grading_runs, _runs.id == _grades.run_id)
        .where(*conditions_)
    )


def _percent(columns: FilteredColumns) -> ColumnElement[float]:
    possible = columns.points_possible
    return case((possible > 0, 100 * columns.score / possible), (possible.is_not(None), 0.0))


def _cut(
    statement: Select[Any],
    cut: Cut,
    columns: FilteredColumns,
    received_at: ColumnElement[Any],
    graded_at: ColumnElement[Any],
    *,
    last: ColumnElement[Any],
) -> Select[Any]:
    course, section, assignment, student = columns.place
    ways: dict[Sort, tuple[ColumnElement[Any], ...]] = {
        Sort.STUDENT: (student,),
        Sort.ASSIGNMENT: (course, section, assignment),
        Sort.SCORE: (columns.score,),
        Sort.PERCENT: (_percent(columns),),
        Sort.RECEIVED: (received_at,),
        Sort.GRADED: (graded_at,),
    }
    first = ways[cut.sort]
    ordered: list[ColumnElement[Any]] = [one.desc() if cut.descending else one for one in first]
    if cut.sort not in (Sort.STUDENT, Sort.ASSIGNMENT):  # those alone can be NULL
        ordered = [nulls_last(one) for one in ordered]
    rest = [one for one in (student, course, section, assignment) if one not in set(first)]
    return (
        statement.order_by(*ordered, *rest, received_at, last).offset(cut.offset).limit(cut.limit)
    )


def _shown_grade(row: Row[Any]) -> ShownGrade:
    return ShownGrade(
        id=row.id,
        student=row.student,
        key=AssignmentKey(row.course, row.section, row.assignment),
        score=Score(row.score, row.points_possible),
        is_override=row.override_id is not None,
        submission_id=row.submission_id,
        received_at=row.received_at,
        made_at=row.made_at,
        late_s=row.late_s,
        penalty=row.penalty or 0.0,
        flags=tuple(json.loads(row.flags or "[]")),
        attempts=row.attempts,
        zip=(row.autograder_sha256 or "")[:8],
        passback=row.passback,
        has_changed=bool(row.was_sent) and row.passback not in (None, "sent"),
    )


def _shown_submission(row: Row[Any]) -> ShownSubmission:
    return ShownSubmission(
        id=SubmissionId(row.id),
        student=row.student,
        key=AssignmentKey(row.course, row.section, row.assignment),
        received_at=row.received_at,
        source=row.source,
        verdict=None if row.verdict is None else Verdict(row.verdict),
        score=None if row.score is None else Score(row.score, row.points_possible),
        flags=tuple(json.loads(row.flags or "[]")),
        is_held=bool(row.is_held),
        is_of_record=row.of_record == row.id,
    )
