"""What `gofer doctor` says of the outbox: how much waits for the LMS, and what did not arrive."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from gofer_console.grader_side import Check, Health
from gofer_console.queries import opened_gradebook
from shared.errors import GoferError
from shared.gradebook.outbox import State, count_not_posted, figures
from shared.gradebook.transactions import reading
from shared.model import utc_now

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

_LONG: Final = timedelta(hours=1)
"""Longer than a busy LMS is left alone; what waits since before waits for somebody."""


def check_outbox(volume: Path, database_url: str | None) -> list[Check]:
    """Tell what is in the outbox; nothing where the gradebook's own check has said why not."""
    try:
        with opened_gradebook(volume, database_url) as engine:
            if engine is None:
                return []
            with reading(engine, "be read") as connection:
                numbers, oldest_at = figures(connection)
                not_posted = count_not_posted(connection)
    except GoferError:
        return []
    return [judge_outbox(numbers, oldest_at, utc_now(), not_posted)]


def judge_outbox(
    numbers: Mapping[State, int], oldest_at: datetime | None, now: datetime, not_posted: int = 0
) -> Check:
    """Tell whether anything in the outbox needs a person.

    Args:
        numbers: of open rows, by state.
        oldest_at: since when the oldest queued one waits; aware.
        now: aware.
        not_posted: how many of the parked ones are of assignments that go to no LMS. They need
            nobody.
    """
    numbers = {**numbers, State.PARKED: numbers.get(State.PARKED, 0) - not_posted}
    said = [f"{numbers[state]} {state}" for state in State if numbers.get(state)]
    message = f"On their way to the LMS: {', '.join(said) or 'none'}."
    if not_posted:
        is_one = not_posted == 1
        message += f" {not_posted} {'grade goes' if is_one else 'grades go'} to no LMS."
    advice = []
    if numbers.get(State.FAILED):
        advice.append(
            "`gofer post list --state failed` says why grades did not arrive; `gofer post retry` "
            "sends them again."
        )
    if numbers.get(State.PARKED):
        advice.append(
            "`gofer post list --state parked` says what is missing: the roster, or the course "
            "config."
        )
    if oldest_at is not None and now - oldest_at > _LONG:
        hours = (now - oldest_at) / timedelta(hours=1)
        message += f" The oldest queued one waits for {hours:.0f} h."
        advice.append("Look whether the grader runs, and whether its LMS answers.")
    health = Health.WARNING if advice else Health.OK
    return Check(name="outbox", status=health, message=message, advice=" ".join(advice))
