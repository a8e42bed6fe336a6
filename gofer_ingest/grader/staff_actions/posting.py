"""Grades on their way to the LMS: sent, held, looked after; and the roster that says where to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gofer_ingest.grader.passback.trial import try_all
from gofer_ingest.grader.staff_actions.answer import Answer, Means
from shared.gradebook import outbox_requests, roster
from shared.gradebook.staff_requests import Outcome
from shared.lti.port import Answer as LmsSays

if TYPE_CHECKING:
    from shared.model import AssignmentKey
    from shared.requests import (
        AssignmentSelection,
        PostDismissPayload,
        PostHoldPayload,
        PostReconcilePayload,
        PostReleasePayload,
        PostRetryPayload,
        PostSendPayload,
        PostTestPayload,
        RosterImportPayload,
        StaffRequest,
    )

_NONE_POSTED = Answer(Outcome.REFUSED, "No assignment fits whose grades go to an LMS.")


def send(means: Means, request: StaffRequest, payload: PostSendPayload) -> Answer:
    """Send grades, whatever holds them."""
    _resume(means)
    return Answer(*outbox_requests.send(means.gradebook, request, payload, _posted(means)))


def retry(means: Means, request: StaffRequest, payload: PostRetryPayload) -> Answer:
    """Send those again that failed or are parked."""
    _resume(means)
    return Answer(*outbox_requests.retry(means.gradebook, request, payload, _posted(means)))


def dismiss(means: Means, request: StaffRequest, payload: PostDismissPayload) -> Answer:
    """Let those be that failed or are parked."""
    return Answer(*outbox_requests.dismiss(means.gradebook, request, payload))


def hold(means: Means, request: StaffRequest, payload: PostHoldPayload) -> Answer:
    """Keep the grades of assignments back from now on."""
    return _set_hold(means, request, payload, is_held=True)


def release(means: Means, request: StaffRequest, payload: PostReleasePayload) -> Answer:
    """Let the grades of assignments go from now on."""
    return _set_hold(means, request, payload, is_held=False)


def test(means: Means, request: StaffRequest, payload: PostTestPayload) -> Answer:
    """Try whether the LMSs let us in."""
    del request
    keys = set(_keys(means, payload))
    lanes = [] if means.passback is None else means.passback.lanes
    tried = try_all([lane for lane in lanes if keys & set(lane.keys)])
    if not tried:
        return _NONE_POSTED
    _resume(means)
    is_well = all(answer.answer is LmsSays.ARRIVED for _, answer in tried)
    message = " ".join(f"{lane.name}: {answer.text}" for lane, answer in tried)
    return Answer(Outcome.DONE if is_well else Outcome.REFUSED, message)


def reconcile(means: Means, request: StaffRequest, payload: PostReconcilePayload) -> Answer:
    """Have the LMSs asked what they hold."""
    return Answer(*outbox_requests.ask_to_read(means.gradebook, request, payload))


def import_roster(means: Means, request: StaffRequest, payload: RosterImportPayload) -> Answer:
    """Add rows to the roster; what waited for them is sent."""
    rows = len(payload.rows)
    part = f" (part {payload.part} of {payload.parts})" if payload.parts > 1 else ""
    message = f"{payload.file}{part}: {rows} row{'s' * (rows != 1)} taken."
    return Answer(Outcome.DONE, roster.import_rows(means.gradebook, request, payload, message))


def _set_hold(
    means: Means, request: StaffRequest, payload: AssignmentSelection, *, is_held: bool
) -> Answer:
    keys = _keys(means, payload)
    if not keys:
        return _NONE_POSTED
    return Answer(*outbox_requests.set_hold(means.gradebook, request, keys, is_held=is_held))


def _posted(means: Means) -> set[AssignmentKey]:
    return {one.key for one in means.catalogue if one.passback is not None}


def _keys(means: Means, payload: AssignmentSelection) -> list[AssignmentKey]:
    return [
        key
        for key in sorted(_posted(means))
        if all(
            wanted is None or wanted == getattr(key, name)
            for name in ("course", "section", "assignment")
            for wanted in [getattr(payload, name)]
        )
    ]


def _resume(means: Means) -> None:
    if means.passback is not None:
        means.passback.resume()
