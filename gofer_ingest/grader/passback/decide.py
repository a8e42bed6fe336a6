"""What becomes of a grade in the outbox, decided purely: before it is sent, and by the answer.

Sending again is always safe: the LMS is told the same points with the same time. So whatever is in
doubt is sent again, and what an LMS refuses is never sent again by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from shared.catalogue.passback import Zeros
from shared.gradebook import outbox
from shared.gradebook.outbox import Move, State
from shared.lti.port import Answer, LmsAnswer, PostedGrade, Recipient, Withdrawal

if TYPE_CHECKING:
    from datetime import datetime

    from shared.catalogue.passback import Passback
    from shared.gradebook.outbox import Outgoing

FIRST_WAIT_S: Final = 2.0
LONGEST_WAIT_S: Final = 900.0
"""Between two tries of one grade."""
MAX_TRIES: Final = 12
"""Of a grade that the LMS answers with trouble of its own, such as 500: about an hour."""
PATIENCE_WHILE_AWAY: Final = 25
"""As often as that again where the LMS is away: about three days."""
AFTER_TROUBLES: Final = 4
"""So many failures in a row, and the LMS is left alone for a while."""
AFTER_REFUSALS: Final = 2
"""So many in a row that do not let us in, and it is not about one grade."""
LONGEST_PAUSE_S: Final = 60.0
SETUP_PAUSE_S: Final = 300.0
"""Where the LMS does not let us in: nothing helps but staff, and the queue is kept."""

SETUP_CAUSES: Final = frozenset({"signature", "credentials", "scope", "certificate", "redirect"})
"""Refusals that are about us and not about a grade."""
_NOT_TAKEN: Final = SETUP_CAUSES | {
    *("address", "ambiguous", "closed", "not_found", "refused", "score", "too_old"),
    *("unknown_user", "unreadable", "unsupported"),
}
"""Refusals after which it is known that the LMS has not taken the grade (docs/passback.md)."""
_AWAY: Final = frozenset({None, 408, 429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Unknown:
    """It is not known where a grade goes.

    Attributes:
        cause: one word.
        message: for staff: what is missing.
    """

    cause: str
    message: str


def before_sending(
    item: Outgoing, passback: Passback | None, recipient: Recipient | Unknown, *, is_on_hold: bool
) -> PostedGrade | Withdrawal | Move:
    """Return the grade as it is to be sent, or taken back, or what becomes of it instead.

    Args:
        item: it is queued.
        passback: how its assignment is posted; None where it is not.
        recipient: where it goes.
        is_on_hold: whether its assignment's grades are held.
    """
    if passback is None:
        return NOT_POSTED
    if not item.score.possible and not item.is_withdrawal:
        return Move(State.PARKED, "no_points", "Nothing can be earned, so there is no fraction.")
    if not item.is_asked_for:
        held = _held(item, passback, is_on_hold=is_on_hold)
        if held is not None:
            return held
    if isinstance(recipient, Unknown):
        return Move(State.PARKED, recipient.cause, recipient.message)
    if item.is_withdrawal:
        return Withdrawal(recipient, item.graded_at)
    return PostedGrade(
        recipient=recipient,
        points=item.score.points,
        possible=item.score.possible,
        graded_at=item.graded_at,
    )


NEVER_THERE: Final = Move(
    State.SUPERSEDED, "never_there", "The grade never went out, so nothing is to be taken back."
)
NOT_POSTED: Final = Move(
    State.PARKED, outbox.NOT_POSTED, "The course config does not say where its grades go."
)


def after_answer(item: Outgoing, answer: LmsAnswer, now: datetime, jitter: float) -> Move:
    """Return what becomes of a grade that was sent.

    Args:
        item: which was in hand.
        answer: of the LMS.
        now: aware.
        jitter: 0 to 1, random; spreads what would come back at one moment.
    """
    match answer.answer:
        case Answer.ARRIVED:
            return _answered(item, State.SENT, answer, tries=item.tries + 1)
        case Answer.REFUSED if answer.cause in SETUP_CAUSES:
            again_at = now + timedelta(seconds=SETUP_PAUSE_S)
            return _answered(item, State.QUEUED, answer, again_at=again_at)
        case Answer.REFUSED if answer.cause == "too_old":
            # A teacher's change at the LMS, or a newer grade of ours: it is not fought over.
            return _answered(item, State.SUPERSEDED, answer, tries=item.tries + 1)
        case Answer.REFUSED:
            return _answered(item, State.FAILED, answer, tries=item.tries + 1)
        case Answer.TRY_LATER:
            return _later(item, answer, now, jitter)


def wait_s(tries: int, jitter: float, first_s: float, longest_s: float) -> float:
    """Return how long to wait after this many tries: doubling, between half and all of it.

    Args:
        tries: ≥ 1.
        jitter: 0 to 1.
        first_s: after the first, seconds.
        longest_s: and never longer.
    """
    longest = min(first_s * 2.0 ** min(tries - 1, 30), longest_s)
    return longest * (0.5 + 0.5 * jitter)


def is_trouble(answer: LmsAnswer) -> bool:
    """Whether an answer is about the LMS or about us, and not about a grade."""
    if answer.answer is Answer.REFUSED:
        return answer.cause in SETUP_CAUSES
    return answer.answer is Answer.TRY_LATER


def pause_s(answer: LmsAnswer, failures: int, jitter: float) -> float:
    """Return how long to leave an LMS alone after an answer, seconds.

    Args:
        answer: its last.
        failures: how many in a row failed, this one included; 0 after one that did not.
        jitter: 0 to 1.
    """
    if not is_trouble(answer):
        return 0.0
    if answer.answer is Answer.REFUSED:
        # One alone may be about a wrong address in the roster.
        return SETUP_PAUSE_S if failures >= AFTER_REFUSALS else 0.0
    own = 0.0
    if failures >= AFTER_TROUBLES:
        own = wait_s(failures - AFTER_TROUBLES + 1, jitter, FIRST_WAIT_S, LONGEST_PAUSE_S)
    return max(own, answer.retry_after_s or 0.0)


def _held(item: Outgoing, passback: Passback, *, is_on_hold: bool) -> Move | None:
    if is_on_hold:
        return Move(State.HELD, "hold", "The assignment's grades are held.")
    if item.is_withdrawal:
        return None
    if item.is_batch:
        return Move(State.HELD, "batch", "It came in a batch: staff send it.")
    if passback.zeros is Zeros.HOLD and item.score.points <= 0:
        return Move(State.HELD, "zero", "It is a zero: staff send it.")
    return None


def _later(item: Outgoing, answer: LmsAnswer, now: datetime, jitter: float) -> Move:
    tries = item.tries + 1
    is_away = answer.status in _AWAY and answer.cause != "internal"
    most = MAX_TRIES * (PATIENCE_WHILE_AWAY if is_away else 1)
    if tries >= most:
        return _answered(item, State.FAILED, answer, tries=tries)
    own_s = wait_s(tries, jitter, FIRST_WAIT_S, LONGEST_WAIT_S)
    after_s = max(own_s, answer.retry_after_s or 0.0)
    again_at = now + timedelta(seconds=after_s)
    return _answered(item, State.QUEUED, answer, tries=tries, again_at=again_at)


def _answered(
    item: Outgoing,
    to: State,
    answer: LmsAnswer,
    *,
    tries: int | None = None,
    again_at: datetime | None = None,
) -> Move:
    is_well = answer.answer is Answer.ARRIVED
    # A refusal says nothing of an earlier try whose answer was lost.
    is_not_taken = answer.answer is Answer.REFUSED and answer.cause in _NOT_TAKEN
    return Move(
        to,
        cause=None if is_well else answer.cause,
        message=answer.text,
        not_before=again_at,
        tries=tries,
        is_answer=True,
        status=answer.status,
        is_settled=is_well or (is_not_taken and not item.is_in_doubt),
    )
