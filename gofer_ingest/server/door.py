"""What a submission passes on its way in, apart from HTTP: read it, know it, keep it, receipt."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gofer_ingest.server.notebooks import read_notebook
from shared.errors import DamagedEntry, UnknownEntry
from shared.model import Sha256, new_submission_id, utc_now
from shared.requests import Envelope, SubmitPayload
from shared.spool import Place

if TYPE_CHECKING:
    from datetime import datetime

    from gofer_ingest.server.identity import Person
    from shared.catalogue import Catalogue
    from shared.model import AssignmentKey, SubmissionId
    from shared.spool import Spool

_STATES = {Place.NEW: "waiting", Place.ARCHIVED: "recorded", Place.FAILED: "set_aside"}


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
        catalogue: which assignments there are.
        spool: where submissions are delivered.
    """

    catalogue: Catalogue
    spool: Spool

    def accept(self, body: bytes, person: Person) -> Receipt:
        """Take a submission in; when this returns it is on disk. May run in any thread.

        Raises:
            SubmissionRejected: it cannot be accepted; nothing was stored.
            SpoolError: it could not be stored.
        """
        notebook = read_notebook(body)
        self.catalogue.find(notebook.key)
        receipt = Receipt(
            id=new_submission_id(),
            sha256=Sha256(hashlib.sha256(notebook.content).hexdigest()),
            received_at=utc_now(),
            student=person.name,
            key=notebook.key,
        )
        payload = SubmitPayload(
            student=person.name,
            course=notebook.key.course,
            section=notebook.key.section,
            assignment=notebook.key.assignment,
            sha256=receipt.sha256,
            size_bytes=len(notebook.content),
            source=person.source,
        )
        envelope = Envelope(
            id=receipt.id,
            action="submit",
            payload=payload,
            requested_by=person.name,
            received_at=receipt.received_at,
        )
        self.spool.deliver(envelope, notebook.content)
        return receipt


def state_of(submission_id: SubmissionId, person: Person, spool: Spool) -> dict[str, str]:
    """Return the state of a student's own submission, for a program to read.

    Raises:
        UnknownEntry: there is none of this id, or it is another student's: which of the two is
            nobody's business, so that ids cannot be tried out.
        SpoolError: the spool cannot be read.
    """
    place = spool.find(submission_id)
    if place is None:
        raise UnknownEntry
    try:
        envelope = spool.envelope_of(submission_id)
    except DamagedEntry as error:
        raise UnknownEntry from error  # whose it is cannot be told any more
    payload = envelope.payload
    if payload.student != person.name and not person.is_staff:
        raise UnknownEntry
    return {
        "id": envelope.id,
        "state": _STATES[place],
        "sha256": payload.sha256,
        "received_at": envelope.received_at.isoformat(),
        "student": payload.student,
        "course": payload.course,
        "section": payload.section,
        "assignment": payload.assignment,
    }
