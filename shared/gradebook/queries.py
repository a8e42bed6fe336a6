"""What everyone but the writer reads. Every filter and every page is cut in SQL.

Long lists come in chunks.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import distinct, func, select

from shared.gradebook import tables
from shared.gradebook.chunks import in_chunks
from shared.gradebook.grades import Origin
from shared.gradebook.held import is_held
from shared.gradebook.transactions import reading
from shared.model import (
    AssignmentKey,
    AutograderSpec,
    QuestionScore,
    RunId,
    RunReason,
    Score,
    Sha256,
    SubmissionId,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Engine, Row

CHUNK_ROWS: Final = 1000
_DOING: Final = "be read"
_SPEC: Final = TypeAdapter(AutograderSpec)


@dataclass(frozen=True, slots=True)
class GradeOfRecord:
    """The grade of one student for one assignment, and the submission that earned it.

    Under an override, the submission and its run are those of the autograde beneath. A student who
    has handed nothing in that counts has none of them, and no autograde.

    Attributes:
        score: in points; may be above what is possible where an assignment gives extra credit.
        origin: whether a run or an override made it.
        autograde: what the run is worth after the penalty, in points; `score` where no override is.
        penalty: the part of the run's points that being late took off, 0 to 1.
        late_s: seconds late, 0 in time; None where nothing was due.
        received_at: when that submission was received.
        made_at: when it became the grade of record.
        flags: of its run, sorted.
    """

    student: str
    key: AssignmentKey
    score: Score
    origin: Origin
    autograde: Score | None
    penalty: float
    late_s: float | None
    submission_id: SubmissionId | None
    run_id: RunId | None
    received_at: datetime | None
    made_at: datetime
    flags: tuple[str, ...]


class ClassicRow(NamedTuple):
    """A graded submission as the old service's table held it, and its course.

    Attributes:
        grade: a fraction of 0 to 1.
        timestamp: when it was received, seconds since 1970 as text.
    """

    userid: str
    grade: float
    section: str
    lab: str
    timestamp: str
    course: str


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A grading run as it was recorded.

    Attributes:
        applied_at: since when it counts; None for a regrade's that is not applied.
        score: in points; None exactly where the verdict has none, and so `points_possible`.
        questions: in the zip's order.
        flags: sorted.
        autograder_sha256: None for classic grades, and so `image_id`.
    """

    run_id: RunId
    submission_id: SubmissionId
    reason: RunReason
    regrade_id: str | None
    applied_at: datetime | None
    verdict: Verdict
    score: float | None
    points_possible: float | None
    questions: tuple[QuestionScore, ...]
    flags: tuple[str, ...]
    student_text: str
    staff_text: str
    log_tail: str
    started_at: datetime
    finished_at: datetime
    wall_s: float
    peak_memory_bytes: int | None
    autograder_sha256: Sha256 | None
    image_id: str | None
    otter_version: str
    sandbox: str
    tries: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is.

    Attributes:
        submissions: that have a run.
        students: who sent them.
        grades: of record.
        verdicts: how many runs ended so, for each verdict there is.
    """

    submissions: int
    students: int
    grades: int
    verdicts: Mapping[Verdict, int]


def grades_of_record(
    engine: Engine,
    *,
    course: str | None = None,
    section: str | None = None,
    assignment: str | None = None,
    student: str | None = None,
) -> Iterator[GradeOfRecord]:
    """Yield the grades of record, by course, section, assignment and student.

    Args:
        engine: of the gradebook.
        course: this one alone; None for all, and so the others.
        section: this one alone.
        assignment: this one alone.
        student: this one alone.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    grades = tables.grades.c
    place = (grades.course, grades.section, grades.assignment, grades.student)
    wanted = (course, section, assignment, student)
    statement = (
        select(*place, grades.score, grades.points_possible)
        .add_columns(grades.submission_id, grades.run_id, tables.submissions.c.received_at)
        .add_columns(grades.made_at, grades.origin, grades.earned, grades.earned_possible)
        .add_columns(grades.penalty, grades.late_s, tables.grading_runs.c.flags)
        .outerjoin_from(tables.grades, tables.submissions)
        .outerjoin(tables.grading_runs, tables.grading_runs.c.id == grades.run_id)
        .where(grades.superseded_at.is_(None))
        .where(*_equal(place, wanted))
    )
    for row in chain.from_iterable(in_chunks(engine, statement, place, size=CHUNK_ROWS)):
        yield _grade_of_record(row)


def classic_rows(
    engine: Engine,
    *,
    course: str | None = None,
    section: str | None = None,
    assignment: str | None = None,
    student: str | None = None,
) -> Iterator[ClassicRow]:
    """Yield the rows of the view `gradebook_csv`, in the order in which they were received.

    Args:
        engine: of the gradebook.
        course: this one alone; None for all, and so the others.
        section: this one alone.
        assignment: this one alone.
        student: this one alone.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    submissions, counted = tables.submissions.c, tables.counted_runs.c
    place = (submissions.course, submissions.section, submissions.assignment, submissions.student)
    wanted = (course, section, assignment, student)
    statement = (
        select(counted.submission_id, submissions.student, counted.fraction, submissions.section)
        .add_columns(submissions.assignment, submissions.received_epoch, submissions.course)
        .join_from(tables.submissions, tables.counted_runs, counted.submission_id == submissions.id)
        .join(tables.grading_runs, tables.grading_runs.c.id == counted.run_id)
        .where(counted.score.is_not(None), ~is_held(), *_equal(place, wanted))
    )
    # Not by `submissions.id`, its equal: SQLite would begin with the runs and sort every page.
    chunks = in_chunks(engine, statement, (counted.submission_id,), size=CHUNK_ROWS)
    for row in chain.from_iterable(chunks):
        yield ClassicRow._make(row[1:])


def run_of_submission(engine: Engine, submission_id: SubmissionId) -> RecordedRun | None:
    """Return the run that counts for a submission, the latest applied, whatever its verdict.

    Returns:
        None where it has no run yet.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    counted = tables.counted_runs.c
    statement = (
        select(tables.grading_runs)
        .join(tables.counted_runs, counted.run_id == tables.grading_runs.c.id)
        .where(counted.submission_id == submission_id)
    )
    with reading(engine, _DOING) as connection:
        row = connection.execute(statement).one_or_none()
        return None if row is None else _recorded_run(connection, row)


def runs_of(engine: Engine, submission_id: SubmissionId) -> tuple[RecordedRun, ...]:
    """Return every run of a submission, the earliest started first, applied or not.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    runs = tables.grading_runs
    statement = (
        select(runs)
        .where(runs.c.submission_id == submission_id)
        .order_by(runs.c.started_at, runs.c.id)
    )
    with reading(engine, _DOING) as connection:
        rows = connection.execute(statement).all()
        return tuple(_recorded_run(connection, row) for row in rows)


def find_autograder(engine: Engine, sha256: Sha256, image_id: str) -> AutograderSpec | None:
    """Return what inspecting a zip in an image found.

    Returns:
        None where it was not inspected, or by a Gofer whose specs were of another form: then it is
        to be inspected anew.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    autograders = tables.autograders.c
    with reading(engine, _DOING) as connection:
        stored = connection.scalar(
            select(autograders.spec).where(
                autograders.sha256 == sha256, autograders.image_id == image_id
            )
        )
    try:
        return None if stored is None else _SPEC.validate_json(stored)
    except ValidationError:
        return None


def counts(engine: Engine) -> Counts:
    """Count what there is, all at one moment.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    submissions, grades, runs = tables.submissions.c, tables.grades.c, tables.grading_runs.c
    with reading(engine, _DOING) as connection:
        sent, students = connection.execute(
            select(func.count(), func.count(distinct(submissions.student))).select_from(
                tables.submissions
            )
        ).one()
        of_record = connection.scalar(
            select(func.count()).select_from(tables.grades).where(grades.superseded_at.is_(None))
        )
        verdicts = connection.execute(
            select(runs.verdict, func.count()).group_by(runs.verdict).order_by(runs.verdict)
        ).all()
    return Counts(
        submissions=sent,
        students=students,
        grades=of_record or 0,
        verdicts=MappingProxyType({Verdict(verdict): number for verdict, number in verdicts}),
    )


def _equal(
    place: tuple[ColumnElement[str], ...], wanted: tuple[str | None, ...]
) -> list[ColumnElement[bool]]:
    return [
        column == value for column, value in zip(place, wanted, strict=True) if value is not None
    ]


def _grade_of_record(row: Row[Any]) -> GradeOfRecord:
    has_run = row.run_id is not None
    return GradeOfRecord(
        student=row.student,
        key=AssignmentKey(row.course, row.section, row.assignment),
        score=Score(row.score, row.points_possible),
        origin=Origin(row.origin),
        autograde=Score(row.earned * (1.0 - row.penalty), row.earned_possible) if has_run else None,
        penalty=row.penalty if has_run else 0.0,
        late_s=row.late_s,
        submission_id=SubmissionId(row.submission_id) if has_run else None,
        run_id=RunId(row.run_id) if has_run else None,
        received_at=row.received_at,
        made_at=row.made_at,
        flags=tuple(json.loads(row.flags)) if has_run else (),
    )


def _recorded_run(connection: Connection, row: Row[Any]) -> RecordedRun:
    questions = tables.question_scores.c
    scores = connection.execute(
        select(questions.question, questions.score, questions.points_possible)
        .where(questions.run_id == row.id)
        .order_by(questions.position)
    )
    return RecordedRun(
        run_id=RunId(row.id),
        submission_id=SubmissionId(row.submission_id),
        reason=RunReason(row.reason),
        regrade_id=row.regrade_id,
        applied_at=row.applied_at,
        verdict=Verdict(row.verdict),
        score=row.score,
        points_possible=row.points_possible,
        questions=tuple(QuestionScore(*score) for score in scores),
        flags=tuple(json.loads(row.flags)),
        student_text=row.student_text,
        staff_text=row.staff_text,
        log_tail=row.log_tail,
        started_at=row.started_at,
        finished_at=row.finished_at,
        wall_s=row.wall_s,
        peak_memory_bytes=row.peak_memory_bytes,
        autograder_sha256=row.autograder_sha256,
        image_id=row.image_id,
        otter_version=row.otter_version,
        sandbox=row.sandbox,
        tries=row.tries,
    )
