"""The old service's database files: moved out of the way, found again, and read row by row.

The old `gradebook.db` becomes `gradebook-classic-DATE.db` in one rename, and nothing in it is
changed but that what lay in its journal is in the file itself.
"""

from __future__ import annotations

import itertools
import logging
import os
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final

from shared.errors import GradebookError
from shared.gradebook.classic_row import read_row
from shared.gradebook.sqlite_file import (
    BUSY_TIMEOUT_S,
    CLASSIC_COLUMNS,
    Contents,
    connect,
    contents_of,
    sync_folder,
)
from shared.model import utc_now

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shared.gradebook.classic_row import ClassicGrade, LeftOut

log = logging.getLogger(__name__)

_STEM: Final = "gradebook-classic-"
_SIDECARS: Final = ("-wal", "-shm", "-journal")


def move_aside(path: Path) -> Path | None:
    """Move an old service's gradebook out of the way of the new one. Nothing is overwritten.

    Args:
        path: of `gradebook.db`.

    Returns:
        Where it is now; None where there is no old gradebook at `path`.

    Raises:
        GradebookError: the old service still has it open. Nothing was moved.
        sqlite3.Error: the file cannot be read.
        OSError: it cannot be moved.
    """
    if not path.exists():
        return None
    with closing(connect(path, mode="rw")) as connection:
        if contents_of(connection) is not Contents.CLASSIC:
            return None
        # What lies in a -wal or a hot -journal goes into the file itself, which then moves alone.
        _fold(connection, path)
    target = _free_name(path.parent)
    path.rename(target)
    for end in _SIDECARS:  # empty ones, if any; beside an empty file SQLite would remove them
        leftover = path.with_name(path.name + end)
        if leftover.exists():
            leftover.rename(target.with_name(target.name + end))
    sync_folder(path.parent)
    log.info(
        "The old service's gradebook was moved aside",
        extra={"action": "classic_import", "file": target.name},
    )
    return target


def moved_files(volume: Path) -> list[Path]:
    """List the files that were moved aside, imported or not."""
    return sorted(volume.glob(f"{_STEM}*.db"))


@contextmanager
def old_rows(file: Path) -> Iterator[Iterator[ClassicGrade | LeftOut]]:
    """Open a moved file and read its rows, in the order in which they were written.

    Raises:
        GradebookError: it is not what its name says.
        sqlite3.Error: it cannot be read.
    """
    with closing(connect(file, mode="ro")) as old:
        if contents_of(old) is not Contents.CLASSIC:
            raise GradebookError(
                f"{file} is not an old service's gradebook, though its name says so. Rename it, "
                "then start the grader again."
            )
        # Bytes that are no UTF-8 make a row that is left out, and must not end the reading.
        old.text_factory = lambda stored: stored.decode("utf-8", "surrogateescape")
        columns = ", ".join(CLASSIC_COLUMNS)
        rows = old.execute(f"SELECT rowid, {columns} FROM grades ORDER BY rowid")  # noqa: S608 - constants
        yield (read_row(*row) for row in rows)


def _fold(connection: sqlite3.Connection, path: Path) -> None:
    try:
        (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname != "SQLITE_BUSY":
            raise
        mode = "busy"
    if mode != "delete":
        raise GradebookError(
            f"{path} is the old service's gradebook, and a program has kept it open for "
            f"{BUSY_TIMEOUT_S:g} s. Stop the old service, then start the grader again."
        )


def _free_name(folder: Path) -> Path:
    stem = f"{_STEM}{utc_now().date().isoformat()}"
    for number in itertools.count(1):
        target = folder / (f"{stem}.db" if number == 1 else f"{stem}-{number}.db")
        if not any(os.path.lexists(f"{target}{end}") for end in ("", *_SIDECARS)):
            break
    return target
