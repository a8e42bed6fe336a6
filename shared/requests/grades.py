"""What staff may ask for about grades of record: overrides, extensions, recomputing."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from shared.requests.payload import Moment, Name, OfAssignment, Payload

_Points = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
_Comment = Annotated[str, StringConstraints(max_length=4000)]

MOST_EXTENSIONS = 10_000
"""In one request."""


class OverridePayload(OfAssignment):
    """Let a score of staff's be a student's grade, or restore the autograde beneath.

    Attributes:
        score: in points; None restores the autograde.
        points_possible: out of how many; None takes what the present grade is out of.
        comment: what the student is told.
    """

    action: Literal["override"] = "override"
    student: Name
    score: _Points | None
    points_possible: _Points | None = None
    comment: _Comment = ""

    @model_validator(mode="after")
    def _has_a_score_for_its_points(self) -> Self:
        if self.score is None and self.points_possible is not None:
            raise ValueError("restoring the autograde needs no points")
        return self


class Extension(OfAssignment):
    """A new due date for one student and assignment; it may also be earlier.

    Attributes:
        until: takes the place of the assignment's due date.
    """

    student: Name
    until: Moment


class ExtendPayload(Payload):
    """Give students new due dates: all of them, or none where one cannot be.

    Attributes:
        extensions: one for each student and assignment.
    """

    action: Literal["extend"] = "extend"
    extensions: Annotated[tuple[Extension, ...], Field(min_length=1, max_length=MOST_EXTENSIONS)]

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        places = {(extension.student, extension.key) for extension in self.extensions}
        if len(places) != len(self.extensions):
            raise ValueError("a student and assignment is there twice")
        return self


class RecomputePayload(OfAssignment):
    """Make the grades of an assignment anew, by the rules that the catalogue has now."""

    action: Literal["recompute"] = "recompute"
