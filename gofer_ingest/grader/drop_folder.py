"""The drop folder on disk: what lies in it, whether it is all there yet, and where it goes then.

Staff copy into it by all kinds of programs, so nothing says when a copy is complete. What can be
told is gathered here. Nothing is ever deleted, and what was dropped is only ever moved whole.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import signal
import stat
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.batch.archives import is_whole
from shared.batch.finding import is_archive, is_junk, is_manifest, is_notebook
from shared.model import opaque_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

DONE: Final = "done"
PROBLEMS: Final = "problems"
REPORT_NAME: Final = "report.txt"
LOOSE_NAME: Final = "notebooks"
"""What the notebooks that lie about singly are called together."""

_UNFINISHED: Final = (".part", ".crdownload", ".tmp", "~", ".filepart", ".partial", ".download")
_TAIL_BYTES: Final = 256
_NAME_MAX_BYTES: Final = 200

Signature = frozenset[tuple[str, int, int, int, int]]


@dataclass(frozen=True, slots=True)
class Dropped:
    """What is taken together.

    Attributes:
        name: of the folder, zip or file; `LOOSE_NAME` for several single ones.
        paths: what lies in the drop folder itself.
        is_loose: whether these are single notebooks.
        manifest: that says whose they are; one of `paths`.
    """

    name: str
    paths: tuple[Path, ...]
    is_loose: bool = False
    manifest: Path | None = None


class DropFolder:
    """One drop folder.

    Args:
        root: where it is.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def make(self) -> None:
        """Make what is not there.

        Raises:
            OSError: it cannot be made.
        """
        for folder in (self.root, self.root / DONE, self.root / PROBLEMS):
            folder.mkdir(mode=0o770, exist_ok=True)

    def things(self) -> list[Path]:
        """List what staff put there, by name; what is being written by its name is left out.

        Raises:
            OSError: it cannot be listed.
        """
        return [
            path
            for path in sorted(self.root.iterdir())
            if path.name not in {DONE, PROBLEMS}
            and not is_junk(path.name)
            and not is_unfinished(path.name)
        ]

    def put_away(
        self, paths: Sequence[Path], name: str, kind: str, at: datetime, report: str
    ) -> Path:
        """Move what was dropped out of the way, beside a report on it.

        Args:
            paths: in the drop folder.
            name: of the new folder, before the time.
            kind: `DONE` or `PROBLEMS`.
            at: the time.
            report: what became of it.

        Returns:
            The new folder.

        Raises:
            OSError: it cannot be moved; what was moved stays there.
        """
        target = self._fresh_folder(self.root / kind, name, at)
        with (target / REPORT_NAME).open("x", encoding="utf-8", errors="backslashreplace") as file:
            file.write(report)
            file.flush()
            os.fsync(file.fileno())
        for path in paths:
            is_taken = path.name == REPORT_NAME
            path.rename(target / (f"dropped-{path.name}" if is_taken else path.name))
        return target

    def _fresh_folder(self, parent: Path, name: str, at: datetime) -> Path:
        short = os.fsdecode(os.fsencode(name)[:_NAME_MAX_BYTES])
        stem = f"{short}-{at:%Y%m%dT%H%M%SZ}"
        number = 1
        while True:
            target = parent / (stem if number == 1 else f"{stem}-{number}")
            try:
                target.mkdir(mode=0o770)
            except FileExistsError:
                number += 1
            else:
                return target


def group(paths: list[Path]) -> list[Dropped]:
    """Say what is taken together: folders and zips singly, single notebooks all at once.

    A manifest that lies beside single notebooks is for them.
    """
    loose = [path for path in paths if is_notebook(path.name) and _is_plain(path)]
    manifest = next((path for path in paths if is_manifest(path.name) and _is_plain(path)), None)
    single = [path for path in paths if path not in loose and path != manifest]
    groups = [Dropped(path.name, (path,)) for path in single]
    if manifest is not None:
        groups.append(Dropped(LOOSE_NAME, (*loose, manifest), is_loose=True, manifest=manifest))
    elif loose:
        groups.append(Dropped(LOOSE_NAME, tuple(loose), is_loose=True))
    return groups


def is_unfinished(name: str) -> bool:
    """Whether programs call a file so while they still write it."""
    return name.lower().endswith(_UNFINISHED)


def signature_of(path: Path) -> Signature:
    """Return what changes when anything in a file or a folder does.

    Raises:
        OSError: it cannot be looked through.
    """
    return frozenset(
        (
            str(file.relative_to(path)),
            status.st_ino,
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
        )
        for file, status in _walk(path)
    )


def seems_unfinished(path: Path) -> bool:
    """Whether a file, or one in a folder, is open for writing or seems to end too early.

    Raises:
        OSError: it cannot be looked through.
    """
    return any(
        is_unfinished(file.name)
        or is_open_for_writing(file)
        or (is_archive(file.name) and not is_whole(file))
        or (is_notebook(file.name) and not _ends_like_json(file))
        for file, status in _walk(path)
        if stat.S_ISREG(status.st_mode)
    )


def is_open_for_writing(path: Path) -> bool:
    """Whether some process of this machine writes to a file, as far as the kernel tells us.

    It is asked for a read lease, which it grants only where there is no writer. It says nothing
    of files of another user's, of network file systems, and to processes without the right.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # Should a writer come in this moment the kernel sends a signal, and SIGIO would end us.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


def owner_of(path: Path) -> str:
    """Return who put something there: its owner's login name, or number where there is none.

    Raises:
        OSError: it is not there any more.
    """
    uid = path.lstat().st_uid
    with suppress(KeyError, ValueError):
        return opaque_name(pwd.getpwuid(uid).pw_name)
    return f"uid {uid}"


def _walk(path: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield everything in a folder and itself, following no links."""
    waiting = [path]
    while waiting:
        here = waiting.pop()
        status = here.lstat()
        yield here, status
        if stat.S_ISDIR(status.st_mode):
            waiting.extend(here.iterdir())


def _is_plain(path: Path) -> bool:
    with suppress(OSError):
        return stat.S_ISREG(path.lstat().st_mode)
    return False


def _ends_like_json(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
            return file.read().rstrip().endswith(b"}")
    except OSError:
        return True  # what is the matter is found out when it is read
