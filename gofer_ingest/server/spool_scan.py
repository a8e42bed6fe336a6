"""A student's receipts as the spool itself shows them: a look through its newest entries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.errors import DamagedEntry, UnknownEntry

if TYPE_CHECKING:
    from datetime import datetime

    from shared.model import AssignmentKey, Sha256, SubmissionId
    from shared.spool import Spool

LOOKED_THROUGH: Final = 500


@dataclass(frozen=True, slots=True)
class ScannedReceipt:
    """A receipt as an entry's envelope tells it."""

    id: SubmissionId
    key: AssignmentKey
    sha256: Sha256
    received_at: datetime


class SpoolScan:
    """Looks through the spool anew each time."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def list_of(self, student: str) -> tuple[ScannedReceipt, ...]:
        """Return the receipts of a student whose entries are among the newest, newest first."""
        buried = [failure.id for failure in self._spool.failed()]
        ids = sorted([*self._spool.pending()[-LOOKED_THROUGH:], *buried], reverse=True)
        found = []
        for submission_id in ids[:LOOKED_THROUGH]:
            try:
                envelope = self._spool.envelope_of(submission_id)
            except (UnknownEntry, DamagedEntry):
                continue
            payload = envelope.payload
            if payload.student == student:
                found.append(
                    ScannedReceipt(submission_id, payload.key, payload.sha256, envelope.received_at)
                )
        return tuple(found)
