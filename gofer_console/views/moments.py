"""Times as people read them: in the course's time zone, with how long ago that was."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from shared.errors import UnknownAssignment
from shared.model import utc_now

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from shared.catalogue import Catalogue
    from shared.model import AssignmentKey

_NONE: Final = "\u2013"  # a dash
_SOON: Final = timedelta(seconds=5)
_UNITS: Final = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
_NO_YEAR_WITHIN: Final = timedelta(days=180)


def zone_of(
    catalogue: Catalogue | None, set_by_staff: str | None, key: AssignmentKey | None = None
) -> ZoneInfo:
    """Return the time zone to show times in.

    Args:
        catalogue: None where it cannot be read.
        set_by_staff: `GOFER_CONSOLE_TIME_ZONE`; it wins over the course config.
        key: of the assignment whose times they are; None takes the zone most assignments have.
    """
    if set_by_staff is not None:
        return ZoneInfo(set_by_staff)
    if catalogue is not None and key is not None:
        try:
            named = catalogue.find(key).time_zone
        except UnknownAssignment:
            named = None
        if named is not None:
            return ZoneInfo(named)
    zones = Counter(one.time_zone for one in catalogue or () if one.time_zone is not None)
    return ZoneInfo(zones.most_common(1)[0][0] if zones else "UTC")


def moment(at: datetime | None, zone: tzinfo = UTC) -> str:
    """Return a time with its age, as `28 Nov, 14:05 (3 minutes ago)`; a dash where there is none.

    Args:
        at: aware.
        zone: to show it in.
    """
    return _NONE if at is None else f"{clock(at, zone)} ({ago(at)})"


def clock(at: datetime, zone: tzinfo = UTC) -> str:
    """Return a time without its age, as `28 Nov, 14:05`; with the year where that is not clear."""
    local = at.astimezone(zone)
    is_near = abs(utc_now() - at) < _NO_YEAR_WITHIN
    day = f"{local.day} {local:%b}" if is_near else f"{local.day} {local:%b %Y}"
    return f"{day}, {local:%H:%M}"


def ago(at: datetime) -> str:
    """Return how long ago a time was, or how soon it comes, in its largest unit."""
    age = utc_now() - at
    if abs(age) < _SOON:
        return "just now"
    return f"{span(age)} ago" if age > timedelta(0) else f"in {span(-age)}"


def span(length: timedelta) -> str:
    """Return how long something is, in its largest unit, as `3 minutes`."""
    seconds = max(length.total_seconds(), 0.0)
    for unit_s, name in _UNITS:
        if seconds >= unit_s:
            count = int(seconds // unit_s)
            return f"{count} {name}" if count == 1 else f"{count} {name}s"
    return "less than a second"
