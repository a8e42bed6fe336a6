"""When to stop claiming: a breaker for sick machinery. Pure: the clock and the dice are handed in.

While the engine or the disk is out of order every entry would fail the same way. So nothing is
claimed for a while, then one entry alone to see whether it works again, and after a success all
goes on as before.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, NamedTuple

from gofer_ingest.grader import decide

if TYPE_CHECKING:
    from gofer_ingest.grader.line import TicketId

SICK_AFTER: Final = 3
"""So many different entries whose runs our machinery failed, one after the other, are no accident
of one notebook."""


class State(enum.StrEnum):
    """Whether entries are claimed."""

    WORKING = "working"
    PAUSED = "paused"
    TRYING = "trying"


class _Trips(NamedTuple):
    number: int
    successes: int


class Breaker:
    """Remembers how the machinery fared. Not safe for threads by itself."""

    def __init__(self) -> None:
        self._paused_until: float | None = None
        self._pauses = 0
        self._failed: set[TicketId] = set()
        self._successes = 0
        self._trips: dict[TicketId, _Trips] = {}
        self.reason = ""

    def state(self, now: float) -> State:
        """Tell whether entries are claimed at `now`: all, none, or one to try."""
        if self._paused_until is None:
            return State.WORKING
        return State.PAUSED if now < self._paused_until else State.TRYING

    @property
    def resumes_at(self) -> float | None:
        """When a pause ends or has ended; None where there is none."""
        return self._paused_until

    def worked(self) -> None:
        """Note a run that came to its end: the machinery is well."""
        self._paused_until = None
        self._pauses = 0
        self._successes += 1
        self._failed.clear()
        self.reason = ""

    def out_of_order(
        self, entry_id: TicketId, reason: str, now: float, jitter: float
    ) -> float | None:
        """Note that the engine, the disk or the gradebook was found out of order.

        Returns:
            Seconds of the pause that begins, or None where another failure began one already.
        """
        trips = self._trips.get(entry_id, _Trips(0, -1))
        if trips.successes < self._successes:
            self._trips[entry_id] = _Trips(trips.number + 1, self._successes)
        return self._pause(reason, now, jitter, decide.LONGEST_PAUSE_S)

    def trips_of(self, entry_id: TicketId) -> int:
        """Return how often this entry found all out of order, others working in between.

        A number that grows says that it is this entry and not the machinery.
        """
        return self._trips.get(entry_id, _Trips(0, -1)).number

    def forget(self, entry_id: TicketId) -> None:
        """Forget an entry that no longer waits."""
        self._trips.pop(entry_id, None)
        self._failed.discard(entry_id)

    def failed(self, entry_id: TicketId, reason: str, now: float, jitter: float) -> float | None:
        """Note a run that our machinery failed although nothing says that it is out of order.

        Returns:
            Seconds of the pause that begins since too many failed in a row; else None.
        """
        self._failed.add(entry_id)
        if len(self._failed) < SICK_AFTER:
            return None
        # It may be the notebooks after all. A longer pause lets few of them use up their tries.
        return self._pause(reason, now, jitter, decide.LONGEST_WAIT_S)

    def _pause(self, reason: str, now: float, jitter: float, longest_s: float) -> float | None:
        if self.state(now) is State.PAUSED:
            return None
        self._pauses += 1
        pause_s = min(decide.back_off_s(self._pauses, jitter), longest_s)
        self._paused_until = now + pause_s
        self.reason = reason
        return pause_s
