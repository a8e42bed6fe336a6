"""How many slots to keep ready, and for what. Pure: no clock, no engine; the pool asks it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.model import Limits

IDLE_AFTER_S: Final = 1800.0
"""What nobody has asked for as long as this is kept ready no longer."""
RECENT_S: Final = 60.0
"""How far back the rate of asking is looked at."""
ASSUMED_BYTES: Final = 256 << 20
"""What a slot takes idle, where nothing counts it; Gofer's own image takes about 200 MiB."""


class Kind(NamedTuple):
    """What slots are alike in: they can stand in for each other.

    Attributes:
        image: name of an image, None for the default one.
        limits: of the run.
    """

    image: str | None
    limits: Limits


@dataclass
class Demand:
    """How one kind was asked for.

    Attributes:
        asked_at: when, on one clock, seconds, ascending; what is older than `RECENT_S` may be gone,
            but for the last.
        making_s: how long it takes to make one.
        idle_bytes: memory that one takes idle.
    """

    asked_at: list[float] = field(default_factory=list)
    making_s: float = 5.0
    idle_bytes: int = ASSUMED_BYTES

    def note(self, now: float) -> None:
        """Note that one is asked for."""
        self.asked_at = [*(at for at in self.asked_at if now - at <= RECENT_S), now]

    def wanted(self, now: float, most: int) -> int:
        """Return how many would meet what is asked while new ones are made, at most `most`."""
        if not self.asked_at or now - self.asked_at[-1] > IDLE_AFTER_S:
            return 0
        recent = sum(now - at <= RECENT_S for at in self.asked_at)
        return min(max(1, math.ceil(recent / RECENT_S * self.making_s)), most)


def sizes(
    demands: Mapping[Kind, Demand], now: float, *, memory_bytes: int, most: int
) -> dict[Kind, int]:
    """Return how many slots of each kind to keep ready; kinds that are to have none are left out.

    Every kind gets one before any gets a second, and those asked for last come first.

    Args:
        demands: how each kind was asked for.
        now: on the same clock.
        memory_bytes: what all of them together may take.
        most: how many of one kind there can be use for: no more runs go on at one time.
    """
    latest_first = sorted(
        (kind for kind in demands if demands[kind].asked_at),
        key=lambda kind: demands[kind].asked_at[-1],
        reverse=True,
    )
    kept: dict[Kind, int] = {}
    left_bytes = memory_bytes
    for number in range(1, most + 1):
        for kind in latest_first:
            demand = demands[kind]
            if demand.wanted(now, most) >= number and demand.idle_bytes <= left_bytes:
                kept[kind] = number
                left_bytes -= demand.idle_bytes
    return kept
