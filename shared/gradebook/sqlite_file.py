"""A gradebook in one SQLite file: making it, opening it, and telling what a file is.

Facts this rests on (sqlite.org/wal.html, and tried): a reader opened with `mode=ro` still makes
the `-wal` and `-shm` files where they are missing, as it must after a writer's clean stop, and
they then belong to the reader's user. A file in WAL mode in a folder that cannot be written opens
only when those files are there already, or with `immutable=1`, which looks for no changes at all.
"""

from __future__ import annotations

import enum
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

from sqlalchemy import URL, Engine, NullPool, create_engine, event

from shared.errors import GradebookError
from shared.gradebook.searching import fold_letters
from shared.gradebook.transactions import ONLY_READS, gradebook_errors

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

FILE_NAME: Final = "gradebook.db"
BUSY_TIMEOUT_S: Final = 10.0
"""How long a connection waits for its turn to write."""

VERSION_TABLE: Final = "alembic_version"
"""Alembic's own table: where it is, there is a gradebook."""

CLASSIC_COLUMNS: Final = ("userid", "grade", "section", "lab", "timestamp")
"""Of the old service's only table, `grades`."""

_FILE_MODE: Final = 0o640


class Contents(enum.Enum):
    """What a database file holds."""

    NOTHING = enum.auto()
    GRADEBOOK = enum.auto()
    CLASSIC = enum.auto()
    SOMETHING_ELSE = enum.auto()


def contents_of(connection: sqlite3.Connection) -> Contents:
    """Tell what a database holds, by its tables alone."""
    tables = {
        name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
    }
    if VERSION_TABLE in tables:
        return Contents.GRADEBOOK
    if "grades" in tables:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(grades)")]
        if sorted(columns) == sorted(CLASSIC_COLUMNS):
            return Contents.CLASSIC
    return Contents.SOMETHING_ELSE if tables else Contents.NOTHING


def create_file(path: Path) -> None:
    """Make an empty file, durably, unless there is one.

    SQLite would make it readable to everyone; it gives its `-wal` and `-shm` the same permissions
    as the file has.
    """
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _FILE_MODE)
    except FileExistsError:
        return
    os.close(descriptor)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make durable which names a folder holds."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def connect(path: Path, *, mode: str) -> sqlite3.Connection:
    """Open a file that exists; transactions begin only where they are asked for.

    Args:
        path: of the file.
        mode: `rw`, or `ro`; both as in SQLite's URIs.
    """
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )
    fold_letters(connection)
    return connection


def writer_engine(path: Path) -> Engine:
    """Make the engine of the gradebook's only writer; any number of its threads may use it.

    Raises:
        GradebookError: the file cannot be opened, or its file system cannot hold a WAL.
    """
    file = path.absolute()  # wherever the process goes later
    engine = create_engine(
        URL.create("sqlite+pysqlite", database=str(file)),
        creator=lambda: _connect_writing(file),
        hide_parameters=True,  # rows hold what students printed, and errors are logged
    )
    event.listen(engine, "begin", _begin_writing)
    return engine


def reader_engine(path: Path) -> Engine:
    """Make an engine that cannot write.

    Every use opens the file anew: it may have been replaced meanwhile, and how it is to be opened
    depends on what lies beside it at that moment.
    """
    file = path.absolute()
    engine = create_engine(
        URL.create("sqlite+pysqlite", database=str(file)),
        creator=lambda: connect_reading(file),
        poolclass=NullPool,
        hide_parameters=True,
    )
    event.listen(engine, "begin", _begin_reading)
    return engine


def connect_reading(path: Path) -> sqlite3.Connection:
    """Open a file such that nothing can be written to it, nor to what lies beside it.

    Raises:
        GradebookError: this user's reading would lock the writer out.
        sqlite3.Error: it cannot be opened.
    """
    connection = connect(path, mode=_reading_mode(path))
    try:
        connection.execute("PRAGMA query_only = ON")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def use_wal(path: Path) -> None:
    """Put a file into WAL mode, where it then stays: readers and the writer never wait for another.

    Raises:
        GradebookError: the file system cannot hold a WAL, as most network file systems cannot.
    """
    with (
        gradebook_errors("be opened for writing"),
        closing(connect(path, mode="rw")) as connection,
    ):
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise GradebookError(
            f"The gradebook cannot be kept in {path.parent}: SQLite cannot keep its write-ahead "
            "log there. Put VOLUME_PATH on a local disk."
        )


def _connect_writing(path: Path) -> sqlite3.Connection:
    connection = connect(path, mode="rw")
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        # fsync at each commit: in WAL mode NORMAL may lose the last ones with the power, and a
        # recorded run's entry leaves the queue right afterwards.
        connection.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _reading_mode(path: Path) -> str:
    has_wal, has_shm = (path.with_name(path.name + end).exists() for end in ("-wal", "-shm"))
    if has_wal and has_shm:
        return "ro"
    if not os.access(path.parent, os.W_OK, effective_ids=True):
        return "ro" if has_wal else "ro&immutable=1"
    owner, user = path.stat().st_uid, os.geteuid()
    if user not in {0, owner}:  # for root, SQLite hands what it makes to the file's owner
        raise GradebookError(
            f"The gradebook belongs to the user of id {owner}, and reading it as {user} would keep "
            "the grader from writing to it. Run this as the grader's user."
        )
    return "ro"


def _begin_writing(connection: Connection) -> None:
    only_reads = connection.get_execution_options().get(ONLY_READS, False)
    connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")


def _begin_reading(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
