"""What staff asked for and the grader has not done yet, found in the spool."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from shared.errors import SpoolError
from shared.requests import StaffRequest

if TYPE_CHECKING:
    from shared.model import SubmissionId
    from shared.spool import Spool

_LOOKED_AT: Final = 500
"""How many unknown entries are opened at one look: each is a file, and there may be thousands."""


class PendingRequests:
    """Finds requests among all entries that wait; threads may share it.

    An entry's name does not say what it is, and what it is never changes. So each is opened once,
    the newest first, some hundreds at a look.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._lock = threading.Lock()
        self._known: dict[SubmissionId, StaffRequest | None] = {}

    def look(self) -> tuple[StaffRequest, ...]:
        """Return the requests that wait, oldest first; none where the spool is not there.

        Raises:
            SpoolError: the disk refused.
        """
        if not self._spool.new_dir.exists():
            return ()
        waiting = self._spool.pending()
        with self._lock:
            known = {one: self._known[one] for one in waiting if one in self._known}
            unknown = [one for one in reversed(waiting) if one not in known]
            for one in unknown[:_LOOKED_AT]:
                known[one] = self._request(one)
            self._known = known
            return tuple(request for request in map(known.get, waiting) if request is not None)

    def _request(self, entry_id: SubmissionId) -> StaffRequest | None:
        try:
            envelope = self._spool.any_envelope_of(entry_id)
        except SpoolError:
            return None  # settled meanwhile, or damaged: the grader buries it
        return envelope if isinstance(envelope, StaffRequest) else None
