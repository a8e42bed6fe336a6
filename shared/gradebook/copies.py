"""Copies of a gradebook in one SQLite file, made while it is in use.

A copy is one file that needs nothing beside it, checked before it gets its name. It is what a
backup is, and what is kept before the schema changes.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from glob import escape
from typing import TYPE_CHECKING, Final

from shared.errors import GradebookError
from shared.gradebook.sqlite_file import connect_reading, sync_folder
from shared.gradebook.transactions import gradebook_errors

if TYPE_CHECKING:
    from pathlib import Path

_FILE_MODE: Final = 0o640
_UNFINISHED: Final = ".unfinished"
_SIDECARS: Final = ("-wal", "-shm", "-journal")


def copy_file(source: Path, target: Path) -> None:
    """Copy a gradebook as it is at one moment, durably; the writer goes on meanwhile.

    All pages are copied in one step: in WAL mode that keeps no writer waiting, where a copy in
    steps would begin anew with every transaction of another connection.

    Args:
        source: the file, in use or not.
        target: replaced in one rename, once the copy is whole.

    Raises:
        GradebookError: the disk or the database refused, or what was copied is damaged. What was
            at `target` is still there.
    """
    unfinished = target.with_name(f".{target.name}{_UNFINISHED}")
    with gradebook_errors("be copied"):
        try:
            _remove(unfinished)
            os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _FILE_MODE))
            with (
                closing(connect_reading(source)) as original,
                closing(sqlite3.connect(unfinished, isolation_level=None)) as copy,
            ):
                original.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")
                (finding,) = copy.execute("PRAGMA quick_check(1)").fetchone()
            if finding != "ok":
                raise GradebookError(
                    f"{source} is damaged: its copy does not pass SQLite's check. Restore a backup."
                )
            with unfinished.open("rb") as whole:
                os.fsync(whole.fileno())
            unfinished.replace(target)
            sync_folder(target.parent)
        finally:
            _remove(unfinished)


def hand_to_owner(path: Path, like: Path) -> None:
    """Give what root made to whom something else belongs: the grader has to be able to use it.

    Raises:
        OSError: it cannot be.
    """
    present, owner = path.stat(), like.stat()
    is_theirs = (present.st_uid, present.st_gid) == (owner.st_uid, owner.st_gid)
    if os.geteuid() == 0 and not is_theirs:
        os.chown(path, owner.st_uid, owner.st_gid)


def second_name(path: Path, moment: str) -> Path:
    """Return under which name a gradebook is kept that is replaced at a moment."""
    return path.with_name(f"{path.stem}-replaced-{moment}.db")


def awaiting_name(path: Path) -> Path:
    """Return under which name a backup waits to be put in a gradebook's place."""
    return path.with_name(f".{path.name}.restored")


def remove_unfinished(folder: Path, names: str) -> None:
    """Remove what killed processes left of copies; nobody may be making one just now.

    Args:
        folder: where they were to be.
        names: a pattern (glob) of the names that they were to get.

    Raises:
        GradebookError: the disk refused.
    """
    with gradebook_errors("be tidied up"):
        for end in ("", *_SIDECARS):
            for left in folder.glob(f".{names}{_UNFINISHED}{end}"):
                left.unlink(missing_ok=True)


def remove_leftovers(path: Path) -> None:
    """Remove what killed processes left beside a gradebook; for who holds the grader's lock.

    Args:
        path: of the gradebook, which may be missing.

    Raises:
        GradebookError: the disk refused.
    """
    remove_unfinished(path.parent, f"{escape(path.stem)}-before-*.db")
    awaiting = awaiting_name(path)
    remove_unfinished(path.parent, escape(awaiting.name))
    with gradebook_errors("be tidied up"):
        _remove(awaiting)
        if not path.exists():
            return
        for kept in path.parent.glob(f"{escape(path.stem)}-replaced-*.db"):
            # Nothing took its place in the end: it is the gradebook itself.
            if kept.samefile(path):
                kept.unlink()


def _remove(unfinished: Path) -> None:
    for end in ("", *_SIDECARS):
        unfinished.with_name(unfinished.name + end).unlink(missing_ok=True)
