"""Announces the queue: writes its snapshot while the grader works, from a thread of its own.

It only looks at the worker, so whatever goes wrong here costs no run anything.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gofer_ingest.grader.pool import Warmth
from shared.errors import SpoolUnavailable
from shared.model import utc_now
from shared.queue_snapshot import STOPPED, QueueSnapshot, read_snapshot, write_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from gofer_ingest.grader.tally import Tally
    from shared.model import SubmissionId
    from shared.queue_snapshot import PassbackOutlook

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 1.0
SPEAK_EVERY_S: Final = 10.0
"""Also where nothing changed, so that readers know that the grader is there."""
STOPPING: Final = "stopping"


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand with a worker at one moment.

    Attributes:
        running: the entries in hand.
        pending: how many entries there were at its last look.
        resting: how many of those wait for something else than their turn.
        paused: one word on why nothing is claimed; None where it is.
    """

    running: tuple[SubmissionId, ...]
    pending: int
    resting: int
    paused: str | None


class Announcer:
    """Writes the queue's snapshot: soon after something changed, and every ten seconds.

    Args:
        volume: `VOLUME_PATH`.
        standing: asks the worker; any thread may.
        tally: of its runs. Begins with the medians of the last snapshot.
        concurrency: how many runs there may be at one time.
        passback: says what is in the outbox; any thread may ask.
        warmth: asks what keeps slots ready; any thread may.
        backed_up_at: tells of when the newest daily backup is; None where there is none.
    """

    def __init__(
        self,
        volume: Path,
        *,
        standing: Callable[[], Standing],
        tally: Tally,
        concurrency: int,
        passback: Callable[[], PassbackOutlook | None] = lambda: None,
        warmth: Callable[[], Warmth] = Warmth,
        backed_up_at: Callable[[], datetime | None] = lambda: None,
    ) -> None:
        self._volume = volume
        self._standing = standing
        self._tally = tally
        self._concurrency = concurrency
        self._passback = passback
        self._warmth = warmth
        self._backed_up_at = backed_up_at
        self._is_over = threading.Event()
        self._said: tuple[Standing, Warmth] | None = None
        self._said_at = 0.0
        self._has_failed = False

    @contextmanager
    def announcing(self) -> Iterator[None]:
        """Announce inside the block; at its end say that the grader is down."""
        earlier = read_snapshot(self._volume)
        if earlier is not None:
            self._tally.begin_with(earlier)
        thread = threading.Thread(target=self._announce, name="announcer", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            thread.join()
            self._say(replace(self._standing(), running=(), paused=STOPPED), self._warmth())

    def _announce(self) -> None:
        while True:
            now = self._standing(), self._warmth()
            if now != self._said or time.monotonic() - self._said_at >= SPEAK_EVERY_S:
                self._say(*now)
            if self._is_over.wait(LOOK_EVERY_S):
                return

    def _say(self, standing: Standing, warmth: Warmth) -> None:
        self._said, self._said_at = (standing, warmth), time.monotonic()
        snapshot = QueueSnapshot(
            written_at=utc_now(),
            concurrency=self._concurrency,
            running=standing.running,
            pending=standing.pending,
            resting=standing.resting,
            paused=standing.paused,
            typical_s=self._tally.typical_s,
            assignments=self._tally.outlooks,
            passback=self._passback(),
            warm_idle=warmth.idle,
            warm_hits=warmth.hits,
            warm_misses=warmth.misses,
            backed_up_at=self._backed_up_at(),
        )
        try:
            write_snapshot(self._volume, snapshot)
        except SpoolUnavailable as error:
            if not self._has_failed:
                log.warning(
                    "Students cannot be told how long it takes",
                    extra={"action": "announce_failed", "reason": str(error)},
                )
            self._has_failed = True
        else:
            self._has_failed = False
