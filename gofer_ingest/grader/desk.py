"""Carries out what staff ask for, one after the other, in the order in which it was delivered.

In a thread of its own and beside the runs: staff can give an entry up or have it tried again while
every place is taken, and while the engine is out of order.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from shared.errors import DamagedEntry, DuplicateEntry, GoferError, SpoolError, UnknownEntry
from shared.gradebook.staff_requests import Outcome, is_request_recorded, record_request
from shared.requests import DiscardPayload, RetryPayload

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Engine

    from shared.model import SubmissionId
    from shared.requests import StaffRequest
    from shared.spool import Spool

log = logging.getLogger(__name__)


class Desk:
    """Where staff's requests are carried out; threads may share it.

    Args:
        spool: where they lie, and what most of them are about.
        gradebook: where they are recorded.
    """

    def __init__(self, spool: Spool, gradebook: Engine) -> None:
        self._spool = spool
        self._gradebook = gradebook
        self._clerk = ThreadPoolExecutor(1, thread_name_prefix="desk")
        self._lock = threading.Lock()
        self._taken_in: set[SubmissionId] = set()

    def __contains__(self, request_id: SubmissionId) -> bool:
        with self._lock:
            return request_id in self._taken_in

    def take_in(self, request_ids: Iterable[SubmissionId]) -> None:
        """Have requests carried out; those that are taken in already stay where they are."""
        for request_id in request_ids:
            with self._lock:
                if request_id in self._taken_in:
                    continue
                self._taken_in.add(request_id)
            self._clerk.submit(self._attend_to, request_id)

    def close(self) -> None:
        """Finish the one in hand; the others stay in the spool."""
        self._clerk.shutdown(cancel_futures=True)

    def _attend_to(self, request_id: SubmissionId) -> None:
        try:
            self._carry_out(request_id)
        except UnknownEntry:
            pass  # settled already
        except DamagedEntry as error:
            self._bury(request_id, str(error))
        except GoferError as error:
            # The disk or the gradebook: the next sweep finds it again.
            log.warning(
                "A request of staff could not be carried out yet",
                extra={
                    "action": "request_failed",
                    "request_id": request_id,
                    "reason": str(error),
                },
            )
        finally:
            with self._lock:
                self._taken_in.discard(request_id)

    def _carry_out(self, request_id: SubmissionId) -> None:
        request = self._spool.read_request(request_id)
        if not is_request_recorded(self._gradebook, request_id):
            outcome, message = self._do(request)
            record_request(self._gradebook, request, outcome, message)
            log.info(
                "Carried out what staff asked for",
                extra={
                    "action": "request_done",
                    "request_id": request_id,
                    "request": request.action,
                    "requested_by": request.requested_by,
                    "outcome": outcome,
                },
            )
        self._spool.settle(request_id)

    def _do(self, request: StaffRequest) -> tuple[Outcome, str]:
        """Do it; doing it again after a kill changes nothing."""
        try:
            match request.payload:
                case RetryPayload(entry=entry_id):
                    self._spool.retry(entry_id)
                    return Outcome.DONE, "It is graded again."
                case DiscardPayload(entry=entry_id):
                    self._spool.discard(
                        entry_id, requested_by=request.requested_by, reason=request.reason
                    )
                    return Outcome.DONE, "It lies in the archive, without a grade."
        except (UnknownEntry, DuplicateEntry):
            return Outcome.REFUSED, "There is no set-aside submission of this id."

    def _bury(self, request_id: SubmissionId, reason: str) -> None:
        try:
            self._spool.bury(request_id, reason)
        except SpoolError as error:
            reason = f"{reason} ({error})"
        log.error(
            "A request of staff cannot be understood",
            extra={"action": "request_buried", "request_id": request_id, "reason": reason},
        )
