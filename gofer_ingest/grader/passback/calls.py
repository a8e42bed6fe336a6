"""One call of an LMS, in whatever thread: always an answer comes of it, and never an exception."""

from __future__ import annotations

import logging
import random
from typing import TYPE_CHECKING, NamedTuple

from gofer_ingest.grader.passback import decide
from shared.errors import ConfigError
from shared.lti.port import Answer, LmsAnswer, PostedGrade, Recipient, Withdrawal
from shared.model import utc_now

if TYPE_CHECKING:
    from gofer_ingest.grader.passback.lanes import Lane
    from shared.gradebook.outbox import Move, Outgoing

log = logging.getLogger(__name__)

Call = PostedGrade | Withdrawal | Recipient | decide.Unknown
"""What an LMS is called for: to have a grade, to take one out, to say what it holds (`Recipient`);
of `Unknown` it is not called."""


class Answered(NamedTuple):
    """What came of one call.

    Attributes:
        move: what becomes of the row; None where the LMS was asked what it holds.
        fraction: that it holds.
    """

    lane: Lane
    item: Outgoing
    answer: LmsAnswer
    move: Move | None
    fraction: float | None


def carried_out(lane: Lane, item: Outgoing, what: Call) -> Answered:
    """Call an LMS, and return what came of it."""
    fraction = None
    try:
        match what:
            case PostedGrade():
                answer = lane.lms().post(what)
            case Withdrawal():
                answer = lane.lms().withdraw(what)
            case Recipient():
                answer, fraction = lane.lms().read(what)
            case decide.Unknown():
                answer = LmsAnswer(Answer.REFUSED, what.message, cause=what.cause)
    except ConfigError as error:
        answer = LmsAnswer(Answer.REFUSED, str(error), cause="credentials")
    except Exception as error:  # noqa: BLE001 - see `nobody_foresaw`
        answer = nobody_foresaw(lane, item, error)
    is_sent = isinstance(what, PostedGrade | Withdrawal)
    return Answered(lane, item, answer, after(item, answer) if is_sent else None, fraction)


def after(item: Outgoing, answer: LmsAnswer) -> Move:
    """Return what becomes of a grade by an answer of now."""
    jitter = random.random()  # noqa: S311 - spreads load, keeps no secret
    return decide.after_answer(item, answer, utc_now(), jitter)


def nobody_foresaw(lane: Lane, item: Outgoing, error: Exception) -> LmsAnswer:
    """Log an exception, and return what it means for the grade.

    A mistake in Gofer itself, or in an adapter, must cost no other grade anything, nor this one its
    place in the outbox.
    """
    log.error(
        "Sending a grade failed in a way nobody foresaw",
        extra={"action": "passback_broke", "passback_id": item.id, "lms": lane.name},
        exc_info=error,
    )
    return LmsAnswer(Answer.TRY_LATER, "Gofer itself failed; its log says how.", cause="internal")
