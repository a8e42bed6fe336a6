"""Whether there is room for one more submission: in the queue, and on the disk before it is full.

Other programs and other server processes fill the same disk, so this is a look from time to time
and no reservation: about a second old, with what this process has taken since. The margin that
`GOFER_MIN_FREE_DISK` leaves has to be wide enough for that. While submissions keep coming nobody
waits for a look, however many entries it has to list.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gofer_ingest.server.errors import TooManyWaiting
from shared.errors import SpoolFull, SpoolUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.spool import Spool

FRESH_S: Final = 1.0
"""Seconds that a look is good for. Listing 20,000 entries takes 10 ms, which is too long for each
request."""

LATE_S: Final = 3.0
"""Seconds after which whoever comes first takes the next look before going on."""

BESIDES_BYTES: Final = 16 << 10
"""What an entry takes beside its notebook: its folder, its envelope, its note among the recent
receipts, each in whole blocks."""


@dataclass(frozen=True, slots=True)
class _Look:
    waiting: int
    free_bytes: int
    at_s: float


class Room:
    """The room that is left. Making one touches nothing; threads may share it.

    Args:
        spool: where submissions are delivered.
        max_waiting: how many may wait for grading.
        min_free_bytes: what has to be left on the disk.
        clock: seconds that only ever grow.
    """

    def __init__(
        self,
        spool: Spool,
        *,
        max_waiting: int,
        min_free_bytes: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spool = spool
        self._max_waiting = max_waiting
        self._min_free_bytes = min_free_bytes
        self._clock = clock
        self._looking = threading.Lock()
        self._counting = threading.Lock()
        self._look: _Look | None = None
        self._taken = 0
        self._taken_bytes = 0

    @property
    def is_look_due(self) -> bool:
        """Whether somebody should look, and nobody is looking."""
        look = self._look
        is_fresh = look is not None and self._clock() - look.at_s < FRESH_S
        return not is_fresh and not self._looking.locked()

    def refresh(self) -> None:
        """Have a look that is due: here where the last one is late, else in a thread of its own.

        May list a folder, so call it in a thread.

        Raises:
            SpoolUnavailable: the last look is late, and the disk refused.
        """
        look = self._look
        if look is None or self._clock() - look.at_s >= LATE_S:
            self.look()
        elif self.is_look_due:
            threading.Thread(target=self._look_aside, name="room", daemon=True).start()

    def _look_aside(self) -> None:
        # The disk's refusal is for whoever finds the look late.
        with suppress(SpoolUnavailable):
            self.look()

    def look(self) -> None:
        """Look at queue and disk. Lists a folder, so call it in a thread.

        While somebody else is looking this does nothing, unless nobody has looked yet.

        Raises:
            SpoolUnavailable: the disk refused.
        """
        if not self._looking.acquire(blocking=self._look is None):
            return
        try:
            with self._counting:
                self._taken = self._taken_bytes = 0  # what comes from now on may be seen or not
            at_s = self._clock()
            self._look = _Look(len(self._spool.pending()), self._spool.free_bytes(), at_s)
        finally:
            self._looking.release()

    def check(self, more_bytes: int = 0) -> None:
        """Check by the last look that one more submission fits; before the first one, all do.

        Args:
            more_bytes: what is about to be written, by this request and those in hand.

        Raises:
            TooManyWaiting: the queue is full.
            SpoolFull: the disk would have less left than it should.
        """
        look = self._look
        if look is None:
            return
        if look.waiting + self._taken >= self._max_waiting:
            raise TooManyWaiting(f"{look.waiting} submissions are waiting.")
        left_bytes = look.free_bytes - self._taken_bytes - more_bytes
        if left_bytes < self._min_free_bytes:
            raise SpoolFull(
                f"{look.free_bytes} bytes are free; {self._min_free_bytes} are to be left."
            )

    def take(self, size_bytes: int) -> None:
        """Count a notebook that was delivered, until the next look sees it."""
        with self._counting:
            self._taken += 1
            self._taken_bytes += size_bytes + BESIDES_BYTES
