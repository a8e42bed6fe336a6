"""Runs that count only once staff have accepted them: which they are, as SQL.

What staff accepted stands in `requests` and nowhere else, so whoever asks why a run counts finds
the person and the reason in the same row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, exists, literal

from shared.gradebook import tables
from shared.gradebook.staff_requests import Outcome
from shared.model import FLAG_TAMPERED

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

ACTION = "accept_flagged"


def is_held() -> ColumnElement[bool]:
    """Return the condition on a row of `grading_runs`."""
    return and_(has_flag(FLAG_TAMPERED), ~is_accepted())


def has_flag(flag: str) -> ColumnElement[bool]:
    """Return the condition on a row of `grading_runs` that it has `flag`."""
    return tables.grading_runs.c.flags.like(f'%"{flag}"%')


def is_accepted() -> ColumnElement[bool]:
    """Return the condition on a row of `grading_runs` that staff accepted it."""
    requests = tables.requests.c
    names_it = literal('%"').concat(tables.grading_runs.c.id).concat('"%')
    return exists().where(
        requests.action == ACTION,
        requests.outcome == Outcome.DONE.value,
        requests.payload.like(names_it),
    )
