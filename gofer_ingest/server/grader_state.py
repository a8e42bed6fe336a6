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

    from shared.queue_snapshot import PassbackOutlook, QueueSnapshot

WORKING: Final = "working"
NOT_RUNNING: Final = "not running"


@dataclass(frozen=True, slots=True)
class GraderState:
    """The grader at one moment.

    Attributes:
        is_running: whether it speaks, and did not say that it ended.
        paused: why it claims nothing, in one word; None where it claims or does not run.
        silent_s: seconds since it last spoke; None where it never did.
        passback: what it said of the outbox; None where it said nothing of it.
        warm_idle: slots that it has ready before anybody asks.
        warm_hits: runs that found one, since it started.
        warm_misses: runs that had theirs made, since then.
        backup_age_s: seconds since the newest daily backup; None where it told of none.
    """

    is_running: bool
    paused: str | None
    silent_s: float | None
    passback: PassbackOutlook | None = None
    warm_idle: int = 0
    warm_hits: int = 0
    warm_misses: int = 0
    backup_age_s: float | None = None

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
            passback=snapshot.passback,
            warm_idle=snapshot.warm_idle if is_running else 0,
            warm_hits=snapshot.warm_hits,
            warm_misses=snapshot.warm_misses,
            backup_age_s=None
            if snapshot.backed_up_at is None
            else max(0.0, (now - snapshot.backed_up_at).total_seconds()),
        )

    def __str__(self) -> str:
        if not self.is_running:
            return NOT_RUNNING
        return WORKING if self.paused is None else f"paused: {self.paused}"
