"""What did not come to its end in a run, and until when things may run."""

from __future__ import annotations

import enum
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .plan import Place

STOPS_MAX = 100
"""How many an answer tells of; a run that has more has had too little time for each cell."""


class How(enum.StrEnum):
    """How a cell or a check was stopped."""

    INTERRUPTED = "interrupted"
    """Past its limit; it gave way, and the notebook went on."""
    KILLED = "killed"
    """Past its limit; it ignored the interrupt, and the kernel was killed."""
    OUT_OF_TIME = "out_of_time"
    """The time of the whole run was over."""
    DIED = "died"
    """The kernel ended, and nobody here ended it."""

    @property
    def is_end(self) -> bool:
        """Whether nothing is executed afterwards."""
        return self is not How.INTERRUPTED


@dataclass
class Watch:
    """The limits of one run, and what was stopped for them.

    Attributes:
        cell_time_s: how long one cell may run.
        ends_at: when all of it is over, on `time.monotonic`.
        stops: where and how, in order.
        has_results: whether there were any results when the kernel had ended.
    """

    cell_time_s: float
    ends_at: float
    stops: list[tuple[Place, How]] = field(default_factory=list)
    has_results: bool = False

    @property
    def left_s(self) -> float:
        """How much time the run has left."""
        return max(self.ends_at - time.monotonic(), 0.0)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more is executed."""
        return bool(self.stops) and self.stops[-1][1].is_end

    def as_json(self) -> list[dict[str, Any]]:
        """Return the stops as an answer tells them: the first, and how it ended."""
        told = self._told()
        if len(told) > STOPS_MAX:
            told = [*told[: STOPS_MAX - 1], told[-1]]
        return [{"cell": place.cell, "check": place.check, "how": how.value} for place, how in told]

    def _told(self) -> list[tuple[Place, How]]:
        """Leave out what was stopped of the canary and the probe: it cost nobody anything."""
        return [
            (place, how)
            for place, how in self.stops
            if not place.is_probe and not (place.is_canary and not how.is_end)
        ]
