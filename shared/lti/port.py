"""The port by which a grade goes to an LMS. Its adapters speak LTI 1.1 or LTI 1.3.

Nothing of a transport leaks through it: an adapter answers with a value and never raises for what
an LMS says or does not say.
"""

from __future__ import annotations

import abc
import enum
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from datetime import datetime
    from types import TracebackType

TEXT_MAX_CHARACTERS: Final = 500
RETRY_AFTER_MAX_S: Final = 3600.0


class Answer(enum.StrEnum):
    """What an LMS's answer means for the one who posted."""

    ARRIVED = "arrived"
    """The LMS has this grade; also where it said that it had it already."""

    TRY_LATER = "try_later"
    """A cut connection, a time-out, 429, 5xx: sending again is safe and may help."""

    REFUSED = "refused"
    """Sending the same again will not help: a bad signature, an unknown student, a closed item."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Where one student's grade for one assignment goes; an adapter needs some of these fields.

    Attributes:
        sourcedid: LTI 1.1's name of the place (`lis_result_sourcedid`). Never shown.
        service_url: LTI 1.1's address of the outcomes service.
        user_id: the LMS's id of the student (LTI 1.3: `sub`).
        line_item: LTI 1.3's address of the line item, where it is known.
        resource_id: LTI 1.3: how to look the line item up, or make it.
        label: LTI 1.3: the line item's title, for looking it up or making it.
    """

    sourcedid: str | None = field(default=None, repr=False)
    service_url: str | None = None
    user_id: str | None = field(default=None, repr=False)
    line_item: str | None = None
    resource_id: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class PostedGrade:
    """One grade on its way.

    Attributes:
        recipient: where it goes.
        points: earned; finite and not negative. Bonus points may exceed what is possible.
        possible: points possible; finite and above 0.
        graded_at: when it was decided; aware, and the same at each try of this grade. A newer
            grade for the same recipient has one that is at least a second later: LTI 1.3 refuses
            what is not newer than what it holds, and Moodle compares whole seconds.
        comment: for the student; None says nothing.

    Raises:
        ValueError: a number or the time is none of these.
    """

    recipient: Recipient
    points: float
    possible: float
    graded_at: datetime
    comment: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no LMS could make sense of."""
        if not (math.isfinite(self.points) and self.points >= 0):
            raise ValueError("points are finite and not negative")
        if not (math.isfinite(self.possible) and self.possible > 0):
            raise ValueError("points possible are finite and above 0")
        if self.graded_at.utcoffset() is None:
            raise ValueError("a time has a zone")


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A grade that is taken back: the student has none any more, which is not a grade of 0.

    Attributes:
        recipient: where it went.
        decided_at: when; aware, the same at each try, and later than `graded_at` of the grade.

    Raises:
        ValueError: the time is not aware.
    """

    recipient: Recipient
    decided_at: datetime

    def __post_init__(self) -> None:
        """Refuse a time without a zone."""
        if self.decided_at.utcoffset() is None:
            raise ValueError("a time has a zone")


@dataclass(frozen=True, slots=True)
class LmsAnswer:
    """What came of one call.

    Attributes:
        answer: what it means.
        text: for staff: up to 500 printable characters, without secrets, sourcedids and bodies.
        status: the HTTP status; None where there was none.
        retry_after_s: seconds that the LMS asked to wait, 0 to 3600; None where it did not.
        cause: one word of the list in docs/passback.md, such as timeout, cut, signature,
            unknown_user, too_old, closed; None where all is well.
    """

    answer: Answer
    text: str
    status: int | None = None
    retry_after_s: float | None = None
    cause: str | None = None


class Lms(abc.ABC):
    """One LMS, with what it takes to be let in. Threads may call every method at once."""

    @abc.abstractmethod
    def post(self, grade: PostedGrade) -> LmsAnswer:
        """Send a grade; what the LMS held for this recipient is replaced."""

    @abc.abstractmethod
    def withdraw(self, withdrawal: Withdrawal) -> LmsAnswer:
        """Take a grade back; `ARRIVED` where the LMS has none any more, or had none.

        An LMS that cannot do that refuses it with the cause `unsupported`. Nothing is written in
        its place there, no 0 either: staff have to take it out by hand.
        """

    @abc.abstractmethod
    def read(self, recipient: Recipient) -> tuple[LmsAnswer, float | None]:
        """Ask what the LMS holds.

        Returns:
            How the call went, and the fraction that the LMS holds; None where it has no grade, or
            the call did not go well.
        """

    @abc.abstractmethod
    def test(self) -> LmsAnswer:
        """Say whether the LMS lets us in, without changing a grade."""

    @abc.abstractmethod
    def close(self) -> None:
        """Let go of its connections; calls under way, and later ones, answer `TRY_LATER`."""

    def __enter__(self) -> Self:
        """Return itself; closed at the end of the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()
