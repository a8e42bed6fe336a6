"""`gofer grades recompute`: grades that the course config's rules of today would make otherwise."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.table import Table

from gofer_console import actions, asking, terminal
from gofer_console.known_assignments import catalogue_of, meant, refuse_empty
from gofer_console.queries import opened_gradebook
from shared.config import ConsoleSettings, read_settings
from shared.errors import GoferError
from shared.gradebook.recompute import made_by_other_rules, moves
from shared.requests import RecomputePayload
from shared.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shared.gradebook.recompute import Move
    from shared.model import AssignmentKey, Score

_SHOWN: Final = 20


def recompute(
    assignment: Annotated[
        str | None,
        typer.Argument(
            help="COURSE/SECTION/NAME, or the name where there is one of it; otherwise all whose "
            "rules were changed.",
            metavar="ASSIGNMENT",
        ),
    ] = None,
    *,
    why: Annotated[
        str | None, typer.Option(help="The reason, for the record.", metavar="TEXT")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show which grades would change.")
    ] = False,
    as_json: asking.AsJson = False,
) -> None:
    """Make grades anew by the course config's rules of today. Shows first who moves."""
    if not dry_run and why is None:
        raise GoferError("Say why with --why, or take --dry-run to see which grades would change.")
    settings = read_settings(ConsoleSettings)
    catalogue = catalogue_of(settings)
    refuse_empty(catalogue)
    policies = {one.key: one.policy for one in catalogue}
    chosen = None if assignment is None else meant(catalogue, assignment).key
    found: dict[AssignmentKey, tuple[Move, ...]] = {}
    with opened_gradebook(settings.volume_path, settings.database_url) as engine:
        if engine is not None:
            keys = made_by_other_rules(engine, policies) if chosen is None else [chosen]
            found = {key: moves(engine, key, policies[key]) for key in keys}
    found = {key: moved for key, moved in found.items() if moved}
    if as_json and dry_run:
        sys.stdout.write(f"{_as_json(found)}\n")
        return
    for key, moved in () if as_json else found.items():
        terminal.out().print(
            f"{terminal.plain(str(key))}: {len(moved)} grade{'s' * (len(moved) != 1)} would change"
        )
        terminal.out().print(_as_table(moved[:_SHOWN]))
    if not found:
        if as_json:
            sys.stdout.write("[]\n")
        terminal.err().print("No grade would change.")
    elif why is not None and not dry_run:
        spool, by = Spool(settings.volume_path), actions.requester()
        asked = {
            actions.deliver(
                spool,
                RecomputePayload(course=key.course, section=key.section, assignment=key.assignment),
                by=by,
                why=why,
            ): str(key)
            for key in found
        }
        is_well = asking.tell(settings, asked, terminal.err(), as_json=as_json)
        raise typer.Exit(int(not is_well))


def _as_json(found: Mapping[AssignmentKey, Iterable[Move]]) -> str:
    rows = [
        {
            "course": key.course,
            "section": key.section,
            "assignment": key.assignment,
            "student": move.student,
            "now": None if move.before is None else move.before.points,
            "would_be": None if move.after is None else move.after.points,
        }
        for key, moved in found.items()
        for move in moved
    ]
    return json.dumps(rows, indent=2)


def _as_table(moved: Iterable[Move]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("student", overflow="fold")
    for name in ("now", "would be"):
        table.add_column(name, justify="right", no_wrap=True)
    for move in moved:
        table.add_row(terminal.plain(move.student), _points(move.before), _points(move.after))
    return table


def _points(score: Score | None) -> str:
    return "-" if score is None else f"{score.points:.2f} of {score.possible:g}"
