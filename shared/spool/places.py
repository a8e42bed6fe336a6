"""The spool's folders: where an entry can lie, how it is found there, and how it is moved.

Like `entry`, this lets `OSError` pass; the verbs in `directory_queue` turn it into the spool's
errors.
"""

from __future__ import annotations

import errno
import logging
import secrets
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from shared.errors import DuplicateEntry, SpoolUnavailable, UnknownEntry
from shared.model import SubmissionId
from shared.spool import disk
from shared.spool.entry import Place, is_entry_id

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

log = logging.getLogger(__name__)

_PROBE_PREFIX = ".probe-"

# What a rename says when something that is not an empty directory has the name already.
_TARGET_TAKEN = frozenset({errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR})

# An entry may be moved between two looks. Its ways are new → failed → new → archived, so looking
# in this order finds it through any single move; to be missed it has to be moved twice in between.
_SEARCH_ORDER = (Place.NEW, Place.FAILED, Place.NEW, Place.ARCHIVED)


class Places:
    """The folders of one volume. Making one touches nothing; threads may share it."""

    def __init__(self, volume: Path) -> None:
        self.volume = volume
        self.tmp = volume / "spool" / "tmp"
        self.new = volume / "spool" / "new"
        self.failed = volume / "spool" / "failed"
        self.archive = volume / "submissions"
        self._odd_names: set[Path] = set()
        self._durable_shards: set[Path] = set()

    def make(self) -> None:
        """Make the folders that are not there, durably."""
        disk.make_directories(self.volume)
        for folder in (self.tmp.parent, self.tmp, self.new, self.failed, self.archive):
            disk.make_directory(folder)
        # Also where they were there: whoever made them may have been killed before this.
        disk.sync_folder(self.tmp.parent)
        disk.sync_folder(self.volume)

    def check_moves(self) -> None:
        """Move an empty directory through all folders, as entries will have to.

        Comparing device numbers would not do: two mounts of the same file system have the same
        number, and still nothing can be renamed from one into the other.

        Raises:
            SpoolUnavailable: the folders are not on one file system.
        """
        probe = f"{_PROBE_PREFIX}{secrets.token_hex(8)}"
        here = self.tmp / probe
        disk.make_directory(here)
        try:
            for folder in (self.new, self.failed, self.archive):
                disk.rename(here, folder / probe)
                here = folder / probe
        except OSError as error:
            if error.errno == errno.EXDEV:
                raise SpoolUnavailable(
                    f"Entries cannot be moved between {here.parent} and {folder}: put spool/ and "
                    "submissions/ on one file system and in one mount."
                ) from error
            raise
        finally:
            disk.remove_empty_directory(here)

    def path(self, place: Place, submission_id: SubmissionId) -> Path:
        """Return where an entry lies when it is in this place.

        The archive is sharded by the id's last two characters: the first ones of a UUIDv7 are the
        clock's, so that for weeks on end all would be the same.

        Raises:
            UnknownEntry: this text is no entry's id; nothing else may become a part of a path.
        """
        if not is_entry_id(submission_id):
            raise UnknownEntry(f"{ascii(submission_id)[:80]} is not the id of an entry.")
        match place:
            case Place.NEW:
                return self.new / submission_id
            case Place.FAILED:
                return self.failed / submission_id
            case Place.ARCHIVED:
                return self.archive / submission_id[-2:] / submission_id

    def ids_in(self, folder: Path) -> list[SubmissionId]:
        """List the entries in `new` or `failed`, oldest first; other names are logged once."""
        ids = []
        for name in disk.list_names(folder):
            if is_entry_id(name):
                ids.append(SubmissionId(name))
            elif folder / name not in self._odd_names and not name.startswith(_PROBE_PREFIX):
                self._odd_names.add(folder / name)
                log.warning(
                    "Something in the spool is not an entry and is left alone",
                    extra={
                        "action": "list_entries",
                        "folder": folder.name,
                        "entry_name": ascii(name),
                    },
                )
        ids.sort()
        return ids

    def find(self, submission_id: SubmissionId) -> Place | None:
        """Tell where an entry lies, in whatever state.

        Raises:
            UnknownEntry: this text is no entry's id.
            SpoolUnavailable: the folders are not there.
        """
        for place in _SEARCH_ORDER:
            if disk.is_there(self.path(place, submission_id)):
                return place
        self._insist()
        return None

    @contextmanager
    def opened(self, place: Place, submission_id: SubmissionId) -> Iterator[int]:
        """Open the directory of an entry that lies in this place.

        Raises:
            UnknownEntry: it does not, or was deleted while it was open.
            DamagedEntry: it is not a directory.
            SpoolUnavailable: the folders are not there.
        """
        try:
            with disk.opened_entry(self.path(place, submission_id)) as directory:
                yield directory
        except FileNotFoundError as error:
            self._insist()
            raise UnknownEntry from error

    @contextmanager
    def opened_anywhere(self, submission_id: SubmissionId) -> Iterator[int]:
        """Open the directory of an entry wherever it lies; raises what `opened` raises."""
        with ExitStack() as stack:
            for place in _SEARCH_ORDER:
                try:
                    directory = stack.enter_context(self.opened(place, submission_id))
                except UnknownEntry:
                    continue
                break
            else:
                raise UnknownEntry
            yield directory

    def show(self, staging: Path, submission_id: SubmissionId) -> None:
        """Move a finished entry from `tmp/` into `new/`; not yet durable.

        Raises:
            DuplicateEntry: an entry of this id is in the spool or the archive already.
        """
        # Whether it lies in new/, and whether the volume is there, the rename itself tells.
        for place in (Place.FAILED, Place.ARCHIVED):
            if disk.is_there(self.path(place, submission_id)):
                raise DuplicateEntry
        _rename(staging, self.path(Place.NEW, submission_id))

    def move(self, submission_id: SubmissionId, source: Place, target: Place) -> None:
        """Move an entry durably. Where it has been moved already, only make sure of that.

        Raises:
            UnknownEntry: it lies in neither place.
            DuplicateEntry: it lies in both; nothing was moved.
        """
        here, there = self.path(source, submission_id), self.path(target, submission_id)
        if target is Place.ARCHIVED:
            self._make_shard(there.parent)
        try:
            _rename(here, there)
        except FileNotFoundError as error:
            if not disk.is_there(there):
                self._insist()
                raise UnknownEntry from error
        # Also where an earlier call moved it: that one may have been killed before this. The
        # target's folder goes first, so that the entry is never durable in neither.
        disk.sync_folder(there.parent)
        disk.sync_folder(here.parent)

    def _make_shard(self, shard: Path) -> None:
        # Once in each process also where it is there: whoever made it may have been killed before
        # it was durable, and then what is moved into it would not be durable either.
        if disk.make_directory(shard) or shard not in self._durable_shards:
            disk.sync_folder(self.archive)
            self._durable_shards.add(shard)

    def _insist(self) -> None:
        """Tell a missing entry from a missing volume."""
        if not disk.is_there(self.new):
            raise SpoolUnavailable(f"{self.new} is not there. Is the volume mounted?")


def _rename(source: Path, target: Path) -> None:
    try:
        disk.rename(source, target)
    except OSError as error:
        if error.errno in _TARGET_TAKEN:
            raise DuplicateEntry from error
        raise
