"""Every transaction on the gradebook, and what goes wrong in one, in plain words.

A writer's transaction begins as one: `BEGIN IMMEDIATE` waits its turn, where a read that becomes a
write would fail at once with "database is locked". Reading never takes the write lock.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError, StatementError

from shared.errors import GradebookError, ValuesRefused
from shared.gradebook.reasons import reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

ONLY_READS: Final = "gofer_only_reads"
"""Execution option of a connection that will not write."""


@contextmanager
def gradebook_errors(doing: str) -> Iterator[None]:
    """Turn what a database or disk raises inside the block into a `GradebookError`.

    Args:
        doing: what was tried, to follow "could not".

    Raises:
        ValuesRefused: it was about what is to be written, and trying again changes nothing.
        GradebookError: a database or the disk refused. It quotes no row, so that it can be logged.
    """
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError, UnicodeEncodeError) as error:
        kind = ValuesRefused if _is_about_values(error) else GradebookError
        raise kind(f"The gradebook could not {doing}: {reason(error)}.") from error


@contextmanager
def writing(engine: Engine, doing: str) -> Iterator[Connection]:
    """Open the writer's transaction: the whole block is recorded, or nothing of it.

    Raises:
        GradebookError: the database refused, and nothing was recorded. Where it was the commit
            that failed, everything may have been recorded; doing it again tells.
    """
    with gradebook_errors(doing), engine.begin() as connection:
        yield connection


@contextmanager
def reading(engine: Engine, doing: str) -> Iterator[Connection]:
    """Open a connection that sees one state of the gradebook throughout the block.

    Raises:
        GradebookError: the database refused.
    """
    with gradebook_errors(doing), engine.connect() as connection:
        yield connection.execution_options(**{ONLY_READS: True})


def _is_about_values(error: Exception) -> bool:
    # A statement that no database saw: a value could not be brought into its form.
    is_unsent = isinstance(error, StatementError) and not isinstance(error, DBAPIError)
    return is_unsent or isinstance(error, DataError | IntegrityError | UnicodeEncodeError)
