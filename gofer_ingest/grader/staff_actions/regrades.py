"""Regrades: started, applied, cancelled. Their runs are `gofer_ingest.grader.regrading`'s."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gofer_ingest.grader.staff_actions.answer import Answer, Means
from shared.catalogue import zip_sha256
from shared.errors import UnknownAssignment
from shared.gradebook.regrades.ending import apply_regrade, cancel_regrade
from shared.gradebook.regrades.starting import start_regrade
from shared.gradebook.staff_requests import Outcome

if TYPE_CHECKING:
    from shared.catalogue import Catalogue
    from shared.grade_policy import GradePolicy
    from shared.model import AssignmentKey
    from shared.requests import (
        RegradeApplyPayload,
        RegradeCancelPayload,
        RegradeStartPayload,
        StaffRequest,
    )


def start(means: Means, request: StaffRequest, payload: RegradeStartPayload) -> Answer:
    """Choose and freeze what is graded again."""
    try:
        assignment = means.catalogue.find(payload.key)
    except UnknownAssignment:
        return Answer(Outcome.REFUSED, f"The catalogue no longer has {payload.key}.")
    present_zip = zip_sha256(assignment)
    if present_zip is None:
        return Answer(
            Outcome.REFUSED, f"The autograder zip {assignment.autograder_zip} cannot be read."
        )
    return Answer(*start_regrade(means.gradebook, request, payload, present_zip))


def apply(means: Means, request: StaffRequest, payload: RegradeApplyPayload) -> Answer:
    """Let a regrade count, if it still does what was shown."""
    return Answer(
        *apply_regrade(means.gradebook, request, payload, lambda key: _policy(means.catalogue, key))
    )


def cancel(means: Means, request: StaffRequest, payload: RegradeCancelPayload) -> Answer:
    """Give a regrade up."""
    return Answer(*cancel_regrade(means.gradebook, request, payload))


def _policy(catalogue: Catalogue, key: AssignmentKey) -> GradePolicy | None:
    try:
        return catalogue.find(key).policy
    except UnknownAssignment:
        return None
