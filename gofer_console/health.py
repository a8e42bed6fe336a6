"""Pure: what somebody who looks after Gofer has to hear of, from how it stands at one moment."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from shared.queue_snapshot import STOPPED

if TYPE_CHECKING:
    from gofer_console.status import Status

NO_ROOM_BYTES: Final = 1 << 30
"""Free room at which the server stops taking submissions, unless GOFER_MIN_FREE_DISK says other."""
LITTLE_ROOM_BYTES: Final = 4 << 30
STALLED_AFTER: Final = timedelta(minutes=2)
BACKUP_OLD_AFTER: Final = timedelta(days=2)

PAUSES: Final = {
    "engine": "The engine that runs notebooks does not answer. Grading goes on by itself once it "
    "does.",
    "image": "The grader image is not there. `gofer image build` makes it.",
    "disk": "The disk refuses. Grading goes on by itself once it can be written.",
    "gradebook": "The gradebook's database refuses. Grading goes on by itself once it can be "
    "written.",
    "failures": "Grading failed again and again, so the grader waits a little before it goes on.",
    "stopping": "The grader is stopping: it finishes what it has in hand.",
}
"""By the word of the grader's snapshot; ours, and Markdown."""


class Level(enum.Enum):
    """How much it matters."""

    PROBLEM = enum.auto()
    WARNING = enum.auto()


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to hear of.

    Attributes:
        level: how much it matters.
        text: Markdown of ours; nobody else's words are in it.
        page: the name of the page that says more; None where none does.
    """

    level: Level
    text: str
    page: str | None = None


def notices(found: Status, *, is_held: bool) -> list[Notice]:
    """Return what there is to hear of, the worst first.

    That no grader runs at all is the banner's to say, on every page.

    Args:
        found: how it stands.
        is_held: whether a process holds the grader's lock.
    """
    said: list[Notice] = []
    snapshot, census = found.snapshot, found.census
    is_silent = snapshot is not None and snapshot.paused != STOPPED and not found.is_at_work
    if is_silent and is_held:
        said.append(
            Notice(
                Level.PROBLEM,
                "A grader is running and has said nothing for a while. If that stays so, look at "
                "its log and start it again; nothing is lost by that.",
            )
        )
    if found.is_at_work and snapshot is not None and snapshot.paused is not None:
        text = PAUSES.get(snapshot.paused, "The grader claims nothing just now.")
        said.append(Notice(Level.PROBLEM, f"Grading is paused. {text}"))
    if census is not None and census.free_bytes < LITTLE_ROOM_BYTES:
        level = Level.PROBLEM if census.free_bytes < NO_ROOM_BYTES else Level.WARNING
        free = f"{census.free_bytes / (1 << 30):.1f} GB"
        said.append(
            Notice(
                level,
                f"The disk has {free} left. Once it is full, no submission can be taken; make "
                "room.",
            )
        )
    if found.blocked:
        many = _counted(len(found.blocked), "assignment is", "assignments are")
        said.append(
            Notice(
                Level.PROBLEM,
                f"{many} blocked: its autograder zip or image cannot be used. Submissions are "
                "taken and wait."
                if len(found.blocked) == 1
                else f"{many} blocked: their autograder zips or images cannot be used. Submissions "
                "are taken and wait.",
                "assignments",
            )
        )
    said += _of_the_queue(found)
    if snapshot is not None and snapshot.passback is not None and snapshot.passback.troubled:
        many = _counted(len(snapshot.passback.troubled), "LMS does", "LMSs do")
        said.append(
            Notice(
                Level.WARNING,
                f"{many} not answer. Grades for it wait and are sent once it does.",
                "passback",
            )
        )
    if snapshot is not None and snapshot.backed_up_at is not None:
        age = found.at - snapshot.backed_up_at
        if age > BACKUP_OLD_AFTER:
            said.append(
                Notice(Level.WARNING, f"The newest backup of the gradebook is {age.days} days old.")
            )
    return sorted(said, key=lambda notice: notice.level.value)


def _of_the_queue(found: Status) -> list[Notice]:
    snapshot, census = found.snapshot, found.census
    if snapshot is None or census is None or census.oldest_received_at is None:
        return []
    waits = found.at - census.oldest_received_at
    is_idle = not snapshot.running and snapshot.resting < census.waiting
    if found.is_at_work and snapshot.paused is None and is_idle and waits > STALLED_AFTER:
        minutes = int(waits.total_seconds() // 60)
        return [
            Notice(
                Level.PROBLEM,
                f"Submissions have waited for up to {minutes} minutes and none is being graded. "
                "Look at the grader's log.",
            )
        ]
    return []


def _counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
