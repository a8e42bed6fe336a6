"""One LMS's way out: what may be sent to it now. Whatever an LMS does, only its lane waits."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from gofer_ingest.grader.passback import decide
from shared.lti.port import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from shared.catalogue.passback import Passback
    from shared.gradebook.outbox import Outgoing
    from shared.lti.port import Lms, LmsAnswer
    from shared.model import AssignmentKey


class Lane:
    """What goes to one LMS. The loop's thread alone uses it, but for `lms`.

    Args:
        name: for staff and logs.
        posted: the assignments whose grades go there, and how.
        connect: makes the LMS's adapter; raises a ConfigError where its secrets cannot be read.
    """

    def __init__(
        self,
        name: str,
        posted: dict[AssignmentKey, Passback],
        connect: Callable[[], Lms],
    ) -> None:
        self.name = name
        self.posted = posted
        self.trouble: str | None = None
        self.connect = connect
        self._lock = threading.Lock()
        self._lms: Lms | None = None
        self._concurrency = min(passback.concurrency for passback in posted.values())
        self._rate = min(
            (passback.rate for passback in posted.values() if not passback.rate.is_off),
            key=lambda rate: rate.most / rate.within_s,
            default=None,
        )
        self._tokens = float(self._rate.most) if self._rate else 0.0
        self._counted_at = 0.0
        self._in_hand: dict[tuple[str, AssignmentKey], Outgoing] = {}
        self._failures = 0
        self._paused_until = 0.0

    @property
    def keys(self) -> Collection[AssignmentKey]:
        """The assignments whose grades go here."""
        return self.posted.keys()

    @property
    def in_hand(self) -> int:
        """How many are on their way just now."""
        return len(self._in_hand)

    def lms(self) -> Lms:
        """Return the LMS's adapter, connected at the first call; any thread may call.

        Raises:
            ConfigError: its secrets cannot be read.
        """
        with self._lock:
            if self._lms is None:
                self._lms = self.connect()
            return self._lms

    def close(self) -> None:
        """Let go of the LMS; what is on its way to it ends, and may be sent again."""
        with self._lock:
            lms, self._lms = self._lms, None
        if lms is not None:
            lms.close()

    def is_busy_with(self, item: Outgoing) -> bool:
        """Whether something of the same student and assignment is on its way."""
        return (item.student, item.key) in self._in_hand

    def places(self, now: float) -> int:
        """Return how many may be sent at `now`, a monotonic time."""
        if now < self._paused_until:
            return 0
        # An LMS in trouble is tried with one, not with all.
        most = 1 if self._failures >= decide.AFTER_TROUBLES else self._concurrency
        free = most - len(self._in_hand)
        if self._rate is not None:
            self._count(now)
            free = min(free, int(self._tokens))
        return max(free, 0)

    def next_place_at(self, now: float) -> float | None:
        """Return when there may be a place again by the passing of time; None where none is."""
        if now < self._paused_until:
            return self._paused_until
        if self._rate is not None and self._tokens < 1:
            return now + (1 - self._tokens) * self._rate.within_s / self._rate.most
        return None

    def take(self, item: Outgoing) -> None:
        """Note that it is on its way."""
        self._in_hand[item.student, item.key] = item
        if self._rate is not None:
            self._tokens -= 1

    def give_back(self, item: Outgoing, answer: LmsAnswer, now: float, jitter: float) -> bool:
        """Note that an answer came; return whether the LMS was left alone for it just now."""
        self._in_hand.pop((item.student, item.key), None)
        self._failures = self._failures + 1 if decide.is_trouble(answer) else 0
        pause_s = decide.pause_s(answer, self._failures, jitter)
        if pause_s <= 0:
            if answer.answer is Answer.ARRIVED:
                self.trouble = None
            return False
        is_news = self.trouble is None
        self.trouble = answer.text
        self._paused_until = max(self._paused_until, now + pause_s)
        return is_news

    def resume(self) -> None:
        """Forget what was wrong, and read the secrets anew: staff say that it is worth a try."""
        is_anew = self.trouble is not None or not self._in_hand
        self._failures, self._paused_until, self.trouble = 0, 0.0, None
        if is_anew:
            self.close()

    def _count(self, now: float) -> None:
        if self._rate is not None:
            gained = (now - self._counted_at) * self._rate.most / self._rate.within_s
            self._tokens = min(float(self._rate.most), self._tokens + max(0.0, gained))
            self._counted_at = now
