"""Grades of an assignment, made anew by the rules that the catalogue has now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gofer_ingest.grader.staff_actions.answer import Answer, Means
from shared.errors import UnknownAssignment
from shared.gradebook.recompute import recompute_assignment
from shared.gradebook.staff_requests import Outcome

if TYPE_CHECKING:
    from shared.requests import RecomputePayload, StaffRequest


def recompute(means: Means, request: StaffRequest, payload: RecomputePayload) -> Answer:
    """Make them anew, all or none."""
    key = payload.key
    try:
        policy = means.catalogue.find(key).policy
    except UnknownAssignment:
        return Answer(Outcome.REFUSED, f"The catalogue no longer has {key}.")
    message = recompute_assignment(means.gradebook, request, key, policy, _told)
    return Answer(Outcome.DONE, message)


def _told(changed: int) -> str:
    if not changed:
        return "No grade changed."
    return f"{changed} grade{'s' * (changed != 1)} changed."
