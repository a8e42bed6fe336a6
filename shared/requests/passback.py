"""What staff may ask for about the grades that go to the LMS, and about who students are there."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    model_serializer,
    model_validator,
)

from shared.requests.payload import Name, Payload


class Selection(Payload):
    """Which grades staff mean: those that fit all that is named.

    Attributes:
        every: all there are; it has to be said where nothing is named.
    """

    course: Name | None = None
    section: Name | None = None
    assignment: Name | None = None
    student: Name | None = None
    every: bool = False

    @model_validator(mode="after")
    def _means_some(self) -> Self:
        if not self.every and not any((self.assignment, self.student, self.course, self.section)):
            raise ValueError("say which grades, or all of them")
        return self


class AssignmentSelection(Selection):
    """Which assignments staff mean."""

    @model_validator(mode="after")
    def _means_whole_assignments(self) -> Self:
        if self.student is not None:
            raise ValueError("this is about whole assignments, not about one student")
        return self


class PostSendPayload(Selection):
    """Send grades to the LMS now: what is held, what failed, and what it has already."""

    action: Literal["post_send"] = "post_send"


class PostRetryPayload(Selection):
    """Send those again that failed, and look again at those that are parked."""

    action: Literal["post_retry"] = "post_retry"


class PostDismissPayload(Selection):
    """Send those no more that failed or are parked: somebody saw to them, or nobody will.

    The next other grade of the same student goes its way.
    """

    action: Literal["post_dismiss"] = "post_dismiss"


class PostHoldPayload(AssignmentSelection):
    """Keep the grades of assignments from the LMS from now on."""

    action: Literal["post_hold"] = "post_hold"


class PostReleasePayload(AssignmentSelection):
    """Let the grades of assignments go to the LMS from now on."""

    action: Literal["post_release"] = "post_release"


class PostTestPayload(AssignmentSelection):
    """Try whether the LMS of assignments lets us in, without changing a grade."""

    action: Literal["post_test"] = "post_test"


class PostReconcilePayload(Selection):
    """Ask the LMS what it holds, and note where that is something else."""

    action: Literal["post_reconcile"] = "post_reconcile"


_Said = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=2048, pattern=r"^[^\x00-\x1f]+$"
    ),
]


class RosterRow(Payload):
    """What staff say of one student; what is left out stays as it was.

    Attributes:
        student: the name here.
        course: where it is about one course alone.
        assignment: where it is about one assignment alone, as a launch is.
        user_id: the LMS's id of the student by LTI 1.3, `sub`.
        user_id_lti11: the LMS's id by LTI 1.1.
        lis_result_sourcedid: of a launch.
        lis_outcome_service_url: of the same launch.
        name: for people.
        email: for people.
        section: for people.
        login: what the student signs in to the LMS with, where that is not the name here.
        id_number: the student's number at the school.
        lms_user_id: the LMS's own number for the student, digits; never that of LTI.
    """

    student: Name
    course: Name | None = None
    assignment: Name | None = None
    user_id: _Said | None = None
    user_id_lti11: _Said | None = None
    lis_result_sourcedid: Annotated[_Said | None, Field(repr=False)] = None
    lis_outcome_service_url: Annotated[
        _Said | None, Field(pattern=r"^https?://[^\s/]+/?[^\s]*$")
    ] = None
    name: _Said | None = None
    email: _Said | None = None
    section: _Said | None = None
    login: _Said | None = None
    id_number: _Said | None = None
    lms_user_id: Annotated[_Said | None, Field(pattern=r"^[0-9]{1,20}$")] = None

    @model_serializer(mode="wrap")
    def _what_is_said(self, whole: SerializerFunctionWrapHandler) -> dict[str, str]:
        # Most columns are empty in most rows, and one envelope has to hold them all.
        return {name: value for name, value in whole(self).items() if value is not None}


class RosterImportPayload(Payload):
    """The rows of a roster file, all of it: it is taken whole or not at all.

    Attributes:
        file: its name, for the record.
        part: which part of the file this is, from 1; requests of before came in several.
        parts: how many there are.
    """

    action: Literal["roster_import"] = "roster_import"
    file: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    part: Annotated[int, Field(ge=1)] = 1
    parts: Annotated[int, Field(ge=1)] = 1
    rows: Annotated[tuple[RosterRow, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_the_assignment_of_launches(self) -> Self:
        for row in self.rows:
            if row.lis_result_sourcedid is not None and row.assignment is None:
                raise ValueError("a lis_result_sourcedid is of one assignment: name it")
        return self
