"""Runs that are held for their flag: accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gofer_ingest.grader.staff_actions.answer import Answer, Means
from shared.errors import UnknownAssignment
from shared.gradebook.flagged import accept_run, held_run
from shared.gradebook.staff_requests import Outcome
from shared.model import RunId

if TYPE_CHECKING:
    from shared.requests import AcceptFlaggedPayload, StaffRequest


def accept(means: Means, request: StaffRequest, payload: AcceptFlaggedPayload) -> Answer:
    """Let a run count from now on."""
    run = held_run(means.gradebook, RunId(payload.run))
    if run is None:
        return Answer(Outcome.REFUSED, "No run of this id is held.")
    try:
        policy = means.catalogue.find(run.key).policy
    except UnknownAssignment:
        return Answer(Outcome.REFUSED, f"The catalogue no longer has {run.key}.")
    message = "Accepted: it counts from now on."
    accept_run(means.gradebook, request, run, policy, message)
    return Answer(Outcome.DONE, message)
