"""An LMS that does as it is told: it keeps the newest grade of each recipient, as by LTI 1.3."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from typing import TYPE_CHECKING

from shared.lti.port import Answer, Lms, LmsAnswer, PostedGrade, Recipient, Withdrawal

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

ARRIVED = LmsAnswer(Answer.ARRIVED, "The LMS has the grade.", 200)
UNAVAILABLE = LmsAnswer(Answer.TRY_LATER, "The LMS is out of order.", 503, cause="server_error")
BROKEN = LmsAnswer(Answer.TRY_LATER, "The LMS failed.", 500, cause="server_error")
CUT = LmsAnswer(Answer.TRY_LATER, "The connection was cut.", cause="cut")
CLOSED = LmsAnswer(Answer.REFUSED, "The LMS takes no grade any more.", 200, cause="closed")
LOCKED_OUT = LmsAnswer(Answer.REFUSED, "Key or secret is wrong.", 401, cause="signature")


def throttled(retry_after_s: float) -> LmsAnswer:
    return LmsAnswer(Answer.TRY_LATER, "Too often.", 429, retry_after_s, "throttled")


class ScriptedLms(Lms):
    """Takes every grade, unless its script says something else.

    Attributes:
        held: by recipient, what it keeps: the fraction and the time it was told.
        seen: by recipient, the fractions it was sent, in the order of their arrival; None is a
            grade that was taken back.
        gate: calls wait for it; set from the beginning.
        cuts_after_saving: how many of the next calls save the grade and then answer nothing.
        at_one_time: how many calls there were at one moment, at most.
        is_closed: whether it was let go.
    """

    def __init__(self) -> None:
        self.held: dict[str, tuple[float | None, datetime]] = {}
        self.seen: defaultdict[str, list[float | None]] = defaultdict(list)
        self.gate = threading.Event()
        self.gate.set()
        self.cuts_after_saving = 0
        self.at_one_time = 0
        self.is_closed = False
        self.calls = 0
        self.answer: Callable[[int], LmsAnswer | None] = lambda _number: None
        self.tested = ARRIVED
        self._script: deque[LmsAnswer | Exception] = deque()
        self._lock = threading.Lock()
        self._now = 0

    def will_answer(self, *answers: LmsAnswer | Exception) -> None:
        """Answer the next calls so, and save nothing; an exception is raised."""
        self._script.extend(answers)

    def post(self, grade: PostedGrade) -> LmsAnswer:
        name = name_of(grade.recipient)
        return self._take(name, grade.points / grade.possible, grade.graded_at)

    def withdraw(self, withdrawal: Withdrawal) -> LmsAnswer:
        return self._take(name_of(withdrawal.recipient), None, withdrawal.decided_at)

    def _take(self, name: str, fraction: float | None, at: datetime) -> LmsAnswer:
        with self._lock:
            self.calls += 1
            number = self.calls
            self._now += 1
            self.at_one_time = max(self.at_one_time, self._now)
        try:
            assert self.gate.wait(30)
            with self._lock:
                self.seen[name].append(fraction)
                scripted = self._script.popleft() if self._script else self.answer(number)
                if isinstance(scripted, Exception):
                    raise scripted
                if scripted is not None:
                    return scripted
                return self._save(name, fraction, at)
        finally:
            with self._lock:
                self._now -= 1

    def _save(self, name: str, fraction: float | None, at: datetime) -> LmsAnswer:
        _, before = self.held.get(name, (0.0, None))
        if before is not None and at < before:
            return LmsAnswer(Answer.REFUSED, "A newer one is there.", 409, cause="too_old")
        self.held[name] = (fraction, at)
        if self.cuts_after_saving:
            self.cuts_after_saving -= 1
            return CUT
        return ARRIVED

    def read(self, recipient: Recipient) -> tuple[LmsAnswer, float | None]:
        with self._lock:
            held, _ = self.held.get(name_of(recipient), (None, None))
            text = "The LMS holds no grade." if held is None else "The LMS holds a grade."
            return LmsAnswer(Answer.ARRIVED, text, 200), held

    def test(self) -> LmsAnswer:
        assert self.gate.wait(30)
        return self.tested

    def close(self) -> None:
        self.is_closed = True

    def holds(self, name: str) -> float | None:
        """The fraction it keeps for a recipient; None where it keeps none."""
        with self._lock:
            return self.held[name][0] if name in self.held else None


def name_of(recipient: Recipient) -> str:
    return recipient.user_id or recipient.sourcedid or "?"
