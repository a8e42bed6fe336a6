"""From a path to the notebooks in it: a notebook, a folder of them, or a zip, also one in a zip.

Only looks. Symbolic links are not followed, what systems leave lying about is skipped, and a zip
that unpacks to too much is refused before it is unpacked.
"""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from shared.batch.archives import OpenArchives, copy_member, path_in, read_member, refusal_of
from shared.batch.finding import (
    BatchLimits,
    Finding,
    Member,
    Problem,
    is_archive,
    is_junk,
    is_notebook,
    is_side_file,
)
from shared.errors import BatchRefused, FileRefused

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterator

_LINK: Final = "It is a link, and links are not followed."
_USUAL_LIMITS: Final = BatchLimits()
_DEEPEST_ARCHIVE: Final = 2


@contextmanager
def opened(path: Path, limits: BatchLimits = _USUAL_LIMITS) -> Iterator[Finding]:
    """Find the notebooks in what staff gave; they can be read inside the block.

    Args:
        path: a notebook, a folder or a zip.
        limits: how much it may be.

    Raises:
        BatchRefused: it is none of them, cannot be read, or is too much.
    """
    finding = Finding(name=path.name)
    with ExitStack() as stack:
        try:
            _look(path, finding, _Search(finding, limits, stack))
        except OSError as error:
            raise BatchRefused(f"{path}: it cannot be read: {error.strerror}.") from error
        finding.notebooks.sort(key=lambda member: member.path)
        yield finding


def read_file(path: Path, max_bytes: int) -> bytes:
    """Return a plain file's bytes.

    Raises:
        FileRefused: it cannot be read, is none, or is larger than that.
    """
    try:
        # O_NONBLOCK: opening a pipe would otherwise wait for a writer for ever
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor has no path
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise FileRefused("It is not a plain file.")
            content = file.read(max_bytes + 1)
    except OSError as error:
        raise FileRefused(f"It cannot be read: {error.strerror}.") from error
    if len(content) > max_bytes:
        raise FileRefused(f"It is larger than {max_bytes >> 20} MB.")
    return content


def _look(path: Path, finding: Finding, search: _Search) -> None:
    mode = path.lstat().st_mode
    if stat.S_ISDIR(mode):
        search.folder(path)
    elif stat.S_ISREG(mode) and is_archive(path.name):
        search.whole_archive(path)
    elif stat.S_ISREG(mode) and is_notebook(path.name):
        finding.is_file = True
        search.file(path, PurePosixPath(path.name))
    else:
        raise BatchRefused(f"{path}: this is no notebook, no folder and no zip.")


class _Search:
    """One look through what was given, and what it has used up of the limits."""

    def __init__(self, finding: Finding, limits: BatchLimits, stack: ExitStack) -> None:
        self._finding = finding
        self._limits = limits
        self._stack = stack
        self._archives = OpenArchives()
        stack.callback(self._archives.close)
        self._unpacked_to: Path | None = None
        self._files = 0
        self._unpacked_bytes = 0
        self._nested_archives = 0
        self._whole: Path | None = None

    def folder(self, folder: Path) -> None:
        """Look through a folder and those in it."""
        waiting = [(folder, PurePosixPath())]
        while waiting:
            directory, below = waiting.pop()
            if len(below.parts) > self._limits.depth:
                self._problem(below, "Its folders are nested too deeply.")
                continue
            with os.scandir(directory) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
            for entry in found:
                path = below / entry.name
                if is_junk(entry.name):
                    continue
                self._count()
                if entry.is_symlink():
                    self._problem(path, _LINK)
                elif entry.is_dir():
                    waiting.append((directory / entry.name, path))
                elif is_archive(entry.name):
                    self._archive(directory / entry.name, path, level=1)
                else:
                    self.file(directory / entry.name, path)

    def whole_archive(self, path: Path) -> None:
        """Look through the zip that was given.

        Raises:
            BatchRefused: it cannot be looked through.
        """
        self._whole = path
        try:
            self._members(path, PurePosixPath(), level=1)
        except FileRefused as refusal:
            raise BatchRefused(f"{self._finding.name}: {refusal}") from refusal

    def file(self, file: Path, path: PurePosixPath) -> None:
        """Note a file outside zips, if it is one of those that count."""
        self._note(path, partial(read_file, file, self._max_bytes(path)))

    # --- inside -----------------------------------------------------------------------------------

    def _note(self, path: PurePosixPath, read: partial[bytes]) -> None:
        if is_notebook(path.name):
            self._finding.notebooks.append(Member(path, read))
        elif is_side_file(path.name):
            self._finding.side_files.append(Member(path, read))
        else:
            self._finding.others.append(self._finding.shown(path))

    def _archive(self, file: Path, path: PurePosixPath, level: int) -> None:
        try:
            self._members(file, path, level)
        except FileRefused as refusal:
            self._problem(path, str(refusal))

    def _members(self, file: Path, below: PurePosixPath, level: int) -> None:
        archive = self._archives.open(file, self._limits.directory_bytes)
        members = self._wanted(archive, below)
        self._weigh(members, self._limits if file == self._whole else self._limits.share)
        for info, path in members:
            if not is_archive(path.name):
                self._note(path, partial(self._read, file, info, self._max_bytes(path)))
            elif level >= _DEEPEST_ARCHIVE:
                self._problem(path, "It is a zip in a zip in a zip. Unpack it first.")
            else:
                self._nested(file, info, path, level)

    def _wanted(
        self, archive: zipfile.ZipFile, below: PurePosixPath
    ) -> list[tuple[zipfile.ZipInfo, PurePosixPath]]:
        wanted = []
        for info in archive.infolist():
            path = path_in(info)
            if path is None:
                self._problem(below, f"It holds {info.filename[:200]!a}, which leads out of it.")
            elif not (info.is_dir() or info.filename.endswith("\\")) and not any(
                is_junk(part) for part in path.parts
            ):
                wanted.append((info, below / path))
        return wanted

    def _weigh(
        self,
        members: list[tuple[zipfile.ZipInfo, PurePosixPath]],
        limits: BatchLimits,
    ) -> None:
        """Refuse a zip that holds too much, or says it does, before anything of it is unpacked."""
        if any(len(path.parts) > limits.depth for _, path in members):
            raise FileRefused("Its folders are nested too deeply.")
        left = self._limits
        size = sum(
            info.file_size
            for info, path in members
            if _counts(path.name) and refusal_of(info, self._max_bytes(path), self._limits) is None
        )
        if size > min(limits.unpacked_bytes, left.unpacked_bytes - self._unpacked_bytes):
            raise FileRefused(f"It unpacks to {size >> 20} MB, which is too much.")
        if len(members) > min(limits.files, left.files - self._files):
            raise FileRefused("It holds too many files.")
        self._files += len(members)
        self._unpacked_bytes += size

    def _nested(self, file: Path, info: zipfile.ZipInfo, path: PurePosixPath, level: int) -> None:
        """Take a zip out of a zip, into a file of ours, and look through it."""
        if self._unpacked_to is None:
            self._unpacked_to = Path(
                self._stack.enter_context(tempfile.TemporaryDirectory(prefix="gofer-batch-"))
            )
        self._nested_archives += 1
        target = self._unpacked_to / f"{self._nested_archives}.zip"
        try:
            archive = self._archives.open(file, self._limits.directory_bytes)
            copy_member(archive, info, target, self._limits)
        except FileRefused as refusal:
            self._problem(path, str(refusal))
        else:
            self._archive(target, path, level + 1)

    def _read(self, file: Path, info: zipfile.ZipInfo, max_bytes: int) -> bytes:
        archive = self._archives.open(file, self._limits.directory_bytes)
        return read_member(archive, info, max_bytes, self._limits)

    def _max_bytes(self, path: PurePosixPath) -> int:
        limits = self._limits
        if is_notebook(path.name):
            return limits.notebook_bytes
        return limits.archive_bytes if is_archive(path.name) else limits.side_file_bytes

    def _count(self) -> None:
        self._files += 1
        if self._files > self._limits.files:
            raise BatchRefused(
                f"{self._finding.name}: it holds more than {self._limits.files} files. Hand in "
                "parts of it."
            )

    def _problem(self, path: PurePosixPath, reason: str) -> None:
        self._finding.problems.append(Problem(self._finding.shown(path), reason))


def _counts(name: str) -> bool:
    """Whether a file of this name is ever taken out of a zip."""
    return is_notebook(name) or is_side_file(name) or is_archive(name)
