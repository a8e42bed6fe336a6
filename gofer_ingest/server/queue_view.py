"""The queue as the server sees it: a listing of `spool/new` and the grader's snapshot.

Both are read at most about once a second, however many students ask.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.queue_snapshot import read_snapshot

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from shared.model import SubmissionId
    from shared.queue_snapshot import QueueSnapshot
    from shared.spool import Spool

KEPT_FOR_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Queue:
    """The queue at one moment.

    Attributes:
        pending: the entries in `spool/new`, oldest first.
        snapshot: the grader's last one; None where there is none.
    """

    pending: tuple[SubmissionId, ...]
    snapshot: QueueSnapshot | None

    def ahead_of(self, submission_id: SubmissionId, now: datetime) -> int:
        """Return how many entries come before this one that are not running at `now`."""
        before = bisect_left(self.pending, submission_id)
        if self.snapshot is None or not self.snapshot.is_fresh(now):
            return before
        running = sum(
            one < submission_id and self._is_pending(one) for one in self.snapshot.running
        )
        return before - running

    def _is_pending(self, submission_id: SubmissionId) -> bool:
        index = bisect_left(self.pending, submission_id)
        return index < len(self.pending) and self.pending[index] == submission_id


class QueueView:
    """Looks at the queue; threads may share it.

    Args:
        volume: `VOLUME_PATH`.
        spool: in it.
    """

    def __init__(self, volume: Path, spool: Spool) -> None:
        self._volume = volume
        self._spool = spool
        self._lock = threading.Lock()
        self._seen: Queue | None = None
        self._seen_at = 0.0

    def look(self) -> Queue:
        """Return the queue as it was at most a second ago.

        Raises:
            SpoolUnavailable: the spool cannot be listed.
        """
        with self._lock:  # those who come meanwhile get what the first one finds
            if self._seen is None or time.monotonic() - self._seen_at > KEPT_FOR_S:
                self._seen = Queue(tuple(self._spool.pending()), read_snapshot(self._volume))
                self._seen_at = time.monotonic()
            return self._seen
