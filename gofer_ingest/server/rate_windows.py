"""Pure: whether a student may submit an assignment once more, and from when on.

Only accepted submissions count, so that trying again resets nothing. A window slides: what was
received `within_s` seconds ago counts no more, and one is free again.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from shared.errors import TooMany

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from shared.model import AssignmentKey, RateLimit

_UNITS: Final = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))
_LARGE: Final = 2
"""A wait is told in the largest unit of which it has as many as this."""


def free_in_s(received: Iterable[datetime], rate: RateLimit, now: datetime) -> int:
    """Return in how many whole seconds one more is allowed; 0 for now.

    Args:
        received: when submissions of this student and assignment were received, in any order. Those
            after `now` are of a time before the clock was set back. They count nothing until it
            gets there again; otherwise a clock that was once years ahead would shut a student out
            for years.
        rate: how many are allowed in which time.
        now: an aware time.
    """
    if rate.is_off:
        return 0
    window = timedelta(seconds=rate.within_s)
    counted = sorted(at for at in received if timedelta() <= now - at < window)
    if len(counted) < rate.most:
        return 0
    return math.ceil((counted[-rate.most] + window - now) / timedelta(seconds=1))


def check_rate(
    received: Iterable[datetime], key: AssignmentKey, rate: RateLimit, now: datetime
) -> None:
    """Let one more submission through; the arguments are those of `free_in_s`.

    Raises:
        TooMany: the window is full; it says until when.
    """
    wait_s = free_in_s(received, rate, now)
    if wait_s:
        often = "once" if rate.most == 1 else f"{rate.most} times"
        raise TooMany(
            f"You may submit {key.assignment} {often} in {exactly(rate.within_s)}. "
            f"Try again in {about(wait_s)}.",
            retry_after_s=wait_s,
        )


def exactly(seconds: int) -> str:
    """Say a time in the largest unit that it is a multiple of: 5400 is 90 minutes."""
    unit, length_s = next((unit, length_s) for unit, length_s in _UNITS if seconds % length_s == 0)
    return _counted(seconds // length_s, unit)


def about(seconds: int) -> str:
    """Say a time rounded up, so that whoever waits for it has waited long enough."""
    unit, length_s = next(
        (
            (unit, length_s)
            for unit, length_s in _UNITS
            if seconds >= _LARGE * length_s or seconds == length_s
        ),
        _UNITS[-1],
    )
    return _counted(-(-seconds // length_s), unit)


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
