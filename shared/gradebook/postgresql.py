"""A gradebook in a PostgreSQL database: opening it, and taking turns at writing.

The rest of the package is the same for both databases. What SQLite gives by its one write lock is
had here by a lock of the transaction's own (PostgreSQL's manual, "Advisory Locks"): the grader's
threads record one after the other, each seeing all that the one before has recorded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import create_engine, event
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from shared.errors import ConfigError
from shared.gradebook.transactions import ONLY_READS

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

DRIVER: Final = "postgresql+psycopg"

WRITERS_TURN: Final = 0x676F666572
"""Number of the advisory lock, one for all gradebooks of a database: the word `gofer` in ASCII."""

CONNECT_TIMEOUT_S: Final = 10

LOCK_TIMEOUT_S: Final = 10
"""How long a transaction waits for its turn, as with SQLite's file."""


def writer_engine(url: URL) -> Engine:
    """Make the engine of the gradebook's only writer; any number of its threads may use it.

    Args:
        url: of the database; a driver it names is used, else psycopg.

    Raises:
        ConfigError: the driver is not installed.
    """
    engine = _engine(url)
    event.listen(engine, "begin", _begin_writing)
    return engine


def reader_engine(url: URL) -> Engine:
    """Make an engine that cannot write; each of its transactions sees one state throughout.

    Raises:
        ConfigError: the driver is not installed.
    """
    return _engine(url).execution_options(
        isolation_level="REPEATABLE READ", postgresql_readonly=True
    )


def _engine(url: URL) -> Engine:
    if url.drivername == "postgresql":
        url = url.set(drivername=DRIVER)
    try:
        return create_engine(
            url,
            hide_parameters=True,  # rows hold what students printed, and errors are logged
            pool_pre_ping=True,  # the server may have been restarted
            connect_args={
                "connect_timeout": CONNECT_TIMEOUT_S,
                # Times are compared with text in places, and text means UTC.
                "options": f"-c timezone=UTC -c lock_timeout={LOCK_TIMEOUT_S}s",
            },
        )
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise ConfigError(
            "GOFER_DATABASE_URL names a PostgreSQL database, and its driver is not installed "
            f"({type(error).__name__}). `make install` installs it, and so does "
            "`python -m pip install 'psycopg[binary]>=3.2'`."
        ) from error


def _begin_writing(connection: Connection) -> None:
    if connection.get_execution_options().get(ONLY_READS, False):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    else:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITERS_TURN})")
