"""What a submission passes on its way in, apart from HTTP: read it, know it, keep it, receipt."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gofer_ingest.server.notebooks import read_notebook
from shared.model import Sha256, new_submission_id, utc_now
from shared.requests import Envelope, SubmitPayload

if TYPE_CHECKING:
    from datetime import datetime

    from gofer_ingest.server.identity import Person
    from shared.catalogue import Catalogue
    from shared.model import AssignmentKey, SubmissionId
    from shared.spool import Spool


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
