"""One grading run.

From a notebook to a result; and for an entry in the spool, from there to a recorded result. The
worker calls it in a thread.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from gofer_ingest.grader.decide import LONGEST_PAUSE_S, back_off_s
from gofer_ingest.grader.notebooks import InvalidNotebook, without_outputs
from gofer_ingest.grader.results import conclude, invalid_notebook
from gofer_ingest.grader.sandbox import Job, RawResult, Sandbox, Slot
from gofer_ingest.grader.suspicion import staff_sentences, suspicions
from gofer_ingest.grader.tally import Tally
from shared.errors import (
    AlreadyRecorded,
    AssignmentBlocked,
    GradebookError,
    UnknownAssignment,
)
from shared.gradebook.record import GradingRun, is_recorded, record_run
from shared.model import FLAG_SUSPICIOUS_SOURCE, RunReason, new_run_id, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from gofer_ingest.grader.autograders import Autograder, Autograders
    from gofer_ingest.grader.passback.loop import PassbackLoop
    from gofer_ingest.grader.suspicion import Suspicion
    from shared.catalogue import Assignment, Catalogue
    from shared.model import AssignmentKey, GradingResult, Limits, RegradeId, SubmissionId
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
    passback: PassbackLoop | None = None


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
        assignment = assignment_of(tools.catalogue, payload.key)
        autograder = tools.autograders.ready(assignment)
    run = run_notebook(
        tools,
        entry.notebook(),
        assignment,
        autograder,
        begin_try=partial(tools.spool.begin_try, entry_id),
    )
    with_patience(
        tools,
        entry_id,
        run,
        lambda: record_run(tools.gradebook, envelope, run, assignment.policy),
    )
    if tools.passback is not None:
        tools.passback.ring()
    tools.spool.settle(entry_id)
    tools.tally.ran(payload.key, (run.finished_at - run.started_at).total_seconds())
    tell_run(entry_id, run)


def run_notebook(
    tools: Tools,
    stored: bytes,
    assignment: Assignment,
    autograder: Autograder,
    *,
    begin_try: Callable[[], int],
    regrade_id: RegradeId | None = None,
) -> GradingRun:
    """Grade a notebook.

    Args:
        tools: of the process.
        stored: the notebook as it was received.
        assignment: by whose limits.
        autograder: with what.
        begin_try: counts a try, durably, and returns its number; called once all is ready.
        regrade_id: of the regrade that it is for; None for a submission's first run.

    Raises:
        RunAbandoned: the process is stopping.
        GoferError: our machinery failed.
    """
    started_at = utc_now()
    try:
        notebook = without_outputs(stored)
    except InvalidNotebook as problem:
        run_id = new_run_id()
        tries = begin_try()
        result = invalid_notebook(str(problem))
    else:
        slot, tries = _slot(tools, autograder, assignment.limits, begin_try)
        run_id = slot.run_id
        raw_result = _run(tools, slot, Job(run_id, notebook, autograder.data, assignment.limits))
        result = _with_suspicions(
            conclude(raw_result, autograder.spec, assignment.limits), suspicions(notebook)
        )
    return GradingRun(
        run_id=run_id,
        reason=RunReason.INITIAL if regrade_id is None else RunReason.REGRADE,
        started_at=started_at,
        finished_at=utc_now(),
        result=result,
        autograder_sha256=autograder.spec.sha256,
        image_id=autograder.image_id,
        sandbox=tools.sandbox.name,
        tries=tries,
        regrade_id=regrade_id,
    )


def _with_suspicions(result: GradingResult, found: tuple[Suspicion, ...]) -> GradingResult:
    if not found:
        return result
    return replace(
        result,
        flags=result.flags | {FLAG_SUSPICIOUS_SOURCE},
        staff_text=f"{result.staff_text} {staff_sentences(found)}".strip(),
    )


def with_patience(
    tools: Tools, submission_id: SubmissionId, run: GradingRun, record: Callable[[], object]
) -> None:
    """Record a result, with patience: a gradebook that is locked must not cost a run its result.

    Meanwhile the thread takes no other entry, so nothing piles up behind a sick gradebook.

    Raises:
        RunAbandoned: the process is stopping.
        GradebookError: it could not be recorded for `RECORD_WITHIN_S`.
    """
    deadline = time.monotonic() + RECORD_WITHIN_S
    for failures in itertools.count(1):
        try:
            record()
        except AlreadyRecorded:
            log.warning(
                "A run was recorded before; this result is dropped",
                extra={
                    "action": "already_recorded",
                    "submission_id": submission_id,
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
                    "submission_id": submission_id,
                    "run_id": run.run_id,
                    "reason": str(error),
                },
            )
            if tools.abandoned.wait(min(back_off_s(failures, 0.5), LONGEST_PAUSE_S)):
                raise RunAbandoned from error
            continue
        return


def assignment_of(catalogue: Catalogue, key: AssignmentKey) -> Assignment:
    """Return what is graded.

    Raises:
        AssignmentBlocked: the catalogue no longer has it.
    """
    try:
        return catalogue.find(key)
    except UnknownAssignment as error:
        raise AssignmentBlocked(f"The catalogue no longer has {key}.") from error


def _slot(
    tools: Tools, autograder: Autograder, limits: Limits, begin_try: Callable[[], int]
) -> tuple[Slot, int]:
    """Return a slot, and how often it was tried, this time included."""
    slot = tools.sandbox.prepare(autograder.image, limits, new_run_id())
    try:
        return slot, begin_try()
    except BaseException:
        slot.discard()
        raise


def _run(tools: Tools, slot: Slot, job: Job) -> RawResult:
    raw = tools.sandbox.run(slot, job)
    if tools.abandoned.is_set():
        raise RunAbandoned
    return raw


def tell_run(submission_id: SubmissionId, run: GradingRun) -> None:
    """Log that a run was recorded."""
    result = run.result
    extra: dict[str, Any] = {} if run.regrade_id is None else {"regrade_id": run.regrade_id}
    log.info(
        "A submission was graded",
        extra={
            "action": "run_recorded",
            "submission_id": submission_id,
            "run_id": run.run_id,
            "verdict": result.verdict,
            "score": result.score.points if result.score else None,
            "wall_s": round(result.wall_s, 3),
            **extra,
        },
    )
