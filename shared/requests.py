"""The entries' envelopes: one payload model per action.

Server, console, command line, grader and audit all read and write these models and no other. An
envelope is what `envelope.json` in an entry's directory holds.
"""

from __future__ import annotations

import enum
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from shared.model import AssignmentKey, Sha256, SubmissionId, opaque_name

Name = Annotated[str, AfterValidator(opaque_name)]
"""The name of a student, course, section or assignment."""

Digest = Annotated[Sha256, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

EntryId = Annotated[
    SubmissionId,
    StringConstraints(
        pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
    ),
]
"""A lower-case UUIDv7; also the only text that is ever used as an entry's directory name."""

NOTEBOOK_NAME = "submission.ipynb"
"""The name under which an entry keeps its notebook."""


class Source(enum.StrEnum):
    """By which door a submission came in."""

    HUB = "hub"
    SIGNED = "signed"
    DEV = "dev"
    BATCH = "batch"
    CLI = "cli"
    CONSOLE = "console"
    CLASSIC = "classic"


class _Payload(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class SubmitPayload(_Payload):
    """A student's notebook; its bytes lie beside the envelope as `submission.ipynb`.

    Attributes:
        student: as the identity adapter verified it.
        sha256: of the stored notebook's bytes.
        size_bytes: of the stored notebook.
    """

    action: Literal["submit"] = "submit"
    student: Name
    course: Name
    section: Name
    assignment: Name
    sha256: Digest
    size_bytes: Annotated[int, Field(ge=0)]
    source: Source

    @property
    def key(self) -> AssignmentKey:
        """Which assignment the notebook is for."""
        return AssignmentKey(self.course, self.section, self.assignment)


class RetryPayload(_Payload):
    """Grade a buried entry again, with all its tries.

    Attributes:
        entry: which one; it lies in `failed/`.
    """

    action: Literal["retry"] = "retry"
    entry: EntryId


class DiscardPayload(_Payload):
    """Give a buried entry up: it goes to the archive without a grade.

    Attributes:
        entry: which one; it lies in `failed/`.
    """

    action: Literal["discard"] = "discard"
    entry: EntryId


class _Envelope(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    id: EntryId
    requested_by: Name
    received_at: AwareDatetime
    reason: str = ""


class Envelope(_Envelope):
    """A submission: who sent what, and when. The notebook lies beside it."""

    action: Literal["submit"]
    payload: SubmitPayload


class StaffRequest(_Envelope):
    """What staff ask for: who, what, when and why."""

    action: Literal["retry", "discard"]
    payload: Annotated[RetryPayload | DiscardPayload, Field(discriminator="action")]

    @model_validator(mode="after")
    def _is_what_it_says(self) -> Self:
        if self.payload.action != self.action:
            raise ValueError("the payload belongs to another action")
        return self


AnyEnvelope = Annotated[Envelope | StaffRequest, Field(discriminator="action")]
"""What `envelope.json` may hold."""
