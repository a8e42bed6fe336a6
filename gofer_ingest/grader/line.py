"""Who is next: the runs that wait, in memory. Pure: no disk, no clock; the worker asks it.

Fair by rounds: a student's first waiting submission is in the present round, the second one in the
round after it, and so on. Lower rounds go first, and within a round whoever was received first. So
one student's twenty submissions hold up nobody else's first. A student has one run at a time for
each assignment, the earlier submission first. A batch of staff's waits in a lane of its own, with
rounds of its own: nobody is taken from it while a student's live submission can be. A regrade waits
in a third, behind both.
"""

from __future__ import annotations

import enum
import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.model import SubmissionId

if TYPE_CHECKING:
    from collections.abc import Collection

    from shared.model import AssignmentKey, RegradeItemId

    TicketId = SubmissionId | RegradeItemId


class Lane(enum.IntEnum):
    """Which go before which, whatever their rounds: the lower lane first."""

    LIVE = 0
    BATCH = 1
    REGRADE = 2


@dataclass(frozen=True, slots=True)
class Ticket:
    """What waits: an entry of the spool, or an item of a regrade.

    Attributes:
        id: of the entry or the item.
        student: whose it is; None where it cannot be told, as of a damaged entry.
        key: for which assignment; None likewise.
        lane: in which it waits.
    """

    id: TicketId
    student: str | None
    key: AssignmentKey | None
    lane: Lane = Lane.LIVE


_Rank = tuple[Lane, int, "TicketId"]
_Guest = tuple[Lane, str]
_Seat = tuple[str, "AssignmentKey"]


class Line:
    """The entries that wait, and those that are in hand. Not safe for threads by itself."""

    def __init__(self) -> None:
        self._tickets: dict[TicketId, Ticket] = {}
        self._ranks: dict[TicketId, _Rank] = {}
        self._ready: list[_Rank] = []
        self._resting: list[tuple[float, TicketId]] = []
        self._behind: dict[_Seat, list[TicketId]] = {}
        self._in_hand: set[TicketId] = set()
        self._key_rests: dict[AssignmentKey, float] = {}
        self._rounds = dict.fromkeys(Lane, 0)
        self._last_rounds: dict[_Guest, int] = {}
        self._waiting_of: dict[_Guest, int] = {}
        self._regrades = 0

    def __len__(self) -> int:
        """How many it knows, those in hand among them."""
        return len(self._tickets)

    def __contains__(self, entry_id: TicketId) -> bool:
        return entry_id in self._tickets

    @property
    def entries(self) -> int:
        """How many of those are entries of the spool."""
        return len(self._tickets) - self._regrades

    @property
    def entries_in_hand(self) -> tuple[SubmissionId, ...]:
        """The entries of the spool that were taken and neither returned nor done."""
        return tuple(
            SubmissionId(entry_id)
            for entry_id in sorted(self._in_hand)
            if self._tickets[entry_id].lane is not Lane.REGRADE
        )

    @property
    def in_hand(self) -> frozenset[TicketId]:
        """Who was taken and neither returned nor done."""
        return frozenset(self._in_hand)

    def join(self, ticket: Ticket) -> None:
        """Let an entry wait; one that is known already stays where it is."""
        if ticket.id in self._tickets:
            return
        self._tickets[ticket.id] = ticket
        self._regrades += ticket.lane is Lane.REGRADE
        self._ranks[ticket.id] = (ticket.lane, self._round_of(ticket), ticket.id)
        heapq.heappush(self._ready, self._ranks[ticket.id])

    def keep_only(self, pending: Collection[TicketId]) -> None:
        """Forget the entries that are no longer pending, those in hand excepted."""
        for entry_id in self._tickets.keys() - pending - self._in_hand:
            self._forget(entry_id)

    def take(self, now: float) -> Ticket | None:
        """Return the next entry and count it as in hand; None where nobody can be taken now.

        Args:
            now: seconds on the clock that `give_back` and `rest` use.
        """
        self._wake(now)
        while self._ready:
            rank = heapq.heappop(self._ready)
            lane, its_round, entry_id = rank
            ticket = self._tickets.get(entry_id)
            if ticket is None or ticket.id in self._in_hand:
                continue  # forgotten, or from before it was last given back
            rests_until = self._key_rests.get(ticket.key, 0.0) if ticket.key else 0.0
            if rests_until > now:
                heapq.heappush(self._resting, (rests_until, ticket.id))
                continue
            seat = _seat(ticket)
            if seat is not None:
                if seat in self._behind:
                    self._behind[seat].append(ticket.id)
                    continue
                self._behind[seat] = []
            self._in_hand.add(ticket.id)
            self._rounds[lane] = max(self._rounds[lane], its_round)
            return ticket
        return None

    def give_back(self, entry_id: TicketId, *, not_before: float, is_last: bool = False) -> None:
        """Let an entry in hand wait again once `not_before` has come.

        Args:
            entry_id: which one.
            not_before: on the clock of `take`.
            is_last: whether it goes behind all that wait now, instead of to its old place.
        """
        if self._leave_hand(entry_id):
            if is_last:
                own = self._tickets[entry_id].lane
                # Behind a batch, which may be all there is to show that others fare better; never
                # behind a regrade, which students do not wait for.
                lowest = max(own, Lane.BATCH)
                others = [rank for rank in self._ready if rank[0] <= lowest]
                lane, last, _ = max([*others, (own, self._rounds[own], entry_id)])
                self._ranks[entry_id] = (lane, last + 1, entry_id)
            heapq.heappush(self._resting, (not_before, entry_id))

    def rest(self, key: AssignmentKey, *, until: float) -> None:
        """Let nobody of an assignment be taken before `until`."""
        self._key_rests[key] = until

    def done(self, entry_id: TicketId) -> None:
        """Forget an entry in hand that has left the spool's `new/`."""
        if self._leave_hand(entry_id):
            self._forget(entry_id)

    def resting(self, now: float) -> int:
        """Return how many entries of the spool wait for something else than their turn."""
        resting = {entry_id for at, entry_id in self._resting if at > now}
        keys = {key for key, until in self._key_rests.items() if until > now}
        if keys:  # seldom: this looks at all who wait
            resting |= {one.id for one in self._tickets.values() if one.key in keys}
        waiting = (resting & self._tickets.keys()) - self._in_hand
        return sum(self._tickets[one].lane is not Lane.REGRADE for one in waiting)

    def next_change_at(self, now: float) -> float | None:
        """Return when somebody who rests now can be taken; None where nobody rests."""
        return max(self._resting[0][0], now) if self._resting else None

    # --- inside -----------------------------------------------------------------------------------

    def _round_of(self, ticket: Ticket) -> int:
        present = self._rounds[ticket.lane]
        guest = _guest(ticket)
        if guest is None:
            return present
        chosen = max(present, self._last_rounds.get(guest, -1) + 1)
        self._last_rounds[guest] = chosen
        self._waiting_of[guest] = self._waiting_of.get(guest, 0) + 1
        return chosen

    def _wake(self, now: float) -> None:
        while self._resting and self._resting[0][0] <= now:
            _, entry_id = heapq.heappop(self._resting)
            if entry_id in self._tickets and entry_id not in self._in_hand:
                heapq.heappush(self._ready, self._ranks[entry_id])
        for key in [key for key, until in self._key_rests.items() if until <= now]:
            del self._key_rests[key]

    def _leave_hand(self, entry_id: TicketId) -> bool:
        if entry_id not in self._in_hand:
            return False
        self._in_hand.remove(entry_id)
        seat = _seat(self._tickets[entry_id])
        if seat is not None:
            for waiting in self._behind.pop(seat, []):
                if waiting in self._tickets:
                    heapq.heappush(self._ready, self._ranks[waiting])
        return True

    def _forget(self, entry_id: TicketId) -> None:
        ticket = self._tickets.pop(entry_id)
        self._regrades -= ticket.lane is Lane.REGRADE
        del self._ranks[entry_id]
        guest = _guest(ticket)
        if guest is None:
            return
        left = self._waiting_of[guest] - 1
        if left:
            self._waiting_of[guest] = left
        else:
            del self._waiting_of[guest], self._last_rounds[guest]


def _guest(ticket: Ticket) -> _Guest | None:
    return None if ticket.student is None else (ticket.lane, ticket.student)


def _seat(ticket: Ticket) -> _Seat | None:
    return (ticket.student, ticket.key) if ticket.student and ticket.key else None
