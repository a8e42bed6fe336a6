"""Delivers a plan into the spool. Doing it again delivers only what is not there yet.

There is no state beside the spool and the gradebook: a notebook of the same bytes, student and
assignment is a duplicate wherever it came from. So a batch that was killed is simply given again.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.batch.finding import Problem
from shared.batch.planning import digest, read_content
from shared.errors import DamagedEntry, FileRefused, SpoolUnavailable, UnknownEntry
from shared.gradebook.known_notebooks import submission_of_notebook
from shared.model import new_submission_id, utc_now
from shared.requests import Envelope, Source, SubmitPayload

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Engine

    from shared.batch.planning import Planned
    from shared.model import AssignmentKey, Sha256, SubmissionId
    from shared.spool import Spool

LOCK_NAME: Final = "batch.lock"
REASON_MAX_CHARACTERS: Final = 4000

_Notebook = tuple[str, "AssignmentKey", "Sha256"]


@dataclass(frozen=True, slots=True)
class Taken:
    """A notebook that is in the spool or was recorded.

    Attributes:
        entry: of the plan.
        id: of its submission.
        is_new: whether it was delivered now; False for a duplicate.
    """

    entry: Planned
    id: SubmissionId
    is_new: bool


class Known:
    """Which notebooks there are already. Made at one moment, and told what is delivered since.

    Raises:
        SpoolError: the spool cannot be read.
    """

    def __init__(self, spool: Spool, gradebook: Engine | None) -> None:
        self._gradebook = gradebook
        self._waiting: dict[_Notebook, SubmissionId] = {}
        # The spool first: what leaves it meanwhile is in the gradebook by then. A buried entry may
        # be retried between the two lists, so the first is looked at again.
        seen: set[SubmissionId] = set()
        for list_ids in (spool.pending, lambda: _failed_ids(spool), spool.pending):
            for entry_id in list_ids():
                if entry_id not in seen:
                    seen.add(entry_id)
                    self._look_at(spool, entry_id)

    def _look_at(self, spool: Spool, entry_id: SubmissionId) -> None:
        try:
            envelope = spool.any_envelope_of(entry_id)
        except (UnknownEntry, DamagedEntry):
            return
        if isinstance(envelope, Envelope):
            payload = envelope.payload
            self._waiting[payload.student, payload.key, payload.sha256] = entry_id

    def submission_of(
        self, student: str, key: AssignmentKey, sha256: Sha256
    ) -> SubmissionId | None:
        """Return the submission that has this notebook, if there is one.

        Raises:
            GradebookError: the gradebook cannot be read.
        """
        waiting = self._waiting.get((student, key, sha256))
        if waiting is not None or self._gradebook is None:
            return waiting
        return submission_of_notebook(self._gradebook, student, key, sha256)

    def note(self, entry: Planned, submission_id: SubmissionId) -> None:
        """Remember a notebook that was delivered."""
        self._waiting[entry.student, entry.key, entry.sha256] = submission_id


def deliver(
    entries: Sequence[Planned],
    spool: Spool,
    known: Known,
    *,
    requested_by: str,
    reason: str,
) -> Iterator[Taken | Problem]:
    """Deliver what is planned, and say of each what became of it.

    Args:
        entries: of a plan, in its order.
        spool: where they go.
        known: what is there already.
        requested_by: who of staff hands them in.
        reason: in their words.

    Raises:
        SpoolError: the spool does not take any more; what was yielded is safe.
        GradebookError: the gradebook cannot be read.
    """
    for entry in entries:
        present = known.submission_of(entry.student, entry.key, entry.sha256)
        if present is not None:
            yield Taken(entry, present, is_new=False)
            continue
        try:
            content = read_content(entry.member)
        except FileRefused as refusal:
            yield Problem(entry.file, str(refusal))
            continue
        if digest(content) != entry.sha256:
            yield Problem(entry.file, "It was changed while it was taken in. Hand it in again.")
            continue
        envelope = _envelope(entry, len(content), requested_by, reason[:REASON_MAX_CHARACTERS])
        spool.deliver(envelope, content)
        known.note(entry, envelope.id)
        yield Taken(entry, envelope.id, is_new=True)


@contextmanager
def one_at_a_time(volume: Path) -> Iterator[None]:
    """Let nobody else deliver a batch inside the block: two at once could both find it missing.

    Raises:
        SpoolUnavailable: the lock's file cannot be opened.
    """
    path = volume / "spool" / LOCK_NAME
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise SpoolUnavailable(f"{path} cannot be opened: {error.strerror}.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _failed_ids(spool: Spool) -> list[SubmissionId]:
    return [failure.id for failure in spool.failed()]


def _envelope(entry: Planned, size_bytes: int, requested_by: str, reason: str) -> Envelope:
    payload = SubmitPayload(
        student=entry.student,
        course=entry.key.course,
        section=entry.key.section,
        assignment=entry.key.assignment,
        sha256=entry.sha256,
        size_bytes=size_bytes,
        source=Source.BATCH,
    )
    return Envelope(
        id=new_submission_id(),
        action="submit",
        payload=payload,
        requested_by=requested_by,
        received_at=entry.received_at or utc_now(),
        reason=reason,
    )
