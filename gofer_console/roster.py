"""`gofer roster`: who students are to the LMS."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gofer_console import actions, asking, terminal
from gofer_console.hub_launches import launches, rows_of
from gofer_console.known_assignments import catalogue_of
from gofer_console.queries import opened_gradebook
from gofer_console.roster_file import FILE_MAX_BYTES, as_request, read_roster
from gofer_console.staff_file import content_of
from shared.config import ConsoleSettings, read_settings
from shared.errors import ConfigError
from shared.gradebook.roster import news_of
from shared.spool import Spool

if TYPE_CHECKING:
    from shared.requests import RosterRow

roster: Final = typer.Typer(help="Say who students are to the LMS.", no_args_is_help=True)


@roster.command("import")
def import_roster(
    file: Annotated[Path, typer.Argument(help="A CSV file.", metavar="FILE.csv")],
    *,
    why: Annotated[str, typer.Option(help="The reason, for the record.", metavar="TEXT")] = "",
    course: Annotated[str | None, typer.Option(help="Of rows that name none.")] = None,
    assignment: Annotated[str | None, typer.Option(help="Of rows that name none.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read it, and do nothing.")] = False,
    as_json: asking.AsJson = False,
) -> None:
    """Add to the roster: ids at the LMS, launches, names, e-mails, sections.

    Nothing of a file is taken in which anything is wrong. What is left empty stays as it was.
    """
    content = content_of(file, max_bytes=FILE_MAX_BYTES)
    rows = read_roster(content, name=file.name, course=course, assignment=assignment)
    payload = as_request(rows, file.name)
    if dry_run:
        terminal.err().print(f"{file.name}: {len(rows)} rows, all well. Nothing was done.")
        return
    settings = read_settings(ConsoleSettings)
    request = actions.deliver(Spool(settings.volume_path), payload, by=actions.requester(), why=why)
    is_well = asking.tell(settings, {request: "roster"}, terminal.err(), as_json=as_json)
    raise typer.Exit(int(not is_well))


@roster.command("launches")
def import_launches(
    *,
    why: Annotated[str, typer.Option(help="The reason, for the record.", metavar="TEXT")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read them, and do nothing.")] = False,
    as_json: asking.AsJson = False,
) -> None:
    """Add to the roster what the Hub keeps of students' LTI launches, as far as it is news.

    The Hub keeps each student's last launch alone, so this is for a timer.
    """
    settings = read_settings(ConsoleSettings)
    if settings.hub_api_url is None or settings.hub_launches_token is None:
        raise ConfigError("Set JUPYTERHUB_API_URL and GOFER_HUB_LAUNCHES_TOKEN.")
    token = settings.hub_launches_token.get_secret_value()
    assignments = list(catalogue_of(settings))
    rows: list[RosterRow] = []
    told = of_none = 0
    for launch in launches(settings.hub_api_url, token):
        if not launch.auth_state:
            continue
        told += 1
        try:
            found = rows_of(launch, assignments)
        except ValueError:
            terminal.err().print(
                f"The launch of {terminal.plain(launch.name)} holds what does not belong there; "
                "it is passed over.",
                soft_wrap=True,
            )
            continue
        of_none += not found
        rows += found
    rows = _news(settings, rows)
    terminal.err().print(
        f"{told} launch{'es' * (told != 1)} at the Hub; {of_none} of no assignment that has their "
        f"resource link as its lms_id; {len(rows)} row{'s are' if len(rows) != 1 else ' is'} news.",
        soft_wrap=True,
    )
    if dry_run or not rows:
        return
    request = actions.deliver(
        Spool(settings.volume_path),
        as_request(rows, "launches at the Hub"),
        by=actions.requester(),
        why=why,
    )
    is_well = asking.tell(settings, {request: "roster"}, terminal.err(), as_json=as_json)
    raise typer.Exit(int(not is_well))


def _news(settings: ConsoleSettings, rows: list[RosterRow]) -> list[RosterRow]:
    """Return the rows that say what the roster does not have yet."""
    with opened_gradebook(settings.volume_path, settings.database_url) as engine:
        return rows if engine is None else news_of(engine, rows)
