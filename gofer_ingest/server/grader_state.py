"""Pure: what the grader's last snapshot says of the grader, for those who watch over it.

The server accepts without a grader, so nothing here decides anything; it is told by `readyz` and
`metrics`, where monitoring can see that receipts are given and nobody grades.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.queue_snapshot import STOPPED

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Self

    from shared.queue_snapshot import QueueSnapshot

WORKING: Final = "working"
NOT_RUNNING: Final = "not running"


@dataclass(frozen=True, slots=True)
class GraderState:
    """The grader at one moment.

    Attributes:
        is_running: whether it speaks, and did not say that it ended.
        paused: why it claims nothing, in one word; None where it claims or does not run.
        silent_s: seconds since it last spoke; None where it never did.
    """

    is_running: bool
    paused: str | None
    silent_s: float | None

    @classmethod
    def of(cls, snapshot: QueueSnapshot | None, now: datetime) -> Self:
        """Return what a snapshot says at `now`, an aware time."""
        if snapshot is None:
            return cls(is_running=False, paused=None, silent_s=None)
        is_running = snapshot.is_fresh(now) and snapshot.paused != STOPPED
        return cls(
            is_running=is_running,
            paused=snapshot.paused if is_running else None,
            silent_s=max(0.0, (now - snapshot.written_at).total_seconds()),
        )

    def __str__(self) -> str:
        if not self.is_running:
            return NOT_RUNNING
        return WORKING if self.paused is None else f"paused: {self.paused}"
