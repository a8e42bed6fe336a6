"""`gofer status`: how the grader and its queue stand, once or for as long as somebody looks."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.live import Live
from rich.table import Table
from rich.text import Text

from gofer_console import asking, terminal
from gofer_console.queries import opened_gradebook
from shared.config import ConsoleSettings, read_settings
from shared.errors import GradebookError, SpoolError
from shared.gradebook.throughput import Throughput, throughput_since
from shared.model import utc_now
from shared.queue_snapshot import STOPPED, QueueSnapshot, read_snapshot
from shared.spool import Spool

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine

    from shared.spool import Census

_EVERY_S: Final = 1.0
_HOUR: Final = timedelta(hours=1)
_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_DAY_S: Final = 86400
_GIGABYTE: Final = 1 << 30
_LITTLE_ROOM: Final = 4 * _GIGABYTE
_NAMED: Final = 5
_WELL, _ODD, _BAD = "green", "yellow", "bold red"
_PAUSES: Final = {
    "engine": "waits for the sandbox's engine",
    "image": "waits for the grader image: `gofer image build`",
    "disk": "waits for the disk",
    "gradebook": "waits for the gradebook's database",
    "failures": "waits a little, since grading failed again and again",
    "stopping": "is stopping",
}
"""By the word of the grader's snapshot."""


@dataclass(frozen=True, slots=True)
class Status:
    """Everything at one moment.

    Attributes:
        at: when it was looked at; aware.
        snapshot: what the grader said last; None where it never spoke.
        census: of the spool; None where there is none yet.
        last_hour: what ended in it; None without a gradebook, or where it cannot be read.
        trouble: why the gradebook cannot be read; None where it can, or where there is none yet.
    """

    at: datetime
    snapshot: QueueSnapshot | None
    census: Census | None
    last_hour: Throughput | None
    trouble: str | None = None

    @property
    def is_at_work(self) -> bool:
        """Whether a grader speaks, and did not say that it ended."""
        snapshot = self.snapshot
        return snapshot is not None and snapshot.is_fresh(self.at) and snapshot.paused != STOPPED

    @property
    def blocked(self) -> list[str]:
        """The assignments that wait for staff or for their image."""
        if self.snapshot is None or not self.is_at_work:
            return []
        return [str(one.key) for one in self.snapshot.assignments if one.is_blocked]


def status(
    *,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Go on looking, until Ctrl-C.")
    ] = False,
    as_json: asking.AsJson = False,
) -> None:
    """Show how grading goes: the queue, what runs, what failed, what goes to the LMS.

    The exit code is 1 while no grader is at work, or the gradebook cannot be read.
    """
    settings = read_settings(ConsoleSettings)
    spool = Spool(settings.volume_path)
    with opened_gradebook(settings.volume_path, settings.database_url) as engine:
        found = look(settings, spool, engine)
        if as_json:
            sys.stdout.write(f"{_as_json(found)}\n")
        elif watch and sys.stdout.isatty():
            _follow(settings, spool, engine)
        else:
            terminal.out().print(as_table(found))
    raise typer.Exit(int(not found.is_at_work or found.trouble is not None))


def _follow(settings: ConsoleSettings, spool: Spool, engine: Engine | None) -> None:
    out = terminal.out()
    with Live(console=out, auto_refresh=False, transient=True) as live:
        found = look(settings, spool, engine)
        try:
            while True:
                live.update(as_table(found), refresh=True)
                time.sleep(_EVERY_S)
                found = look(settings, spool, engine)
        except KeyboardInterrupt:
            live.update("")
    out.print(as_table(found))


def look(settings: ConsoleSettings, spool: Spool, engine: Engine | None) -> Status:
    """Look at everything; `engine` is the gradebook's, None where there is none yet."""
    now = utc_now()
    try:
        census = spool.census() if spool.new_dir.exists() else None
    except SpoolError:
        census = None
    last_hour = trouble = None
    try:
        if engine is not None:
            last_hour = throughput_since(engine, now - _HOUR)
    except GradebookError as error:  # the rest is what helps then, and it may be over in a moment
        trouble = str(error)
    return Status(now, read_snapshot(settings.volume_path), census, last_hour, trouble)


def as_table(found: Status) -> Table:
    """Return it as lines of a name and what there is to say, what is wrong in colour."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text, style in _lines(found):
        table.add_row(name, Text(terminal.plain(text), style=style))
    return table


def _lines(found: Status) -> list[tuple[str, str, str]]:
    lines = [("grader", *_grader(found))]
    census, snapshot = found.census, found.snapshot
    if census is not None:
        waiting = f"{census.waiting:,} waiting"
        if census.oldest_received_at is not None:
            waiting += f", the oldest for {_age(found.at - census.oldest_received_at)}"
        running = len(snapshot.running) if snapshot is not None and found.is_at_work else 0
        lines.append(("queue", f"{waiting}; {running} of them being graded", ""))
    if found.last_hour is not None:
        ended = found.last_hour
        lines.append(
            ("last hour", f"{ended.graded:,} graded, {ended.without_score:,} without a score", "")
        )
    if found.trouble is not None:
        lines.append(("gradebook", found.trouble, _BAD))
    if census is not None:
        failed = f"{census.failed:,} set aside" + (", `gofer failed list`" * bool(census.failed))
        lines.append(("failed", failed, _BAD if census.failed else ""))
    if found.blocked:
        names = ", ".join(found.blocked[:_NAMED])
        more = len(found.blocked) - _NAMED
        lines.append(("blocked", names + (f" and {more} more" if more > 0 else ""), _BAD))
    if snapshot is not None and snapshot.passback is not None:
        lines.append(("passback", *_passback(snapshot)))
    if snapshot is not None and snapshot.backed_up_at is not None:
        lines.append(("backup", f"{_age(found.at - snapshot.backed_up_at)} old", ""))
    if census is not None:
        free = f"{census.free_bytes / _GIGABYTE:.1f} GB free"
        lines.append(("disk", free, _ODD if census.free_bytes < _LITTLE_ROOM else ""))
    return lines


def _grader(found: Status) -> tuple[str, str]:
    snapshot = found.snapshot
    if snapshot is None:
        return "none has run on this volume yet; `gofer up` starts one", _BAD
    if snapshot.paused == STOPPED:
        return f"stopped {_age(found.at - snapshot.written_at)} ago", _BAD
    if not snapshot.is_fresh(found.at):
        return f"silent for {_age(found.at - snapshot.written_at)}; `gofer doctor` says more", _BAD
    if snapshot.paused is not None:
        word = snapshot.paused
        return f"{_PAUSES.get(word, word)}; `gofer doctor` says more", _ODD
    places = snapshot.concurrency
    return f"at work, {places} notebook{'s' * (places != 1)} at a time", _WELL


def _passback(snapshot: QueueSnapshot) -> tuple[str, str]:
    outbox = snapshot.passback
    if outbox is None:
        return "", ""
    text = (
        f"{outbox.queued:,} on their way, {outbox.held:,} held, {outbox.parked:,} without an "
        f"address, {outbox.failed:,} failed"
    )
    if outbox.troubled:
        text += f"; does not answer: {', '.join(outbox.troubled)}"
    return text, _BAD if outbox.failed or outbox.troubled else _ODD if outbox.parked else ""


def _age(length: timedelta) -> str:
    seconds = max(0, int(length.total_seconds()))
    if seconds < _MINUTE_S:
        return f"{seconds} s"
    if seconds < _HOUR_S:
        return f"{seconds // _MINUTE_S} min"
    if seconds < 2 * _DAY_S:
        return f"{seconds // _HOUR_S} h {seconds % _HOUR_S // _MINUTE_S} min"
    return f"{seconds // _DAY_S} days"


def _as_json(found: Status) -> str:
    census, snapshot, ended = found.census, found.snapshot, found.last_hour
    oldest = None if census is None else census.oldest_received_at
    return json.dumps(
        {
            "at": found.at.isoformat(),
            "is_grader_at_work": found.is_at_work,
            "paused": None if snapshot is None else snapshot.paused,
            "waiting": None if census is None else census.waiting,
            "oldest_received_at": None if oldest is None else oldest.isoformat(),
            "running": len(snapshot.running) if snapshot and found.is_at_work else 0,
            "concurrency": None if snapshot is None else snapshot.concurrency,
            "graded_last_hour": None if ended is None else ended.graded,
            "without_score_last_hour": None if ended is None else ended.without_score,
            "gradebook_trouble": found.trouble,
            "failed": None if census is None else census.failed,
            "blocked": found.blocked,
            "passback": (
                None
                if snapshot is None or snapshot.passback is None
                else snapshot.passback.model_dump(mode="json")
            ),
            "free_bytes": None if census is None else census.free_bytes,
        },
        indent=2,
    )
