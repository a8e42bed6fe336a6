"""The receipts that each student was given lately: what makes a repeat, and fills a rate window.

They are noted after the delivery, so a process that is killed in between forgets one receipt, and
a notebook that is sent again is graded twice; no submission is ever lost by it. What cannot be read
of a file counts as not there, and one that cannot be written is left as it is: limits are there for
everyone's comfort, and a receipt is a promise.
"""

from __future__ import annotations

import json
import logging
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from gofer_ingest.server.small_files import SmallFiles
from shared.model import AssignmentKey
from shared.requests import Digest, EntryId  # noqa: TC001 - pydantic reads them at run time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta
    from pathlib import Path

    from gofer_ingest.server.small_files import LockedFile
    from shared.model import Sha256, SubmissionId

_log = logging.getLogger(__name__)

KEPT: Final = 200
"""How many of a student's receipts are kept, however old they are. Once there are twice as many as
are to be kept, the file is written anew."""
KEPT_AT_MOST: Final = 10_000
"""However often somebody may submit."""
MAX_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class RecentReceipt:
    """A receipt that a student was given.

    Attributes:
        id: of the submission.
        key: which assignment.
        sha256: of the stored notebook.
        received_at: aware, UTC.
    """

    id: SubmissionId
    key: AssignmentKey
    sha256: Sha256
    received_at: datetime


class _Row(NamedTuple):
    id: EntryId
    course: str
    section: str
    assignment: str
    sha256: Digest
    received_at: AwareDatetime


_rows: Final = TypeAdapter(list[_Row])


@dataclass(frozen=True, slots=True)
class _Read:
    """What was found in a file.

    Attributes:
        receipts: oldest first, in the order in which they were given.
        is_sound: whether that was all there is, so that a line can be added.
    """

    receipts: tuple[RecentReceipt, ...] = ()
    is_sound: bool = True


class StudentsReceipts:
    """The receipts of one student, while nobody else gives them another.

    Attributes:
        receipts: oldest first, in the order in which they were given.
    """

    def __init__(
        self,
        file: LockedFile | None,
        receipts: tuple[RecentReceipt, ...],
        kept_for: timedelta,
        *,
        is_sound: bool = True,
    ) -> None:
        self._file = file
        self._is_sound = is_sound
        self._kept_for = kept_for
        self.receipts = receipts

    def repeated(
        self, key: AssignmentKey, sha256: Sha256, *, now: datetime, within: timedelta
    ) -> RecentReceipt | None:
        """Return the receipt that was given for the same notebook a short while ago.

        A clock that was set back meanwhile makes it look as if it came from the future; that is a
        short while just as well.
        """
        for receipt in reversed(self.receipts):
            is_same = receipt.sha256 == sha256 and receipt.key == key
            if is_same and abs(now - receipt.received_at) < within:
                return receipt
        return None

    def given_for(self, key: AssignmentKey) -> list[datetime]:
        """Return when the receipts for an assignment were given."""
        return [receipt.received_at for receipt in self.receipts if receipt.key == key]

    def note(self, receipt: RecentReceipt) -> None:
        """Keep a receipt that is about to be given. That it cannot be kept is logged, no more."""
        self.receipts = (*self.receipts, receipt)
        if self._file is None:
            return
        kept = _kept(self.receipts, receipt.received_at, self._kept_for)
        try:
            if self._is_sound and len(self.receipts) <= 2 * len(kept):
                self._file.append(_line(receipt))
            else:
                self._file.replace(b"".join(map(_line, kept)))
        except OSError as error:
            _log.warning(
                "A receipt could not be noted, so that a repeat of it will be graded again",
                extra={
                    "action": "receipts.unwritable",
                    "submission_id": receipt.id,
                    "reason": str(error),
                },
            )


class RecentReceipts:
    """The receipts of all students. Making it touches nothing; threads may share it.

    Args:
        folder: where the files lie.
        kept_for: how long a receipt is needed for counting; at least the longest rate window.
    """

    def __init__(self, folder: Path, kept_for: timedelta) -> None:
        self._files = SmallFiles(folder)
        self._kept_for = kept_for

    def list_of(self, student: str) -> tuple[RecentReceipt, ...]:
        """Return the receipts of a student, the last one first. Waits for nobody."""
        try:
            encoded = self._files.read(student, MAX_BYTES)
        except OSError as error:
            return _unreadable(error).receipts
        return _parsed(encoded).receipts[::-1]

    @contextmanager
    def locked(self, student: str) -> Iterator[StudentsReceipts]:
        """Keep everyone else from giving this student a receipt until the end of the block.

        Where the file cannot be locked the block runs all the same, as if the student had none: the
        disk may refuse this and still take a submission.

        Raises:
            ServerBusy: someone else kept us waiting for too long.
        """
        with ExitStack() as stack:
            file = None
            try:
                file = stack.enter_context(self._files.locked(student))
                read = _parsed(file.read(MAX_BYTES))
            except OSError as error:
                read = _unreadable(error)
            yield StudentsReceipts(file, read.receipts, self._kept_for, is_sound=read.is_sound)


def _kept(
    receipts: tuple[RecentReceipt, ...], now: datetime, kept_for: timedelta
) -> tuple[RecentReceipt, ...]:
    """Leave out old ones beyond the number that is kept in any case."""
    old = receipts[:-KEPT]
    needed = [receipt for receipt in old if now - receipt.received_at < kept_for]
    return (*needed, *receipts[-KEPT:])[-KEPT_AT_MOST:]


def _line(receipt: RecentReceipt) -> bytes:
    key = receipt.key
    received_at = receipt.received_at.isoformat()
    row = (receipt.id, key.course, key.section, key.assignment, receipt.sha256, received_at)
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode("utf-8") + b"\n"


def _unreadable(error: OSError) -> _Read:
    _log.warning(
        "A student's recent receipts cannot be used and count as none",
        extra={"action": "receipts.unusable", "reason": str(error)},
    )
    return _Read(is_sound=False)


def _parsed(content: bytes | None) -> _Read:
    """Read the lines that are whole, and leave out those that cannot be understood."""
    if not content:
        return _Read()
    *lines, torn = content.split(b"\n")
    try:
        rows = _rows.validate_json(b"[%b]" % b",".join(lines))
    except ValidationError:
        rows = []
        for line in lines:
            with suppress(ValidationError):
                rows += _rows.validate_json(b"[%b]" % line)
    damaged = len(lines) - len(rows)
    if damaged:
        _log.warning(
            "A file of recent receipts is damaged; what cannot be understood is left out",
            extra={"action": "receipts.damaged", "damaged": damaged, "understood": len(rows)},
        )
    receipts = (
        RecentReceipt(
            id=row.id,
            key=AssignmentKey(row.course, row.section, row.assignment),
            sha256=row.sha256,
            received_at=row.received_at,
        )
        for row in rows
    )
    return _Read(tuple(receipts), is_sound=not torn and damaged == 0)
