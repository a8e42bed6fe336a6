"""What every payload is made of: names, digests and ids as envelopes hold them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, StringConstraints

from shared.model import AssignmentKey, Sha256, SubmissionId, moment_in_utc, opaque_name

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


Moment = Annotated[AwareDatetime, AfterValidator(moment_in_utc)]
"""An aware time in UTC that the gradebook can keep: 9999-12-31T23:59:59-08:00 is none."""


class Payload(BaseModel):
    """What an envelope's action needs to know."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class OfAssignment(Payload):
    """A payload that is about one assignment."""

    course: Name
    section: Name
    assignment: Name

    @property
    def key(self) -> AssignmentKey:
        """Which assignment it is about."""
        return AssignmentKey(self.course, self.section, self.assignment)
