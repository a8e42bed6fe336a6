"""Carries out what staff ask for, one after the other, in the order in which it was delivered.

In a thread of its own and beside the runs: staff can give an entry up or have it tried again while
every place is taken, and while the engine is out of order.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from gofer_ingest.grader.staff_actions import ACTIONS, Means
from shared.errors import DamagedEntry, GoferError, SpoolError, UnknownEntry, ValuesRefused
from shared.gradebook.staff_requests import Outcome, is_request_recorded, record_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Engine

    from gofer_ingest.grader.passback.loop import PassbackLoop
    from shared.catalogue import Catalogue
    from shared.model import SubmissionId
    from shared.spool import Spool

log = logging.getLogger(__name__)


class Desk:
    """Where staff's requests are carried out; threads may share it.

    Args:
        spool: where they lie, and what most of them are about.
        gradebook: where they are recorded.
        catalogue: by whose policies a grade is chosen anew.
        passback: sends grades to LMSs, and is told when a request may have made some.
        on_done: called after each that was carried out: there may be more to grade now.
    """

    def __init__(
        self,
        spool: Spool,
        gradebook: Engine,
        catalogue: Catalogue,
        passback: PassbackLoop | None = None,
        on_done: Callable[[], None] = lambda: None,
    ) -> None:
        self._spool = spool
        self._gradebook = gradebook
        self._on_done = on_done
        self._means = Means(spool, gradebook, catalogue, passback)
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
        except ValuesRefused as error:
            self._give_up(request_id, error)
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
        except Exception as error:  # noqa: BLE001 - logged with its traceback
            # The one frame around a request: a mistake in Gofer itself must not be met again at
            # each sweep with nobody told, and holds up none of the requests behind it.
            self._give_up(request_id, error)
        finally:
            with self._lock:
                self._taken_in.discard(request_id)

    def _carry_out(self, request_id: SubmissionId) -> None:
        request = self._spool.read_request(request_id)
        if not is_request_recorded(self._gradebook, request_id):
            outcome, message = ACTIONS[request.action](self._means, request, request.payload)
            record_request(self._gradebook, request, outcome, message)
            if self._means.passback is not None:
                self._means.passback.ring()
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
        self._on_done()

    def _give_up(self, request_id: SubmissionId, error: Exception) -> None:
        """Tell staff that a request failed; trying it again would change nothing."""
        words = str(error) if isinstance(error, GoferError) else type(error).__name__
        reason = f"Gofer itself failed ({words.rstrip('.')}); the grader's log says how."
        log.error(
            "A request of staff failed in a way nobody foresaw",
            exc_info=error,
            extra={"action": "request_broke", "request_id": request_id, "reason": reason},
        )
        try:
            request = self._spool.read_request(request_id)
            record_request(self._gradebook, request, Outcome.FAILED, reason)
            self._spool.settle(request_id)
        except (ValuesRefused, DamagedEntry):
            self._bury(request_id, reason)  # not even its record can be kept
        except GoferError as trouble:
            log.warning(
                "That a request of staff failed could not be recorded yet",
                extra={
                    "action": "request_failed",
                    "request_id": request_id,
                    "reason": str(trouble),
                },
            )
        except Exception as again:  # noqa: BLE001 - as around a request
            self._bury(request_id, f"{reason} Then: {type(again).__name__}.")

    def _bury(self, request_id: SubmissionId, reason: str) -> None:
        try:
            self._spool.bury(request_id, reason)
        except SpoolError as error:
            reason = f"{reason} ({error})"
        log.error(
            "A request of staff cannot be understood",
            extra={"action": "request_buried", "request_id": request_id, "reason": reason},
        )
