"""A request that is one transaction: all that it changes, and the row that says so.

Killed anywhere, all of it is in the gradebook or nothing. A refusal undoes what was written before
it, and is on record as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.gradebook.staff_requests import Outcome, insert_request, record_request
from shared.gradebook.transactions import writing
from shared.model import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from shared.requests import StaffRequest

_ID_SHOWN: Final = 8


class Refused(Exception):
    """A request cannot be carried out; the text says why, for staff."""


def on_record(
    engine: Engine,
    request: StaffRequest,
    doing: str,
    carry_out: Callable[[Connection, datetime], str],
) -> tuple[Outcome, str]:
    """Carry out a request and put it on record, in one transaction.

    Args:
        engine: the writer's.
        request: which.
        doing: what is tried, to follow "could not".
        carry_out: does it inside the transaction, at the time it is given, and returns what staff
            are told.

    Returns:
        What came of it.

    Raises:
        GradebookError: the database refused; nothing was recorded.
    """
    now = utc_now()
    try:
        with writing(engine, doing) as connection:
            message = carry_out(connection, now)
            insert_request(connection, request, Outcome.DONE, message, now)
    except Refused as refusal:
        # Whatever was written before it is undone with its transaction.
        record_request(engine, request, Outcome.REFUSED, str(refusal))
        return Outcome.REFUSED, str(refusal)
    return Outcome.DONE, message


def short_id(regrade_id: str) -> str:
    """Return the part of a regrade's id that people compare."""
    return regrade_id[-_ID_SHOWN:]


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as `1 grade`."""
    return f"{number} {noun}{'s' * (number != 1)}"
