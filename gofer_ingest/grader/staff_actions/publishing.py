"""When students see results of an assignment: staff's word, in place of the course config's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gofer_ingest.grader.staff_actions.answer import Answer, Means
from shared.errors import UnknownAssignment
from shared.gradebook.staff_requests import Outcome
from shared.model import PublishRule, utc_now

if TYPE_CHECKING:
    from shared.requests import PublishPayload, StaffRequest


def publish(means: Means, _request: StaffRequest, payload: PublishPayload) -> Answer:
    """Say what is in force from now on; the request's own row is what says so."""
    try:
        written = means.catalogue.find(payload.key).publish
    except UnknownAssignment:
        return Answer(Outcome.REFUSED, f"The catalogue has no {payload.key}.")
    if payload.publish is None:
        return Answer(Outcome.DONE, f"As the course config says: {_told(written)}")
    return Answer(Outcome.DONE, _told(payload.publish))


def _told(rule: PublishRule) -> str:
    if rule.is_published(utc_now()):
        return "Students see results."
    if rule.starts_at is None:
        return "Students see no results until you publish them."
    return f"Students see results from {rule.starts_at:%Y-%m-%d %H:%M} UTC on."
