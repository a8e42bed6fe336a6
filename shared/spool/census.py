"""How many entries lie where, for whoever watches the spool; names only, nothing is opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.model import made_at
from shared.spool import disk

if TYPE_CHECKING:
    from datetime import datetime

    from shared.spool.places import Places


@dataclass(frozen=True, slots=True)
class Census:
    """The spool at one moment; entries that are moved meanwhile may count twice or not at all.

    Attributes:
        waiting: entries in `new/`.
        failed: entries that were buried.
        being_written: names in `tmp/`, leftovers of killed deliveries included.
        oldest_received_at: of those in `new/`; None where there is none. Aware, UTC.
        free_bytes: on the disk, for this process's user.
    """

    waiting: int
    failed: int
    being_written: int
    oldest_received_at: datetime | None
    free_bytes: int


def take_census(places: Places) -> Census:
    """Count; lets `OSError` pass."""
    waiting = places.ids_in(places.new)
    return Census(
        waiting=len(waiting),
        failed=len(places.ids_in(places.failed)),
        being_written=len(disk.list_names(places.tmp)),
        oldest_received_at=made_at(waiting[0]) if waiting else None,
        free_bytes=disk.free_bytes(places.new),
    )
