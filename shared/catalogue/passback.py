"""How the grades of an assignment go to an LMS, as a course config file says it.

    [courses.stat20.passback]
    kind = "lti13"
    client_id = "gofer"
    token_url = "https://lms.example.edu/token"
    private_key_file = "/etc/gofer/lti-private.pem"
    line_items = "https://lms.example.edu/courses/20/lineitems"

It names the files of keys and secrets and never holds one; passback alone reads them.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictStr,
)

from shared.model import RateLimit

if TYPE_CHECKING:
    from pathlib import Path

    from shared.model import AssignmentKey


class Kind(enum.StrEnum):
    """How an LMS is spoken to."""

    LTI11 = "lti11"
    LTI13 = "lti13"


class Zeros(enum.StrEnum):
    """What becomes of a grade of no points."""

    SEND = "send"
    HOLD = "hold"


class Names(enum.StrEnum):
    """What the LMS knows a student by, where the roster does not say."""

    ROSTER = "roster"
    """Nothing else: who is not in the roster waits for it."""
    STUDENT = "student"
    """The student's name here is the LMS's id."""


@dataclass(frozen=True, slots=True)
class Passback:
    """How an assignment's grades are posted.

    Attributes:
        kind: how the LMS is spoken to.
        edx_url: of an edX; with `course_id` and `lms_id` it makes address and sourcedid.
        course_id: as edX calls the course.
        lms_id: as the LMS calls the assignment.
        service_url: of the outcomes service (LTI 1.1); None takes the roster's or edX's.
        key_file: holds the consumer key; None takes `LTI_CONSUMER_KEY`.
        secret_file: holds its secret; None takes `LTI_CONSUMER_SECRET`.
        client_id: of this tool (LTI 1.3).
        token_url: where a token is had (LTI 1.3).
        audience: of what asks for it; None takes `token_url`.
        private_key_file: holds the key that signs it, PEM (LTI 1.3).
        line_items: address of the course's line items (LTI 1.3).
        line_item: address of the assignment's own; None looks it up, or makes it.
        resource_id: by which it is looked up.
        label: its title where it is made.
        students: what the LMS knows a student by.
        hold: whether grades are held until staff say; None takes what `POST_GRADE` says.
        zeros: what becomes of a grade of no points.
        concurrency: how many grades are in hand at one time, of one LMS.
        rate: how many are sent in what time, to one LMS.
    """

    kind: Kind
    edx_url: str | None = None
    course_id: str | None = None
    lms_id: str | None = None
    service_url: str | None = None
    key_file: Path | None = None
    secret_file: Path | None = None
    client_id: str | None = None
    token_url: str | None = None
    audience: str | None = None
    private_key_file: Path | None = None
    line_items: str | None = None
    line_item: str | None = None
    resource_id: str | None = None
    label: str | None = None
    students: Names = Names.ROSTER
    hold: bool | None = None
    zeros: Zeros = Zeros.SEND
    concurrency: int = 4
    rate: RateLimit = RateLimit(20, 1)  # noqa: RUF009 - frozen

    @property
    def has_files(self) -> bool:
        """Whether it names files of keys and secrets."""
        return any((self.key_file, self.secret_file, self.private_key_file))


def _web_address(text: str) -> str:
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in {"http", "https"} or not rest or set(text) & set(" \t\r\n"):
        raise ValueError("write it as an address such as https://lms.example.edu/…")
    return text


def _rate(written: object) -> object:
    return RateLimit.parse(written) if isinstance(written, str) else written


_Text = Annotated[StrictStr, Field(min_length=1)]
_Url = Annotated[_Text, AfterValidator(_web_address)]


class WrittenPassback(BaseModel):
    """The keys of a `[passback]` block; an assignment, a section or a course may have one."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kind: Kind | None = None
    course_id: _Text | None = None
    service_url: _Url | None = None
    key_file: _Text | None = None
    secret_file: _Text | None = None
    client_id: _Text | None = None
    token_url: _Url | None = None
    audience: _Text | None = None
    private_key_file: _Text | None = None
    line_items: _Url | None = None
    line_item: _Url | None = None
    resource_id: _Text | None = None
    label: _Text | None = None
    students: Names | None = None
    hold: StrictBool | None = None
    zeros: Zeros | None = None
    concurrency: Annotated[int, Field(ge=1, le=32, strict=True)] | None = None
    rate: Annotated[RateLimit, BeforeValidator(_rate)] | None = None

    def over(self, outer: WrittenPassback | None) -> WrittenPassback:
        """Return this with what it leaves out taken from an outer level's block."""
        if outer is None:
            return self
        given = {name: getattr(self, name) for name in type(self).model_fields}
        taken = {
            name: getattr(outer, name) if value is None else value for name, value in given.items()
        }
        return WrittenPassback.model_construct(**taken)

    def passback(
        self, key: AssignmentKey, *, edx_url: str | None, lms_id: str | None, beside: Path
    ) -> Passback:
        """Return what it means for an assignment.

        Args:
            key: of the assignment.
            edx_url: `EDX_URL`.
            lms_id: what the LMS calls the assignment.
            beside: the folder that files are named from.

        Raises:
            ValueError: a key is missing or does not fit; the text begins with its name.
        """
        kind = self.kind or Kind.LTI11
        self._check(kind)
        given: dict[str, Any] = {
            name: value
            for name in type(self).model_fields
            if (value := getattr(self, name)) is not None
        }
        for name in ("key_file", "secret_file", "private_key_file"):
            if name in given:
                given[name] = beside / given[name]
        if kind is Kind.LTI13:
            given.setdefault("resource_id", lms_id or key.assignment)
            given.setdefault("label", key.assignment)
        elif self.course_id is not None:
            given.setdefault("students", Names.STUDENT)
        return Passback(**{**given, "kind": kind, "edx_url": edx_url, "lms_id": lms_id})

    def _check(self, kind: Kind) -> None:
        for name in _NEEDED[kind]:
            if getattr(self, name) is None:
                raise ValueError(f"passback.{name}: this key is missing, which {kind} needs")
        if kind is Kind.LTI13 and self.line_items is None and self.line_item is None:
            raise ValueError("passback.line_items: this key is missing, or line_item instead")
        if (self.key_file is None) != (self.secret_file is None):
            raise ValueError("passback.secret_file: key_file and secret_file belong together")


_NEEDED = {
    Kind.LTI11: (),
    Kind.LTI13: ("client_id", "token_url", "private_key_file"),
}


def edx_passback(course_id: str | None, lms_id: str | None, edx_url: str | None) -> Passback | None:
    """Return how the classic course config's grades go to edX; None where it does not say.

    Args:
        course_id: of the section.
        lms_id: of the assignment.
        edx_url: `EDX_URL`; without it grades wait until it is set.
    """
    if course_id is None or lms_id is None:
        return None
    return Passback(
        kind=Kind.LTI11,
        edx_url=edx_url,
        course_id=course_id,
        lms_id=lms_id,
        students=Names.STUDENT,
    )
