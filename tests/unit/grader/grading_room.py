"""A volume with a real spool and a real gradebook, one assignment, and a scripted sandbox."""

from __future__ import annotations

import hashlib
import itertools
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from gofer_ingest.grader.autograders import Autograders
from gofer_ingest.grader.runs import Tools
from gofer_ingest.grader.tally import Tally
from gofer_ingest.grader.worker import Worker
from shared.catalogue import Assignment, Catalogue
from shared.gradebook import tables
from shared.model import (
    AssignmentKey,
    Limits,
    Sha256,
    SubmissionId,
    new_submission_id,
    utc_now,
)
from shared.requests import Envelope, Source, SubmitPayload
from shared.spool import Place, Spool
from tests.support.processes import wait_until
from tests.support.zips import notebook
from tests.unit.grader.scripted_sandbox import ScriptedSandbox
from tests.unit.shared.gradebook_samples import fresh_gradebook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = AssignmentKey("demo101", "1", "lab01")
NOTEBOOK = notebook("total = 2 + 3")
MAX_TRIES = 3


class Room:
    """Everything a worker needs, and a look at what it did.

    Attributes:
        volume: its `spool`, `submissions` and `gradebook.db` are real.
        zip_path: of the assignment's autograder zip, whose bytes only the sandbox double sees.
        sandbox: the double.
    """

    def __init__(self, volume: Path) -> None:
        self.volume = volume
        self.zip_path = volume / "autograder.zip"
        self.zip_path.write_bytes(b"zip 1")
        self.solution: Path | None = None
        self.image: str | None = None
        self.spool = Spool(volume)
        self.spool.prepare()
        self.gradebook = fresh_gradebook(volume)
        self.sandbox = ScriptedSandbox()
        self.autograders = Autograders(self.sandbox, self.gradebook)
        self._numbers = itertools.count(1)
        self.tally = Tally()

    @property
    def assignment(self) -> Assignment:
        return Assignment(
            key=KEY,
            autograder_zip=self.zip_path,
            solution=self.solution,
            image=self.image,
            limits=Limits(time_s=5.0),
            lms_id=None,
        )

    @property
    def tools(self) -> Tools:
        return Tools(
            spool=self.spool,
            catalogue=Catalogue([self.assignment]),
            autograders=self.autograders,
            sandbox=self.sandbox,
            gradebook=self.gradebook,
            max_tries=MAX_TRIES,
            tally=self.tally,
        )

    def submitted(
        self,
        stored: bytes = NOTEBOOK,
        *,
        assignment: str = "lab01",
        student: str | None = None,
        source: Source = Source.DEV,
    ) -> SubmissionId:
        """Deliver a notebook of a student's, of a new one's where none is named; return its id."""
        student = student or f"josé {next(self._numbers)}"
        payload = SubmitPayload(
            student=student,
            course=KEY.course,
            section=KEY.section,
            assignment=assignment,
            sha256=Sha256(hashlib.sha256(stored).hexdigest()),
            size_bytes=len(stored),
            source=source,
        )
        envelope = Envelope(
            id=new_submission_id(),
            action="submit",
            payload=payload,
            requested_by=student,
            received_at=utc_now(),
        )
        self.spool.deliver(envelope, stored)
        return envelope.id

    def runs(self, entry_id: SubmissionId) -> list[Any]:
        """The recorded runs of a submission."""
        runs = tables.grading_runs
        with self.gradebook.connect() as connection:
            found = connection.execute(select(runs).where(runs.c.submission_id == entry_id))
            return list(found)

    def is_settled(self, *entry_ids: SubmissionId) -> bool:
        return all(self.spool.find(entry_id) is Place.ARCHIVED for entry_id in entry_ids)

    def is_buried(self, entry_id: SubmissionId) -> bool:
        return self.spool.find(entry_id) is Place.FAILED

    def reason(self, entry_id: SubmissionId) -> str:
        """Why an entry was buried."""
        failure = self.spool.failure_of(entry_id)
        assert failure is not None
        return failure.reason

    def close(self) -> None:
        self.gradebook.dispose()

    @contextmanager
    def working(
        self, *, concurrency: int = 2, sweep_s: float = 0.05, drain_s: float = 30.0
    ) -> Iterator[Worker]:
        """A worker at work; on leaving it is stopped, and must come to its end."""
        worker = Worker(self.tools, concurrency=concurrency, sweep_s=sweep_s, drain_s=drain_s)
        ended: list[bool] = []
        thread = threading.Thread(target=lambda: ended.append(worker.run()), daemon=True)
        thread.start()
        try:
            yield worker
        finally:
            self.sandbox.gate.set()
            self.sandbox.build_gate.set()
            worker.stop()
            thread.join(30)
        assert ended == [True], "the worker did not come to a clean end"

    def work_until_settled(self, *entry_ids: SubmissionId) -> None:
        with self.working():
            wait_until(lambda: self.is_settled(*entry_ids))
