"""Opening the gradebook: once for writing, by the grader, and anywhere for reading."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, inspect, make_url
from sqlalchemy.exc import ArgumentError

from shared.errors import ConfigError, GradebookError
from shared.gradebook import classic, migrate, postgresql
from shared.gradebook.classic_file import move_aside
from shared.gradebook.copies import remove_leftovers
from shared.gradebook.sqlite_file import (
    FILE_NAME,
    VERSION_TABLE,
    Contents,
    connect,
    connect_reading,
    contents_of,
    create_file,
    reader_engine,
    use_wal,
    writer_engine,
)
from shared.gradebook.transactions import gradebook_errors, reading

if TYPE_CHECKING:
    from sqlalchemy import URL


def open_gradebook(
    volume: Path, database_url: str | None = None, *, course: str = classic.UNKNOWN_COURSE
) -> Engine:
    """Open the gradebook for its only writer, the grader that holds the volume's lock.

    What is missing is made: the volume's folder, the file, the schema. An old service's
    `gradebook.db` is moved aside, and every old file that was moved aside and not imported yet is
    imported; being killed in between loses nothing, and opening it again completes it.

    Args:
        volume: `VOLUME_PATH`.
        database_url: `GOFER_DATABASE_URL`; None means `gradebook.db` in the volume.
        course: of the old service's grades, whose table does not name one.

    Returns:
        An engine that threads may share; its transactions come from `transactions.writing`.

    Raises:
        ConfigError: `database_url` cannot be used.
        NewerSchema: a newer Gofer wrote it. Nothing was changed.
        GradebookError: it is no gradebook, or the disk or database refused.
    """
    where = _where(volume, database_url)
    with gradebook_errors("be opened"):
        move_aside(volume / FILE_NAME)
    engine = _open_file(where) if isinstance(where, Path) else postgresql.writer_engine(where)
    try:
        migrate.upgrade(engine)
        classic.import_waiting(engine, volume, course=course)
    except BaseException:
        engine.dispose()
        raise
    return engine


def open_reader(volume: Path, database_url: str | None = None) -> Engine | None:
    """Open the gradebook for reading alone.

    Args:
        volume: `VOLUME_PATH`.
        database_url: `GOFER_DATABASE_URL`; None means `gradebook.db` in the volume.

    Returns:
        An engine that threads may share and that cannot write; None where there is no gradebook
        yet, which is an empty state and no error.

    Raises:
        ConfigError: `database_url` cannot be used.
        NewerSchema: a newer Gofer wrote it.
        GradebookError: it is no gradebook, or not yet one of this Gofer, or cannot be read.
    """
    where = _where(volume, database_url)
    if isinstance(where, Path):
        with gradebook_errors("be read"):
            if not where.exists():
                return None
            with closing(connect_reading(where)) as connection:
                _refuse_others(contents_of(connection), where)
        engine = reader_engine(where)
    else:
        engine = postgresql.reader_engine(where)
    try:
        with reading(engine, "be read") as open_connection:
            is_made = isinstance(where, Path) or inspect(open_connection).has_table(VERSION_TABLE)
            if is_made:
                migrate.check_up_to_date(open_connection)
    except BaseException:
        engine.dispose()
        raise
    if not is_made:
        engine.dispose()
    return engine if is_made else None


def file_of(volume: Path, database_url: str | None) -> Path | None:
    """Return the SQLite file that the gradebook is; None where it is on a database server.

    Raises:
        ConfigError: `database_url` cannot be used.
    """
    where = _where(volume, database_url)
    return where if isinstance(where, Path) else None


def _where(volume: Path, database_url: str | None) -> Path | URL:
    if database_url is None:
        return volume / FILE_NAME
    try:
        url = make_url(database_url)
    except ArgumentError:
        # Not its cause: it may quote the address, and with it the password.
        raise ConfigError("GOFER_DATABASE_URL is not the address of a database.") from None
    backend = url.get_backend_name()
    if backend == "sqlite" and url.database and url.database != ":memory:":
        return Path(url.database)
    if backend == "postgresql":
        return url
    raise ConfigError(
        "GOFER_DATABASE_URL names neither a SQLite file (sqlite:///PATH) nor a PostgreSQL database."
    )


def _open_file(path: Path) -> Engine:
    with gradebook_errors("be opened"):
        create_file(path)
        with closing(connect(path, mode="rw")) as connection:
            _refuse_others(contents_of(connection), path)
    remove_leftovers(path)
    use_wal(path)
    return writer_engine(path)


def _refuse_others(contents: Contents, path: Path) -> None:
    if contents is Contents.CLASSIC:
        raise GradebookError(
            f"{path} is the old service's gradebook. As `{FILE_NAME}` in the volume it is moved "
            "aside and imported when the grader starts."
        )
    if contents is Contents.SOMETHING_ELSE:
        raise GradebookError(
            f"{path} is a database of something else, not a gradebook. Move it elsewhere; the "
            "grader then makes a new one."
        )
