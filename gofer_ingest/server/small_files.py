"""The server's own small files of lines, one for each name, changed under a lock.

Several threads of several processes share them, and there is no database. A file lies in one of
256 folders, by the SHA-256 of its name, and each folder has one lock for all its files. A line is
added at the end, or the whole file is replaced by rename. So whoever reads, with the lock or
without it, sees the lines from before or those from after; the end of a file without a line break
is one that is still being written, or whose writer was killed.

Nothing is fsynced: what was promised lies in the spool, and what lies here may be lost without
harm. So nothing may be kept here that cannot be missed. Every function lets `OSError` pass.
"""

# pathlib knows neither descriptors nor flock, and hides which calls it makes:
# ruff: noqa: PTH102, PTH104

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from gofer_ingest.server.errors import ServerBusy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDERS: Final = 256
LOCK_NAME: Final = "lock"
FILE_MODE: Final = 0o640
DIRECTORY_MODE: Final = 0o750

WAIT_S: Final = 10.0
"""Seconds that a lock is waited for. Whoever holds one writes an entry to the disk meanwhile."""
_PAUSE_S: Final = 0.001
_LONGEST_PAUSE_S: Final = 0.02
"""Between two tries to lock: a lock of the kernel's cannot be waited for with a deadline."""

_FRESH_SUFFIX: Final = ".new"
_OPEN_LOCK: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK, opening a FIFO that someone put there would wait for a writer for ever.
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE: Final = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def file_name(name: str) -> str:
    """Return what a file is called that belongs to `name`; its first two characters are a folder's.

    Names may be anything, so they are never a part of a path.
    """
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


class LockedFile:
    """The file of one name, while its lock is held."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, max_bytes: int) -> bytes | None:
        """Return its content; None where there is no such file.

        Raises:
            OSError: it cannot be read, is no plain file, or has more than `max_bytes`.
        """
        return _read(self._path, max_bytes)

    def append(self, content: bytes) -> None:
        """Add to its end; make it where it is missing.

        To replace a file costs 0.5 ms on ext4, which hands its data to the disk at once then. To
        add to it costs 0.03 ms.
        """
        _write(self._path, os.O_APPEND, content)

    def replace(self, content: bytes) -> None:
        """Put new content in its place, in one step."""
        fresh = self._path.with_name(self._path.name + _FRESH_SUFFIX)
        _write(fresh, os.O_TRUNC, content)  # nobody else writes it: the lock is ours
        os.rename(fresh, self._path)


class SmallFiles:
    """The files of one kind. Making one touches nothing; threads may share it.

    Args:
        folder: where they lie; its parent's parent has to be there, the rest is made when needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # One thread of this process at a time asks the kernel: there only processes compete.
        self._own_locks = tuple(threading.Lock() for _ in range(FOLDERS))

    @contextmanager
    def locked(self, name: str) -> Iterator[LockedFile]:
        """Lock the file of this name, and others with it, until the end of the block.

        Raises:
            ServerBusy: someone else held the lock for `WAIT_S`.
            OSError: it cannot be locked.
        """
        path = self._path_of(name)
        deadline_s = time.monotonic() + WAIT_S
        own_lock = self._own_locks[int(path.name[:2], 16)]
        if not own_lock.acquire(timeout=WAIT_S):
            raise ServerBusy
        try:
            lock = self._opened_lock(path.parent)
            try:
                _lock(lock, deadline_s)
                yield LockedFile(path)
            finally:
                os.close(lock)  # which unlocks it, as the kernel does for a killed process
        finally:
            own_lock.release()

    def read(self, name: str, max_bytes: int) -> bytes | None:
        """Return a file's content without its lock, as `LockedFile.read` does."""
        return _read(self._path_of(name), max_bytes)

    def _path_of(self, name: str) -> Path:
        called = file_name(name)
        return self._folder / called[:2] / called

    def _opened_lock(self, folder: Path) -> int:
        """Open the lock of a folder; make both where they are missing."""
        lock = folder / LOCK_NAME
        try:
            return os.open(lock, _OPEN_LOCK, FILE_MODE)
        except FileNotFoundError:
            for missing in (self._folder.parent, self._folder, folder):
                _make_directory(missing)  # and no further up: the volume may be away
            return os.open(lock, _OPEN_LOCK, FILE_MODE)


def _make_directory(path: Path) -> None:
    try:
        os.mkdir(path, DIRECTORY_MODE)
    except FileExistsError:
        return


def _lock(descriptor: int, deadline_s: float) -> None:
    pause_s = _PAUSE_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline_s:
                raise ServerBusy from None
        else:
            return
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def _write(path: Path, how: int, content: bytes) -> None:
    descriptor = os.open(path, _WRITE | how, FILE_MODE)
    try:
        rest = memoryview(content)
        while rest:  # a nearly full disk takes a part, and refuses at the next call
            rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(descriptor)


def _read(path: Path, max_bytes: int) -> bytes | None:
    try:
        descriptor = os.open(path, _READ)
    except FileNotFoundError:
        return None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > max_bytes:
            raise OSError(f"{path.name} is no plain file of {max_bytes} bytes at most")
        parts = []
        rest = status.st_size
        while rest and (part := os.read(descriptor, rest)):
            parts.append(part)
            rest -= len(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)
