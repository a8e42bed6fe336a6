"""The entries' envelopes: one payload model per action.

Server, console, command line, grader and audit all read and write these models and no other. An
envelope is what `envelope.json` in an entry's directory holds.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from shared.model import storable_text
from shared.requests.entries import AcceptFlaggedPayload, DiscardPayload, RetryPayload
from shared.requests.grades import ExtendPayload, Extension, OverridePayload, RecomputePayload
from shared.requests.passback import (
    AssignmentSelection,
    PostDismissPayload,
    PostHoldPayload,
    PostReconcilePayload,
    PostReleasePayload,
    PostRetryPayload,
    PostSendPayload,
    PostTestPayload,
    RosterImportPayload,
    RosterRow,
    Selection,
)
from shared.requests.payload import Digest, EntryId, Moment, Name
from shared.requests.publishing import PublishPayload
from shared.requests.regrades import (
    Choice,
    RegradeApplyPayload,
    RegradeCancelPayload,
    RegradeStartPayload,
)
from shared.requests.submission import NOTEBOOK_NAME, Source, SubmitPayload

__all__ = [
    "NOTEBOOK_NAME",
    "AcceptFlaggedPayload",
    "AnyEnvelope",
    "AssignmentSelection",
    "Choice",
    "Digest",
    "DiscardPayload",
    "EntryId",
    "Envelope",
    "ExtendPayload",
    "Extension",
    "Name",
    "OverridePayload",
    "PostDismissPayload",
    "PostHoldPayload",
    "PostReconcilePayload",
    "PostReleasePayload",
    "PostRetryPayload",
    "PostSendPayload",
    "PostTestPayload",
    "PublishPayload",
    "RecomputePayload",
    "RegradeApplyPayload",
    "RegradeCancelPayload",
    "RegradeStartPayload",
    "RetryPayload",
    "RosterImportPayload",
    "RosterRow",
    "Selection",
    "Source",
    "StaffPayload",
    "StaffRequest",
    "SubmitPayload",
]


def _storable(written: object) -> object:
    return storable_text(written) if isinstance(written, str) else written


class _Envelope(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    id: EntryId
    requested_by: Name
    received_at: Moment
    reason: Annotated[str, BeforeValidator(_storable)] = ""


class Envelope(_Envelope):
    """A submission: who sent what, and when. The notebook lies beside it."""

    action: Literal["submit"]
    payload: SubmitPayload


StaffPayload = (
    RetryPayload
    | DiscardPayload
    | AcceptFlaggedPayload
    | RegradeStartPayload
    | RegradeApplyPayload
    | RegradeCancelPayload
    | PostSendPayload
    | PostRetryPayload
    | PostDismissPayload
    | PostHoldPayload
    | PostReleasePayload
    | PostTestPayload
    | PostReconcilePayload
    | RosterImportPayload
    | OverridePayload
    | ExtendPayload
    | RecomputePayload
    | PublishPayload
)
"""What a request of staff may be about."""


class StaffRequest(_Envelope):
    """What staff ask for: who, what, when and why."""

    action: Literal[
        "retry",
        "discard",
        "accept_flagged",
        "regrade_start",
        "regrade_apply",
        "regrade_cancel",
        "post_send",
        "post_retry",
        "post_dismiss",
        "post_hold",
        "post_release",
        "post_test",
        "post_reconcile",
        "roster_import",
        "override",
        "extend",
        "recompute",
        "publish",
    ]
    payload: Annotated[StaffPayload, Field(discriminator="action")]

    @model_validator(mode="after")
    def _is_what_it_says(self) -> Self:
        if self.payload.action != self.action:
            raise ValueError("the payload belongs to another action")
        return self


AnyEnvelope = Annotated[Envelope | StaffRequest, Field(discriminator="action")]
"""What `envelope.json` may hold."""
