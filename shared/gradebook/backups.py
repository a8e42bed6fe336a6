"""Backups of a gradebook in one SQLite file: made while it is in use, kept so many, put back.

A backup is a whole gradebook by itself. Putting one back keeps what was there, and at every moment
there is one gradebook or the other under its name. A gradebook on a database server is backed up
there.
"""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
import stat
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from shared.errors import GradebookError
from shared.gradebook import migrate, tables
from shared.gradebook.copies import (
    awaiting_name,
    copy_file,
    hand_to_owner,
    remove_leftovers,
    remove_unfinished,
    second_name,
)
from shared.gradebook.engine import file_of
from shared.gradebook.sqlite_file import (
    Contents,
    connect,
    connect_reading,
    contents_of,
    reader_engine,
    sync_folder,
)
from shared.gradebook.transactions import gradebook_errors, reading
from shared.gradebook.writer_lock import without_a_grader
from shared.model import utc_now

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_NAME: Final = re.compile(r"gradebook-([0-9]{8}T[0-9]{6})Z\.db")
_MOMENT: Final = "%Y%m%dT%H%M%S"
_SIDECARS: Final = ("-wal", "-shm", "-journal")
_FOLDER_MODE: Final = 0o750


def backups_in(folder: Path) -> tuple[tuple[datetime, Path], ...]:
    """Return the backups in a folder with when each was made, the newest first.

    Raises:
        GradebookError: the folder cannot be read. One that is not there has none.
    """
    with gradebook_errors("be looked for among its backups"), suppress(FileNotFoundError):
        return _named(folder.iterdir())
    return ()


def make_backup(volume: Path, database_url: str | None, target: Path | None, folder: Path) -> Path:
    """Copy the gradebook as it is at this moment; the grader may go on meanwhile.

    Args:
        volume: `VOLUME_PATH`.
        database_url: `GOFER_DATABASE_URL`; None means `gradebook.db` in the volume.
        target: where to; None makes a name of the moment, in `folder`.
        folder: of the backups; made where it is missing.

    Returns:
        Where it is.

    Raises:
        GradebookError: there is no gradebook yet, it is on a database server, `target` is there
            already or its folder is not, or the disk refused. Nothing half-written is left.
    """
    source = _file(volume, database_url)
    if not source.exists():
        raise GradebookError("There is no gradebook yet: nothing to back up.")
    with _one_at_a_time(volume) as is_alone:
        if target is not None:
            with gradebook_errors("be backed up"):
                is_there = target.exists()
            if is_there:
                raise GradebookError(
                    f"{target} is there already. Name another file, or move it away."
                )
            if not target.absolute().parent.is_dir():
                raise GradebookError(
                    "The gradebook could not be backed up: there is no folder "
                    f"{target.absolute().parent}. Make it first."
                )
            copy_file(source, target)
            return target
        with gradebook_errors("be backed up"):
            _make_folder(folder, like=source)
        if is_alone:
            remove_unfinished(folder, "gradebook-*Z.db")
        target = folder / f"gradebook-{utc_now():{_MOMENT}}Z.db"
        copy_file(source, target)
        with suppress(OSError):  # not every file system knows owners, and the copy is whole
            hand_to_owner(target, source)
    return target


def keep_newest(folder: Path, kept: int) -> int:
    """Remove all backups in a folder but the newest; files of other names stay.

    Args:
        folder: of the backups.
        kept: how many stay, ≥ 1.

    Returns:
        How many were removed.

    Raises:
        GradebookError: the disk refused.
    """
    old = backups_in(folder)[kept:]
    with gradebook_errors("have its old backups removed"):
        for _, path in old:
            path.unlink(missing_ok=True)
    return len(old)


def restore(
    volume: Path, database_url: str | None, backup: Path
) -> tuple[Path | None, datetime | None]:
    """Put a backup in the gradebook's place. What was there is kept beside it.

    Args:
        volume: `VOLUME_PATH`.
        database_url: `GOFER_DATABASE_URL`; None means `gradebook.db` in the volume.
        backup: stays where it is.

    Returns:
        Where the gradebook is that was there, None without one; and when the last submission was
        received that is in the backup, None without one.

    Raises:
        GradebookError: a grader works on this volume, `backup` is no gradebook of this Gofer or is
            damaged, another program has the gradebook open, or the disk refused. Then the
            gradebook is as it was.
        NewerSchema: a newer Gofer wrote the backup.
    """
    path = _file(volume, database_url)
    with without_a_grader(volume):
        remove_leftovers(path)
        last = _check(backup)
        try:
            kept = _put_in_place(backup, path, volume)
        except BaseException:
            with suppress(GradebookError):
                remove_leftovers(path)
            raise
    return kept, last


def _file(volume: Path, database_url: str | None) -> Path:
    path = file_of(volume, database_url)
    if path is None:
        raise GradebookError(
            "The gradebook is on a PostgreSQL server: back it up there, with pg_dump or as its "
            "administrators do."
        )
    return path


def _named(paths: Iterable[Path]) -> tuple[tuple[datetime, Path], ...]:
    found = []
    for path in paths:
        match = _NAME.fullmatch(path.name)
        if match:
            with suppress(ValueError):
                moment = datetime.strptime(match[1], _MOMENT).replace(tzinfo=UTC)
                found.append((moment, path))
    return tuple(sorted(found, reverse=True))


def _check(backup: Path) -> datetime | None:
    with gradebook_errors("be restored"):
        is_there = backup.is_file()
    if not is_there:
        raise GradebookError(f"{backup} is not there.")
    try:
        with gradebook_errors("be read"), closing(connect_reading(backup)) as connection:
            contents = contents_of(connection)
            (finding,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except GradebookError as error:
        raise GradebookError(f"{backup} cannot be put back. {error}") from error
    if contents is not Contents.GRADEBOOK or finding != "ok":
        what = "is damaged" if finding != "ok" else "is not a gradebook"
        raise GradebookError(f"{backup} {what}, so it was not put back.")
    engine = reader_engine(backup)
    try:
        with reading(engine, "be read") as connection:
            migrate.refuse_newer(connection)
            received_at = tables.submissions.c.received_at
            last: datetime | None = connection.scalar(
                select(received_at).order_by(received_at.desc()).limit(1)
            )
    except ValueError as error:  # a moment that is none
        raise GradebookError(f"{backup} is damaged, so it was not put back.") from error
    finally:
        engine.dispose()
    return last


def _put_in_place(backup: Path, path: Path, volume: Path) -> Path | None:
    """Let a backup be the gradebook, with the owner and the mode of what was there."""
    is_there = path.exists()
    fresh = awaiting_name(path)
    copy_file(backup, fresh)
    with gradebook_errors("be replaced"):
        hand_to_owner(fresh, path if is_there else volume)
        kept = None
        if is_there:
            fresh.chmod(stat.S_IMODE(path.stat().st_mode))
            kept = _keep_present(path)
        fresh.replace(path)
        sync_folder(path.parent)
    return kept


@contextmanager
def _one_at_a_time(volume: Path) -> Iterator[bool]:
    """Wait for whoever makes a backup of this volume; tell whether nobody else can be at it.

    The volume's folder is what is locked: two of one second would write the same file, and what an
    earlier one left can be told from what another is writing.
    """
    try:
        descriptor = os.open(volume, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        yield False
        return
    try:
        is_alone = True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError:  # a file system that knows no locks
            is_alone = False
        yield is_alone
    finally:
        os.close(descriptor)


def _make_folder(folder: Path, like: Path) -> None:
    """Make a folder and those above it, where they are missing, for whom the gradebook is."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(mode=_FOLDER_MODE, exist_ok=True)
        with suppress(OSError):
            hand_to_owner(one, like)


def _keep_present(path: Path) -> Path:
    """Give the present file a second name, under which it stays when its first one is taken."""
    kept = second_name(path, f"{utc_now():{_MOMENT}}Z")
    try:
        with closing(connect(path, mode="rw")) as connection:
            # What lies in its journal goes into the file itself, which then is whole alone.
            (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        mode = "damaged"  # kept as it is, with what lies beside it
    if mode not in {"delete", "damaged"}:
        raise GradebookError(
            "Another program has the gradebook open. Stop the server and the console, then do this "
            "again."
        )
    os.link(path, kept)
    for end in _SIDECARS:
        beside = path.with_name(path.name + end)
        if beside.exists():
            beside.rename(kept.with_name(kept.name + end))
    return kept
