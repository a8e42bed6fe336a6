"""What the grader says of its queue, in one small file that it keeps writing anew.

Server and console read it to tell people how long things take. It is a convenience and never the
truth: what is pending is what lies in `spool/new`. So it is not fsynced, nobody waits for it, and
whoever reads it goes on without it where it is missing, old or damaged.
"""

from __future__ import annotations

import os
import stat
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from shared.errors import SpoolUnavailable
from shared.model import AssignmentKey
from shared.requests import EntryId, Name

if TYPE_CHECKING:
    from datetime import datetime

PLACE: Final = Path("spool", "queue.json")
"""Where it lies in the volume."""
MAX_BYTES: Final = 1 << 20
MAX_ASSIGNMENTS: Final = 100
"""How many assignments a snapshot speaks of: with the longest names it stays under `MAX_BYTES`."""
FRESH_FOR: Final = timedelta(seconds=30)
"""After which a grader that says nothing new is taken to be down. It speaks every ten seconds."""
STOPPED: Final = "stopped"
"""What a grader that ends says last, as its reason for claiming nothing."""

_FRESH_SUFFIX: Final = ".new"
_FILE_MODE: Final = 0o640
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK, opening a FIFO of that name would wait for a writer for ever.
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK

_Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Count = Annotated[int, Field(ge=0)]


class _Model(BaseModel):
    # A newer grader may say more than this reader knows.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class AssignmentOutlook(_Model):
    """What submissions to one assignment can expect.

    Attributes:
        typical_s: median seconds of its last runs; None where none has been seen.
        is_blocked: whether it waits for staff or for its image, and its submissions with it.
    """

    course: Name
    section: Name
    assignment: Name
    typical_s: _Seconds | None = None
    is_blocked: bool = False

    @property
    def key(self) -> AssignmentKey:
        """Which assignment."""
        return AssignmentKey(self.course, self.section, self.assignment)


class PassbackOutlook(_Model):
    """What is in the outbox, on its way to the LMS or not.

    Attributes:
        queued: how many grades are to be sent.
        held: how many staff keep.
        parked: of how many nobody knows where they go.
        failed: how many an LMS does not take.
        oldest_queued_at: since when the oldest queued one waits; None where none does.
        troubled: the LMSs that are left alone for a while, by name.
    """

    queued: _Count = 0
    held: _Count = 0
    parked: _Count = 0
    failed: _Count = 0
    oldest_queued_at: AwareDatetime | None = None
    troubled: tuple[str, ...] = ()


class QueueSnapshot(_Model):
    """The queue as the grader saw it at one moment.

    Attributes:
        version: of this form.
        written_at: by the grader's clock.
        concurrency: how many runs there may be at one time.
        running: entries that are in hand.
        pending: how many entries lay in `spool/new` when it was last listed.
        resting: how many of those wait for something else than their turn.
        paused: one word for staff on why nothing is claimed just now; None where it is.
        typical_s: median seconds of the last runs of any assignment; None where none was seen.
        assignments: those that were seen lately.
        passback: what is in the outbox; None where no grade is posted from here.
        warm_idle: slots that are ready before anybody asks.
        warm_hits: runs that found one, since the grader started.
        warm_misses: runs that had theirs made, since then.
        backed_up_at: of the newest daily backup; None where there is none, or none is made.
    """

    version: Literal[1] = 1
    written_at: AwareDatetime
    concurrency: Annotated[int, Field(ge=1)]
    running: tuple[EntryId, ...] = ()
    pending: _Count = 0
    resting: _Count = 0
    paused: Annotated[str, Field(pattern=r"^[a-z_]{1,32}$")] | None = None
    typical_s: _Seconds | None = None
    assignments: tuple[AssignmentOutlook, ...] = ()
    passback: PassbackOutlook | None = None
    warm_idle: _Count = 0
    warm_hits: _Count = 0
    warm_misses: _Count = 0
    backed_up_at: AwareDatetime | None = None

    def is_fresh(self, now: datetime) -> bool:
        """Whether the grader that wrote it can be taken to be at work, at `now`, an aware time."""
        return abs(now - self.written_at) <= FRESH_FOR

    def outlook(self, key: AssignmentKey) -> AssignmentOutlook | None:
        """Return what submissions to an assignment can expect; None where nothing is known."""
        return next((one for one in self.assignments if one.key == key), None)


def write_snapshot(volume: Path, snapshot: QueueSnapshot) -> None:
    """Put a snapshot in place of the last one: readers see the old or the new, whole.

    Raises:
        SpoolUnavailable: the disk refused; the last one may still be there.
    """
    path = volume / PLACE
    fresh = path.with_name(path.name + _FRESH_SUFFIX)
    try:
        descriptor = os.open(fresh, _CREATE, _FILE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(snapshot.model_dump_json().encode())
        fresh.replace(path)
    except OSError as error:
        raise SpoolUnavailable(
            f"The queue's snapshot could not be written: {error.strerror or error}."
        ) from error


def read_snapshot(volume: Path) -> QueueSnapshot | None:
    """Return the last snapshot; None where there is none that can be understood."""
    try:
        content = _content(volume / PLACE)
    except OSError:
        return None
    try:
        return None if content is None else QueueSnapshot.model_validate_json(content)
    except ValidationError:
        return None


def _content(path: Path) -> bytes | None:
    descriptor = os.open(path, _READ)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
            return None
        return file.read(MAX_BYTES)
