"""One grading run.

From an entry in the spool to a recorded result. The worker calls it in a thread.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gofer_ingest.grader.decide import LONGEST_PAUSE_S, back_off_s
from gofer_ingest.grader.notebooks import InvalidNotebook, without_outputs
from gofer_ingest.grader.results import conclude, invalid_notebook
from gofer_ingest.grader.sandbox import Job, RawResult, Sandbox
from gofer_ingest.grader.tally import Tally
from shared.errors import (
    AlreadyRecorded,
    AssignmentBlocked,
    GradebookError,
    UnknownAssignment,
)
from shared.gradebook.record import GradingRun, is_recorded, record_run
from shared.model import RunReason, new_run_id, utc_now

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from gofer_ingest.grader.autograders import Autograder, Autograders
    from shared.catalogue import Assignment, Catalogue
    from shared.model import AssignmentKey, AttemptsPolicy, GradingResult, RunId, SubmissionId
    from shared.requests import Envelope
    from shared.spool import Spool

log = logging.getLogger(__name__)

RECORD_WITHIN_S: Final = 900.0
"""How long a result waits for its gradebook before the run counts as failed."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What a run needs, made once by the process.

    Once `abandoned` is set, what a sandbox answers is no longer believed: the process is about to
    take the sandboxes away from under their runs, and that must not look like a student's crash.
    """

    spool: Spool
    catalogue: Catalogue
    autograders: Autograders
    sandbox: Sandbox
    gradebook: Engine
    max_tries: int
    abandoned: threading.Event = field(default_factory=threading.Event)
    tally: Tally = field(default_factory=Tally)


class RunAbandoned(Exception):
    """The grader is stopping and did not wait for this run; the entry stays pending."""


class TriesUsedUp(Exception):
    """The grader went down with this entry in hand as often as it may."""


def grade_entry(tools: Tools, entry_id: SubmissionId) -> None:
    """Grade one entry and settle it.

    Everything that can fail without the notebook comes before the try is counted, so that a sick
    engine or a blocked assignment uses up nobody's tries.

    Raises:
        RunAbandoned: the process is stopping.
        TriesUsedUp: earlier tries never came to an end.
        AssignmentBlocked: staff have to mend the assignment first.
        GoferError: our machinery failed; nothing was recorded.
    """
    entry = tools.spool.read(entry_id)
    if is_recorded(tools.gradebook, entry_id):
        # killed between recording and settling
        tools.spool.settle(entry_id)
        return
    if tools.spool.tries(entry_id) >= tools.max_tries:
        raise TriesUsedUp
    envelope = entry.envelope
    payload = envelope.payload
    with tools.tally.noting_blocks(payload.key):
        assignment = _assignment(tools.catalogue, payload.key)
        autograder = tools.autograders.ready(assignment)
    stored = entry.notebook()
    started_at = utc_now()
    run_id = new_run_id()
    try:
        notebook = without_outputs(stored)
    except InvalidNotebook as problem:
        tries = tools.spool.begin_try(entry_id)
        result = invalid_notebook(str(problem))
    else:
        job = Job(run_id, notebook, autograder.data, assignment.limits)
        tries, raw_result = _run(tools, entry_id, autograder, job)
        result = conclude(raw_result, autograder.spec, assignment.limits)
    run = GradingRun(
        run_id=run_id,
        reason=RunReason.INITIAL,
        started_at=started_at,
        finished_at=utc_now(),
        result=result,
        autograder_sha256=autograder.spec.sha256,
        image_id=autograder.image_id,
        sandbox=tools.sandbox.name,
        tries=tries,
    )
    _record(tools, envelope, run, assignment.attempts)
    tools.spool.settle(entry_id)
    tools.tally.ran(payload.key, (run.finished_at - run.started_at).total_seconds())
    _tell(entry_id, run_id, result)


def _record(tools: Tools, envelope: Envelope, run: GradingRun, attempts: AttemptsPolicy) -> None:
    """Record a result, with patience: a gradebook that is locked must not cost a run its result.

    Meanwhile the thread takes no other entry, so nothing piles up behind a sick gradebook.

    Raises:
        RunAbandoned: the process is stopping.
        GradebookError: it could not be recorded for `RECORD_WITHIN_S`.
    """
    deadline = time.monotonic() + RECORD_WITHIN_S
    for failures in itertools.count(1):
        try:
            record_run(tools.gradebook, envelope, run, attempts)
        except AlreadyRecorded:
            log.warning(
                "A run was recorded before; this result is dropped",
                extra={
                    "action": "already_recorded",
                    "submission_id": envelope.id,
                    "run_id": run.run_id,
                },
            )
        except GradebookError as error:
            if time.monotonic() > deadline:
                raise
            log.warning(
                "A result cannot be recorded yet",
                extra={
                    "action": "record_waits",
                    "submission_id": envelope.id,
                    "run_id": run.run_id,
                    "reason": str(error),
                },
            )
            if tools.abandoned.wait(min(back_off_s(failures, 0.5), LONGEST_PAUSE_S)):
                raise RunAbandoned from error
            continue
        return


def _assignment(catalogue: Catalogue, key: AssignmentKey) -> Assignment:
    try:
        return catalogue.find(key)
    except UnknownAssignment as error:
        raise AssignmentBlocked(f"The catalogue no longer has {key}.") from error


def _run(
    tools: Tools, entry_id: SubmissionId, autograder: Autograder, job: Job
) -> tuple[int, RawResult]:
    slot = tools.sandbox.prepare(autograder.image, job.limits, job.run_id)
    try:
        tries = tools.spool.begin_try(entry_id)
    except BaseException:
        slot.discard()
        raise
    raw = tools.sandbox.run(slot, job)
    if tools.abandoned.is_set():
        raise RunAbandoned
    return tries, raw


def _tell(entry_id: SubmissionId, run_id: RunId, result: GradingResult) -> None:
    log.info(
        "A submission was graded",
        extra={
            "action": "run_recorded",
            "submission_id": entry_id,
            "run_id": run_id,
            "verdict": result.verdict,
            "score": result.score.points if result.score else None,
            "wall_s": round(result.wall_s, 3),
        },
    )
