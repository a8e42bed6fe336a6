"""Copies of a gradebook in one SQLite file, made while it is in use.

A copy is one file that needs nothing beside it, checked before it gets its name. It is what a
backup is, and what is kept before the schema changes.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from shared.errors import GradebookError
from shared.gradebook.sqlite_file import connect_reading, sync_folder
from shared.gradebook.transactions import gradebook_errors

if TYPE_CHECKING:
    from pathlib import Path

_FILE_MODE = 0o640


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
    unfinished = target.with_name(f".{target.name}.unfinished")
    with gradebook_errors("be copied"):
        try:
            unfinished.unlink(missing_ok=True)
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
            unfinished.unlink(missing_ok=True)
