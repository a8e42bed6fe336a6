"""`gofer audit`: every request and every change of a grade, the newest first."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.table import Table

from gofer_console import asking, terminal
from gofer_console.exports.command import NO_GRADEBOOK
from gofer_console.exports.filters import read_moment
from gofer_console.queries import opened_gradebook
from gofer_console.request_words import ACTION_WORDS, action_words, entry_about
from shared.config import ConsoleSettings, read_settings
from shared.errors import ConfigError
from shared.gradebook.audit import AuditFilter, Kind, audit_page

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.gradebook.audit import AuditEntry

_SHOWN: Final = 50
_MOST: Final = 1_000_000_000
"""More than there ever is, and a number that every database takes."""


def audit(
    *,
    by: Annotated[
        list[str] | None, typer.Option(help="Only whose doing it was; may be given again.")
    ] = None,
    action: Annotated[
        list[str] | None,
        typer.Option(help="Only these requests, such as `override`; may be given again."),
    ] = None,
    requests: Annotated[
        bool, typer.Option("--requests", help="Only requests, no changes of grades.")
    ] = False,
    search: Annotated[
        str, typer.Option(help="Only with these words, anywhere in them.", metavar="TEXT")
    ] = "",
    since: Annotated[
        str | None, typer.Option(help="Only then or later, as 2026-12-01.", metavar="TIME")
    ] = None,
    before: Annotated[str | None, typer.Option(help="Only before.", metavar="TIME")] = None,
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="How many at most.")] = _SHOWN,
    as_json: asking.AsJson = False,
) -> None:
    """Show who did what, when and why, the newest first."""
    for word in action or ():
        if word not in ACTION_WORDS:
            raise ConfigError(f"--action: {word!a} is none. There are: {', '.join(ACTION_WORDS)}.")
    wanted = AuditFilter(
        kinds=(Kind.REQUEST,) if requests else (),
        actions=tuple(action or ()),
        by=tuple(by or ()),
        search=search,
        since=read_moment("--since", since),
        before=read_moment("--before", before),
    )
    settings = read_settings(ConsoleSettings)
    with opened_gradebook(settings.volume_path, settings.database_url) as engine:
        found = () if engine is None else audit_page(engine, wanted, limit=limit + 1)
    if as_json:
        sys.stdout.write(f"{json.dumps([_row(one) for one in found[:limit]], indent=2)}\n")
    elif found:
        terminal.out().print(_as_table(found[:limit]))
        if len(found) > limit:
            terminal.err().print(f"There is more; these are the newest {limit}. See --limit.")
    else:
        terminal.err().print(NO_GRADEBOOK if engine is None else "There is nothing of that kind.")


def _as_table(entries: Iterable[AuditEntry]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("when (UTC)", no_wrap=True)
    for name in ("by", "what", "about", "outcome", "why"):
        table.add_column(name, overflow="fold")
    for entry in entries:
        table.add_row(
            entry.at.strftime("%Y-%m-%d %H:%M"),
            terminal.plain(entry.by),
            action_words(entry.action),
            terminal.plain(entry_about(entry)),
            terminal.plain(f"{entry.outcome}: {entry.message}" if entry.outcome else ""),
            terminal.plain(entry.why),
        )
    return table


def _row(entry: AuditEntry) -> dict[str, object]:
    row: dict[str, object] = {
        "kind": entry.kind.value,
        "id": entry.id,
        "action": entry.action,
        "by": entry.by,
        "at": entry.at.isoformat(),
        "why": entry.why,
        "about": entry_about(entry),
    }
    if entry.kind is Kind.REQUEST:
        asked = json.loads(entry.payload)
        return {**row, "payload": asked, "outcome": entry.outcome, "message": entry.message}
    return {
        **row,
        "student": entry.student,
        "assignment": str(entry.key),
        "before": None if entry.before is None else entry.before.points,
        "before_possible": None if entry.before is None else entry.before.possible,
        "after": None if entry.after is None else entry.after.points,
        "after_possible": None if entry.after is None else entry.after.possible,
    }
