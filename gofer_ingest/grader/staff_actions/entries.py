"""Entries that were set aside: graded again, or given up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gofer_ingest.grader.staff_actions.answer import Answer, Means
from shared.errors import DuplicateEntry, UnknownEntry
from shared.gradebook.staff_requests import Outcome
from shared.spool import Place

if TYPE_CHECKING:
    from shared.requests import DiscardPayload, RetryPayload, StaffRequest

_NO_SUCH_ENTRY: Final = Answer(Outcome.REFUSED, "There is no set-aside submission of this id.")


def retry(means: Means, request: StaffRequest, payload: RetryPayload) -> Answer:
    """Put an entry back to those that wait."""
    del request
    try:
        means.spool.retry(payload.entry)
    except (UnknownEntry, DuplicateEntry):
        # Asked for twice, or done by a grader that was killed before it wrote that down.
        if means.spool.find(payload.entry) is not Place.NEW:
            return _NO_SUCH_ENTRY
    return Answer(Outcome.DONE, "It is graded again.")


def discard(means: Means, request: StaffRequest, payload: DiscardPayload) -> Answer:
    """Move an entry to the archive, without a grade."""
    try:
        means.spool.discard(payload.entry, requested_by=request.requested_by, reason=request.reason)
    except (UnknownEntry, DuplicateEntry):
        is_archived = means.spool.find(payload.entry) is Place.ARCHIVED
        if not (is_archived and means.spool.was_discarded(payload.entry)):
            return _NO_SUCH_ENTRY
    return Answer(Outcome.DONE, "It lies in the archive, without a grade.")
