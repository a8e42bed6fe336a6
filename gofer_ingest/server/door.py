"""What a submission passes on its way in, apart from HTTP: read it, know it, keep it, receipt."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gofer_ingest.server.errors import NotAllowed
from gofer_ingest.server.notebooks import read_notebook
from gofer_ingest.server.rate_windows import check_rate
from gofer_ingest.server.recent_receipts import RecentReceipt
from shared.model import new_submission_id, utc_now
from shared.requests import Envelope, SubmitPayload
from shared.spool import Content

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from gofer_ingest.server.identity import Person
    from gofer_ingest.server.notebooks import ShapeLimits
    from gofer_ingest.server.recent_receipts import RecentReceipts, StudentsReceipts
    from gofer_ingest.server.room import Room
    from shared.catalogue import Catalogue
    from shared.model import AssignmentKey, Sha256, SubmissionId
    from shared.spool import Spool

LARGE_BYTES: Final = 1 << 20
"""Larger bodies are read one at a time: made for it, 10 MB of JSON take 300 MB of memory."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The promise that a submission is on disk."""

    id: SubmissionId
    sha256: Sha256
    received_at: datetime
    student: str
    key: AssignmentKey

    @property
    def short_id(self) -> str:
        """The end of the id, which is what tells two ids of one minute apart."""
        return self.id[-8:]

    @property
    def sentence(self) -> str:
        """What a student reads who pressed the button."""
        return (
            f"Your notebook for {self.key.assignment} was received and will be graded. "
            f"Receipt: {self.short_id}"
        )

    def as_json(self, status_url: str) -> dict[str, str]:
        """Return what a program reads."""
        return {
            "id": self.id,
            "sha256": self.sha256,
            "received_at": self.received_at.isoformat(),
            "status_url": status_url,
            "student": self.student,
            "course": self.key.course,
            "section": self.key.section,
            "assignment": self.key.assignment,
        }


@dataclass(frozen=True, slots=True)
class Door:
    """The submission's way in.

    Attributes:
        catalogue: which assignments there are, and how often each may be submitted.
        spool: where submissions are delivered.
        recent: the receipts that were given lately.
        room: whether there is room for more.
        shape: how large a notebook may be apart from its bytes.
        repeat_window: how long the same notebook sent again gets the same receipt.
        clock: the time, aware, in UTC.
    """

    catalogue: Catalogue
    spool: Spool
    recent: RecentReceipts
    room: Room
    shape: ShapeLimits
    repeat_window: timedelta
    clock: Callable[[], datetime] = utc_now
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def accept(self, body: bytes, person: Person) -> Receipt:
        """Take a submission in; when this returns it is on disk. May run in any thread.

        A notebook that this student was given a receipt for a short while ago is not taken in
        again: the receipt is the same. It counts nothing in a rate window, and is given even when
        the window is full.

        Raises:
            SubmissionRejected: it cannot be accepted; nothing was stored.
            NotAllowed: the body is another than the sign-in says.
            SpoolError: it could not be stored.
            TooManyWaiting, ServerBusy: not just now; nothing was stored.
        """
        whole = None if person.body_sha256 is None else _as_signed(body, person.body_sha256)
        with self._one_at_a_time if len(body) > LARGE_BYTES else nullcontext():
            notebook = read_notebook(body, self.shape)
        rate = self.catalogue.find(notebook.key).rate
        content = whole if whole and notebook.content is body else Content(notebook.content)
        with self.recent.locked(person.name) as given:
            now = self.clock()
            receipt = self._repeated(given, notebook.key, content.sha256, now)
            if receipt is None:
                check_rate(given.given_for(notebook.key), notebook.key, rate, now)
                receipt = RecentReceipt(new_submission_id(), notebook.key, content.sha256, now)
                self._deliver(receipt, content, person)
                given.note(receipt)
        return Receipt(
            id=receipt.id,
            sha256=receipt.sha256,
            received_at=receipt.received_at,
            student=person.name,
            key=receipt.key,
        )

    def _repeated(
        self, given: StudentsReceipts, key: AssignmentKey, sha256: Sha256, now: datetime
    ) -> RecentReceipt | None:
        """Return the receipt that this notebook has already, if what it promises is there."""
        receipt = given.repeated(key, sha256, now=now, within=self.repeat_window)
        if receipt is None or self.spool.find(receipt.id) is None:
            return None
        return receipt

    def _deliver(self, receipt: RecentReceipt, content: Content, person: Person) -> None:
        size_bytes = len(content.data)
        if self.room.is_look_due:
            self.room.refresh()
        self.room.check(size_bytes)
        payload = SubmitPayload(
            student=person.name,
            course=receipt.key.course,
            section=receipt.key.section,
            assignment=receipt.key.assignment,
            sha256=receipt.sha256,
            size_bytes=size_bytes,
            source=person.source,
        )
        envelope = Envelope(
            id=receipt.id,
            action="submit",
            payload=payload,
            requested_by=person.name,
            received_at=receipt.received_at,
        )
        self.spool.deliver(envelope, content)
        self.room.take(size_bytes)


def _as_signed(body: bytes, expected: str) -> Content:
    """Return a body with its SHA-256.

    Raises:
        NotAllowed: it is not the one that whoever signed the request says.
    """
    content = Content(body)
    if content.sha256 != expected:
        raise NotAllowed(
            "What arrived is not what was signed, so nothing was accepted. Submit again."
        )
    return content
