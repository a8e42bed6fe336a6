"""What the grader records: grading runs and what they came from, and inspected autograder zips.

One run is one transaction. Killed anywhere, either all of it is in the gradebook or nothing; told
so by `is_recorded`, the grader only moves an entry whose run is there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter
from sqlalchemy import and_, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from shared.errors import AlreadyRecorded, GradebookError
from shared.gradebook import tables
from shared.gradebook.grades import recompute_grade
from shared.gradebook.transactions import reading, writing
from shared.model import AutograderSpec, RunReason, utc_now

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Engine

    from shared.grade_policy import GradePolicy
    from shared.model import GradingResult, RunId, Sha256, SubmissionId
    from shared.requests import Envelope

_SPEC: Final = TypeAdapter(AutograderSpec)


@dataclass(frozen=True, slots=True)
class GradingRun:
    """One execution of one autograder zip on one submission, ended.

    Attributes:
        run_id: of this execution.
        reason: why it was made.
        started_at: when the sandbox was given the job, aware.
        finished_at: when its answer was decided, aware.
        result: how it ended.
        autograder_sha256: of the zip.
        image_id: what it was graded in.
        sandbox: the adapter's name, `docker` or `process`.
        tries: how often the machinery started a run for this entry, this one included; ≥ 1.
        regrade_id: of the regrade it belongs to, exactly when `reason` is `regrade`.
    """

    run_id: RunId
    reason: RunReason
    started_at: datetime
    finished_at: datetime
    result: GradingResult
    autograder_sha256: Sha256
    image_id: str
    sandbox: str
    tries: int
    regrade_id: str | None = None

    def __post_init__(self) -> None:
        if (self.regrade_id is not None) != (self.reason is RunReason.REGRADE):
            raise ValueError("a run belongs to a regrade exactly when that is its reason")


def record_run(engine: Engine, envelope: Envelope, run: GradingRun, policy: GradePolicy) -> None:
    """Record a run in one transaction: its submission, itself, its questions, the grade of record.

    An initial run counts from now on. A regrade's counts when the regrade is applied, and until
    then changes no grade.

    Args:
        engine: the writer's.
        envelope: of the submission.
        run: what was done.
        policy: how the assignment's grades are made.

    Raises:
        AlreadyRecorded: the submission has its initial run, or its run of this regrade. Nothing
            was changed.
        GradebookError: the database refused, busy or full for instance. Unless it was the commit
            itself that failed, nothing was changed; recording it again is safe in every case.
    """
    now = utc_now()
    payload = envelope.payload
    try:
        with writing(engine, "record a grading run") as connection:
            _insert_submission(connection, envelope)
            insert_run(connection, envelope.id, run, now)
            if run.reason is RunReason.INITIAL:
                recompute_grade(connection, payload.student, payload.key, policy, now)
    except GradebookError as error:
        # The index refused it, whoever else was recording; this only tells which rule it was.
        if isinstance(error.__cause__, IntegrityError) and _is_there(engine, envelope.id, run):
            raise AlreadyRecorded from error
        raise


def is_recorded(engine: Engine, submission_id: SubmissionId) -> bool:
    """Tell whether the initial run of a submission is in the gradebook.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    runs = tables.grading_runs.c
    return _any_run(
        engine, runs.submission_id == submission_id, runs.reason == RunReason.INITIAL.value
    )


def record_autograder(engine: Engine, spec: AutograderSpec, image_id: str) -> None:
    """Record what inspecting a zip in an image found, in place of what was found there before.

    Raises:
        GradebookError: the database refused; nothing was recorded.
    """
    autograders = tables.autograders
    found = {
        "spec": _SPEC.dump_json(spec).decode(),
        "problems": json.dumps(spec.problems, ensure_ascii=False),
        "recorded_at": utc_now(),
    }
    with writing(engine, "record an autograder zip") as connection:
        changed = connection.execute(
            update(autograders)
            .where(autograders.c.sha256 == spec.sha256, autograders.c.image_id == image_id)
            .values(found)
        )
        if not changed.rowcount:
            connection.execute(
                insert(autograders).values(sha256=spec.sha256, image_id=image_id, **found)
            )


def insert_run(
    connection: Connection, submission_id: SubmissionId, run: GradingRun, now: datetime
) -> None:
    """Add the rows of a run, as part of the transaction that records it."""
    connection.execute(insert(tables.grading_runs).values(_run_values(submission_id, run, now)))
    _insert_questions(connection, run)


def _insert_submission(connection: Connection, envelope: Envelope) -> None:
    submissions = tables.submissions
    if connection.scalar(select(submissions.c.id).where(submissions.c.id == envelope.id)):
        return
    payload = envelope.payload
    connection.execute(
        insert(submissions).values(
            id=envelope.id,
            student=payload.student,
            course=payload.course,
            section=payload.section,
            assignment=payload.assignment,
            received_at=envelope.received_at,
            received_epoch=str(envelope.received_at.timestamp()),
            sha256=payload.sha256,
            size_bytes=payload.size_bytes,
            source=payload.source.value,
            requested_by=envelope.requested_by,
            reason=envelope.reason,
        )
    )


def _run_values(submission_id: SubmissionId, run: GradingRun, now: datetime) -> dict[str, Any]:
    result = run.result
    return {
        "id": run.run_id,
        "submission_id": submission_id,
        "reason": run.reason.value,
        "regrade_id": run.regrade_id,
        "applied_at": now if run.reason is RunReason.INITIAL else None,
        "verdict": result.verdict.value,
        "score": None if result.score is None else result.score.points,
        "points_possible": None if result.score is None else result.score.possible,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "autograder_sha256": run.autograder_sha256,
        "image_id": run.image_id,
        "otter_version": result.otter_version,
        "sandbox": run.sandbox,
        "tries": run.tries,
        "flags": json.dumps(sorted(result.flags), ensure_ascii=False),
        "student_text": result.student_text,
        "staff_text": result.staff_text,
        "log_tail": result.log_tail,
        "wall_s": result.wall_s,
        "peak_memory_bytes": result.peak_memory_bytes,
    }


def _insert_questions(connection: Connection, run: GradingRun) -> None:
    rows = [
        {
            "run_id": run.run_id,
            "question": question.question,
            "score": question.score,
            "points_possible": question.points_possible,
            "position": position,
        }
        for position, question in enumerate(run.result.questions)
    ]
    if rows:
        connection.execute(insert(tables.question_scores), rows)


def _is_there(engine: Engine, submission_id: SubmissionId, run: GradingRun) -> bool:
    runs = tables.grading_runs.c
    of_regrade = (
        runs.regrade_id.is_(None) if run.regrade_id is None else runs.regrade_id == run.regrade_id
    )
    same_run = and_(runs.submission_id == submission_id, of_regrade)
    return _any_run(engine, or_(runs.id == run.run_id, same_run))


def _any_run(engine: Engine, *conditions: ColumnElement[bool]) -> bool:
    with reading(engine, "be read") as connection:
        return (
            connection.scalar(select(tables.grading_runs.c.id).where(*conditions).limit(1))
            is not None
        )
