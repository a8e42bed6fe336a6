"""The spool's verbs: each is a few files written durably and then one rename.

Order is what makes it safe. The contents of an entry are fsynced before the rename that shows it,
and the folder it was renamed into after it. A process killed anywhere leaves either what was
before or what is after, and doing the verb again completes it. Deliveries may come from any number
of threads and processes; the other verbs belong to the one grader, `retry` to staff as well.
"""

from __future__ import annotations

import logging
import secrets
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from shared.errors import DamagedEntry, UnknownEntry
from shared.model import utc_now
from shared.requests import NOTEBOOK_NAME, StaffRequest
from shared.spool import disk, entry
from shared.spool.census import Census, take_census
from shared.spool.content import Content
from shared.spool.entry import Entry, Failure, Place, spool_errors
from shared.spool.places import Places
from shared.spool.shared_sync import SharedSync

if TYPE_CHECKING:
    from datetime import timedelta
    from pathlib import Path

    from shared.model import SubmissionId
    from shared.requests import Envelope

log = logging.getLogger(__name__)

_NO_REASON = "The reason was lost: failure.json is missing or damaged."


class Spool:
    """The spool under one volume. Making one touches nothing; threads may share it."""

    def __init__(self, volume: Path) -> None:
        self._places = Places(volume)
        self._shown = SharedSync(self._places.new)

    @property
    def new_dir(self) -> Path:
        """The folder of delivered entries: what a watcher watches."""
        return self._places.new

    def free_bytes(self) -> int:
        """Return how much room the spool's disk has for this process's user.

        Raises:
            SpoolUnavailable: the disk refused.
        """
        with spool_errors("look at its disk"):
            return disk.free_bytes(self._places.new)

    def prepare(self) -> None:
        """Make the folders that are not there, and check that entries can move between them.

        Raises:
            SpoolUnavailable: a folder cannot be made or written, or not all of them are on one
                file system, so that an entry could not be moved in one step.
        """
        with spool_errors("prepare its folders"):
            self._places.make()
            self._places.check_moves()

    def check(self) -> None:
        """Check that an entry could be delivered and moved now.

        This makes no folder: where one is not there the volume went away, and what was delivered
        in its place would be hidden when it comes back.

        Raises:
            SpoolFull: there is no room.
            SpoolUnavailable: a folder is not there or cannot be written, or they are not all on
                one file system.
        """
        with spool_errors("be used"):
            self._places.check_moves()

    def deliver(
        self, envelope: Envelope | StaffRequest, notebook: Content | bytes | None = None
    ) -> None:
        """Store an entry durably and show it in `new/`. Once this returns it cannot be lost.

        Should the very last step fail, the fsync of `new/`, the entry stays where it is although
        an error is raised: a grader may have it in hand already. One submission too many does no
        harm; one that vanishes under a grader would.

        Args:
            envelope: its id decides the entry's name.
            notebook: what a submission's SHA-256 and size were taken of; None for what staff ask
                for. Deliveries in other threads may share the last fsync with this one.

        Raises:
            DuplicateEntry: an entry of this id is in the spool or the archive already.
            SpoolFull: there is no room. Nothing is left behind.
            SpoolUnavailable: the disk refused. Nothing is left behind.
            ValueError: notebook and envelope do not fit together, or the envelope is beyond what
                can be read back (`entry.ENVELOPE_MAX_BYTES`).
        """
        encoded = entry.encode_envelope(envelope)
        content = _fitting(envelope, notebook)
        # A name of its own for every delivery: what a killed one left behind is in nobody's way.
        staging = self._places.tmp / f"{envelope.id}.{secrets.token_hex(8)}"
        with spool_errors():
            try:
                disk.make_directory(staging)
                with disk.opened_entry(staging) as directory:
                    files = {entry.ENVELOPE_NAME: encoded}
                    if content is not None:
                        files[NOTEBOOK_NAME] = content
                    disk.write_files(directory, files)
                    disk.sync_entry(directory)
                self._places.show(staging, envelope.id)
            except BaseException:
                _removed(staging)
                raise
            # tmp/ needs no fsync: the rename is one transaction of the file system, and a name
            # that a power cut brought back there would be swept like any other leftover.
            self._shown.sync()

    def pending(self) -> list[SubmissionId]:
        """List the entries in `new/`, oldest first: names only, nothing is opened.

        Raises:
            SpoolUnavailable: the folder cannot be listed.
        """
        with spool_errors("list its entries"):
            return self._places.ids_in(self._places.new)

    def census(self) -> Census:
        """Count the entries by place; names only, nothing is opened.

        Raises:
            SpoolUnavailable: a folder cannot be listed.
        """
        with spool_errors("count its entries"):
            return take_census(self._places)

    def read(self, submission_id: SubmissionId) -> Entry:
        """Read an entry in `new/`; its notebook is read when asked for.

        Raises:
            UnknownEntry: it is not in `new/`.
            DamagedEntry: its envelope or its set of files is not what was delivered.
            SpoolUnavailable: the disk refused.
        """
        return self._read(Place.NEW, submission_id)

    def read_archived(self, submission_id: SubmissionId) -> Entry:
        """Read an entry in the archive; its notebook is read when asked for.

        Raises:
            UnknownEntry: it is not in the archive.
            DamagedEntry: its envelope or its set of files is not what was delivered.
            SpoolUnavailable: the disk refused.
        """
        return self._read(Place.ARCHIVED, submission_id)

    def read_request(self, request_id: SubmissionId) -> StaffRequest:
        """Read what staff ask for from an entry in `new/`.

        Raises:
            UnknownEntry: it is not in `new/`.
            DamagedEntry: it is not what was delivered, or is a submission.
            SpoolUnavailable: the disk refused.
        """
        with (
            spool_errors("read a request"),
            self._places.opened(Place.NEW, request_id) as directory,
        ):
            envelope = entry.read_envelope(directory, request_id)
            entry.check_files(directory, envelope)
        if isinstance(envelope, StaffRequest):
            return envelope
        raise DamagedEntry("This entry is a submission.")

    def begin_try(self, submission_id: SubmissionId) -> int:
        """Count a try, durably, before a run is started; return its number, 1 for the first.

        Raises:
            UnknownEntry: it is not in `new/`.
            DamagedEntry: how many there were cannot be read.
            SpoolFull: there is no room to count it.
            SpoolUnavailable: the disk refused.
        """
        with (
            spool_errors("count a try"),
            self._places.opened(Place.NEW, submission_id) as directory,
        ):
            number = entry.read_tries(directory) + 1
            entry.write_tries(directory, number)
        return number

    def tries(self, submission_id: SubmissionId) -> int:
        """Return how many tries were begun since it was delivered or last retried.

        Raises:
            UnknownEntry: the spool has no such entry, nor has the archive.
            DamagedEntry: how many there were cannot be read.
            SpoolUnavailable: the disk refused.
        """
        with (
            spool_errors("read the tries"),
            self._places.opened_anywhere(submission_id) as directory,
        ):
            return entry.read_tries(directory)

    def settle(self, submission_id: SubmissionId) -> None:
        """Move a recorded entry to the archive, whole. Doing it again is no error.

        Its sidecars travel along: taking them out first would add states to be killed in, and the
        archive then says how many tries it took and whether it was once buried.

        Raises:
            UnknownEntry: it is neither in `new/` nor in the archive.
            DuplicateEntry: it is in both; the archive's was not touched.
            SpoolFull: there is no room for its folder in the archive.
            SpoolUnavailable: the disk refused.
        """
        with spool_errors("settle an entry"):
            self._places.move(submission_id, Place.NEW, Place.ARCHIVED)

    def bury(self, submission_id: SubmissionId, reason: str) -> None:
        """Move an entry to `failed/` with the reason, in whatever state it is.

        Doing it again is no error, and the first reason stays.

        Args:
            submission_id: of an entry in `new/`.
            reason: in plain words for staff; kept up to 4000 characters.

        Raises:
            UnknownEntry: it is neither in `new/` nor in `failed/`.
            DuplicateEntry: it is in both; the one in `failed/` was not touched.
            SpoolFull: there is no room for the reason.
            SpoolUnavailable: the disk refused.
        """
        with spool_errors("bury an entry"):
            try:
                with self._places.opened(Place.NEW, submission_id) as directory:
                    tries = 0
                    with suppress(DamagedEntry):
                        tries = entry.read_tries(directory)
                    entry.write_failure(directory, reason=reason, tries=tries, buried_at=utc_now())
            except UnknownEntry:
                pass  # buried already, or indeed unknown: the move tells
            except DamagedEntry:
                log.warning(
                    "An entry is too damaged to take the reason of its burial along",
                    extra={"action": "bury", "submission_id": submission_id, "reason": reason},
                )
            self._places.move(submission_id, Place.NEW, Place.FAILED)

    def failed(self) -> list[Failure]:
        """List the buried entries, oldest submission first.

        Raises:
            SpoolUnavailable: the disk refused.
        """
        with spool_errors("list its failures"):
            buried = self._places.ids_in(self._places.failed)
        found = map(self.failure_of, buried)
        return [failure for failure in found if failure is not None]

    def retry(self, submission_id: SubmissionId) -> None:
        """Move a buried entry back to `new/`, where its tries start again.

        For an entry that is in `new/` already this does nothing. The last failure's sidecar stays
        with the entry, where only the next burial changes it.

        Raises:
            UnknownEntry: it is neither in `failed/` nor in `new/`.
            DuplicateEntry: it is in both; the one in `new/` was not touched.
            SpoolUnavailable: the disk refused.
        """
        with spool_errors("retry an entry"):
            # The tries go first, for in new/ a grader may count the next one at once. An entry that
            # is unknown here was retried already, or the move tells; a damaged one has no tries.
            with (
                suppress(UnknownEntry, DamagedEntry),
                self._places.opened(Place.FAILED, submission_id) as directory,
            ):
                entry.forget_tries(directory)
            self._places.move(submission_id, Place.FAILED, Place.NEW)

    def discard(self, submission_id: SubmissionId, *, requested_by: str, reason: str) -> None:
        """Move a buried entry to the archive, noting who gave it up. Nothing of it is deleted.

        Doing it again is no error, and the first note stays.

        Args:
            submission_id: of an entry in `failed/`.
            requested_by: who wants it.
            reason: in plain words; kept up to 4000 characters.

        Raises:
            UnknownEntry: it does not lie in `failed/`, and was not discarded before.
            DamagedEntry: what lies there is not a directory.
            DuplicateEntry: it is in the archive as well, which was not touched.
            SpoolFull: there is no room for the note.
            SpoolUnavailable: the disk refused.
        """
        with spool_errors("discard an entry"):
            note = entry.DiscardSidecar(
                reason=reason[: entry.REASON_MAX_CHARACTERS],
                requested_by=requested_by,
                discarded_at=utc_now(),
            )
            try:
                with self._places.opened(Place.FAILED, submission_id) as directory:
                    entry.write_discard(directory, note)
            except UnknownEntry:
                if not self.was_discarded(submission_id):
                    raise
            self._places.move(submission_id, Place.FAILED, Place.ARCHIVED)

    def was_discarded(self, submission_id: SubmissionId) -> bool:
        """Tell whether staff gave this entry up, so that the archive has it without a run.

        Raises:
            UnknownEntry: the spool has no such entry, nor has the archive.
            SpoolUnavailable: the disk refused.
        """
        with (
            spool_errors("look for a note"),
            self._places.opened_anywhere(submission_id) as directory,
        ):
            try:
                return entry.read_discard(directory) is not None
            except DamagedEntry:
                return True  # the note is there, whatever it says

    def find(self, submission_id: SubmissionId) -> Place | None:
        """Tell where an entry lies, in whatever state; None where there is none of this id.

        Raises:
            SpoolUnavailable: the disk refused, or the volume is not there.
        """
        with spool_errors("look for an entry"):
            try:
                return self._places.find(submission_id)
            except UnknownEntry:
                return None

    def envelope_of(self, submission_id: SubmissionId) -> Envelope:
        """Read a submission's envelope, wherever it lies.

        Raises:
            UnknownEntry: the spool has no such entry, nor has the archive.
            DamagedEntry: its envelope cannot be read, or is not a submission's.
            SpoolUnavailable: the disk refused.
        """
        return _submission(self.any_envelope_of(submission_id))

    def notebook_of(self, submission_id: SubmissionId) -> bytes:
        """Read a submission's notebook, wherever it lies: the bytes the receipt was given for.

        Raises:
            UnknownEntry: the spool has no such entry, nor has the archive.
            DamagedEntry: envelope or notebook is not what was delivered, or it is no submission.
            SpoolUnavailable: the disk refused.
        """
        with (
            spool_errors("read a notebook"),
            self._places.opened_anywhere(submission_id) as directory,
        ):
            envelope = _submission(entry.read_envelope(directory, submission_id))
            return entry.read_notebook(directory, envelope)

    def any_envelope_of(self, entry_id: SubmissionId) -> Envelope | StaffRequest:
        """Read an entry's envelope, wherever it lies and whatever it is.

        Raises:
            UnknownEntry: the spool has no such entry, nor has the archive.
            DamagedEntry: its envelope cannot be read.
            SpoolUnavailable: the disk refused.
        """
        with (
            spool_errors("read an envelope"),
            self._places.opened_anywhere(entry_id) as directory,
        ):
            return entry.read_envelope(directory, entry_id)

    def failure_of(self, submission_id: SubmissionId) -> Failure | None:
        """Read why an entry was buried; None where it does not lie in `failed/`.

        Raises:
            SpoolUnavailable: the disk refused.
        """
        envelope = note = None
        with spool_errors("read a failure"):
            try:
                buried_at_s = disk.changed_at_s(self._places.path(Place.FAILED, submission_id))
                with (
                    suppress(DamagedEntry),
                    self._places.opened(Place.FAILED, submission_id) as directory,
                ):
                    with suppress(DamagedEntry):
                        envelope = _submission(entry.read_envelope(directory, submission_id))
                    note = entry.read_failure(directory)
            except (UnknownEntry, FileNotFoundError):
                return None
        return Failure(
            envelope=envelope,
            id=submission_id,
            reason=note.reason if note else _NO_REASON,
            tries=note.tries if note else 0,
            buried_at=note.buried_at if note else datetime.fromtimestamp(buried_at_s, UTC),
        )

    def sweep_tmp(self, older_than: timedelta) -> int:
        """Remove what killed deliveries left in `tmp/`; return how many there were.

        Args:
            older_than: since something was last written there. Choose hours: a delivery that is
                still being written, however slow its disk, must not be swept.

        Raises:
            SpoolUnavailable: the folder cannot be listed.
        """
        oldest_s = time.time() - older_than.total_seconds()
        swept = 0
        with spool_errors("sweep its tmp/"):
            for name in disk.list_names(self._places.tmp):
                leftover = self._places.tmp / name
                with suppress(FileNotFoundError):  # delivered or cleaned up meanwhile
                    if disk.written_at_s(leftover) <= oldest_s and _removed(leftover):
                        swept += 1
        return swept

    def _read(self, place: Place, submission_id: SubmissionId) -> Entry:
        with (
            spool_errors("read an entry"),
            self._places.opened(place, submission_id) as directory,
        ):
            envelope = _submission(entry.read_envelope(directory, submission_id))
            entry.check_files(directory, envelope)
        return Entry(envelope, self._places.path(place, submission_id))


def _submission(envelope: Envelope | StaffRequest) -> Envelope:
    if isinstance(envelope, StaffRequest):
        raise DamagedEntry("This entry is no submission, but something that staff asked for.")
    return envelope


def _fitting(envelope: Envelope | StaffRequest, notebook: Content | bytes | None) -> bytes | None:
    """Return the notebook if it is the one the envelope speaks of; a caller's mistake otherwise."""
    if isinstance(envelope, StaffRequest):
        if notebook is not None:
            raise ValueError("what staff ask for has no notebook")
        return None
    if notebook is None:
        raise ValueError(f"an entry to {envelope.action} needs its notebook")
    content = notebook if isinstance(notebook, Content) else Content(notebook)
    if len(content.data) != envelope.payload.size_bytes:
        raise ValueError("the envelope gives another size than the notebook has")
    if content.sha256 != envelope.payload.sha256:
        raise ValueError("the envelope gives another SHA-256 than the notebook has")
    return content.data


def _removed(leftover: Path) -> bool:
    """Remove something from `tmp/`; where that fails say so, for it only takes up room."""
    try:
        disk.remove_tree(leftover)
    except FileNotFoundError:
        return False
    except OSError:
        log.warning(
            "A leftover in the spool's tmp/ could not be removed",
            extra={"action": "sweep_tmp", "entry_name": ascii(leftover.name)},
            exc_info=True,
        )
        return False
    return True
