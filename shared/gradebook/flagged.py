"""Runs that carry a flag for staff to look at, and what staff decide on those that are held."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from shared.gradebook import tables
from shared.gradebook.grades import recompute_grade
from shared.gradebook.held import has_flag, is_held
from shared.gradebook.staff_requests import Outcome, insert_request
from shared.gradebook.transactions import reading, writing
from shared.model import (
    FLAG_SUSPICIOUS_SOURCE,
    FLAG_TAMPERED,
    AssignmentKey,
    RunId,
    Score,
    SubmissionId,
    utc_now,
)

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Engine, Row

    from shared.grade_policy import GradePolicy
    from shared.requests import StaffRequest


@dataclass(frozen=True, slots=True)
class FlaggedRun:
    """A run that counts, or would, and has a flag that is worth a look.

    Attributes:
        score: None where the run ended without one.
        flags: all of them, sorted.
        is_held: whether it counts only once staff accept it, and they have not.
        staff_text: what was found.
    """

    run_id: RunId
    submission_id: SubmissionId
    student: str
    key: AssignmentKey
    received_at: datetime
    score: Score | None
    flags: tuple[str, ...]
    is_held: bool
    staff_text: str


def flagged_runs(engine: Engine) -> tuple[FlaggedRun, ...]:
    """Return the runs of submissions that are flagged `tampered` or `suspicious_source`.

    Of each submission the latest applied run alone; those received first come first.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    return _runs(engine, or_(has_flag(FLAG_TAMPERED), has_flag(FLAG_SUSPICIOUS_SOURCE)))


def held_run(engine: Engine, run_id: RunId) -> FlaggedRun | None:
    """Return a run that is held; None where there is none of this id, or it is not held.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    found = _runs(engine, tables.grading_runs.c.id == run_id, is_held())
    return found[0] if found else None


def accept_run(
    engine: Engine, request: StaffRequest, run: FlaggedRun, policy: GradePolicy, message: str
) -> None:
    """Record that staff accepted a run, and choose the grade of record anew, in one transaction.

    Args:
        engine: the writer's.
        request: that asked for it.
        run: which.
        policy: how the assignment's grades are made.
        message: what staff are told.

    Raises:
        GradebookError: the database refused; nothing was recorded.
    """
    now = utc_now()
    with writing(engine, "accept a flagged run") as connection:
        insert_request(connection, request, Outcome.DONE, message, now)
        recompute_grade(connection, run.student, run.key, policy, now)


def _runs(engine: Engine, *conditions: ColumnElement[bool]) -> tuple[FlaggedRun, ...]:
    submissions, runs, counted = tables.submissions.c, tables.grading_runs, tables.counted_runs.c
    statement = (
        select(runs.c.id, runs.c.score, runs.c.points_possible, runs.c.flags, runs.c.staff_text)
        .add_columns(submissions.id.label("submission_id"), submissions.student)
        .add_columns(submissions.course, submissions.section, submissions.assignment)
        .add_columns(submissions.received_at, is_held().label("is_held"))
        .join_from(runs, tables.counted_runs, counted.run_id == runs.c.id)
        .join(tables.submissions, submissions.id == runs.c.submission_id)
        .where(*conditions)
        .order_by(submissions.id)
    )
    with reading(engine, "be read") as connection:
        return tuple(map(_flagged, connection.execute(statement)))


def _flagged(row: Row[Any]) -> FlaggedRun:
    return FlaggedRun(
        run_id=RunId(row.id),
        submission_id=SubmissionId(row.submission_id),
        student=row.student,
        key=AssignmentKey(row.course, row.section, row.assignment),
        received_at=row.received_at,
        score=None if row.score is None else Score(row.score, row.points_possible),
        flags=tuple(json.loads(row.flags)),
        is_held=bool(row.is_held),
        staff_text=row.staff_text,
    )
