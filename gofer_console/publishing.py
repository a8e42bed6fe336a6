"""`gofer publish`: when students see the results of an assignment, decided by hand."""

from __future__ import annotations

from typing import Annotated

import typer
from pydantic import ValidationError

from gofer_console import actions, asking, terminal
from gofer_console.extension_file import moment_with_zone
from gofer_console.known_assignments import catalogue_of, meant
from shared.config import ConsoleSettings, read_settings
from shared.errors import ConfigError
from shared.requests import PublishPayload
from shared.spool import Spool


def publish(
    assignment: Annotated[
        str,
        typer.Argument(
            help="COURSE/SECTION/NAME, or the name where there is one of it.", metavar="ASSIGNMENT"
        ),
    ],
    *,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            help="From then on, as 2026-12-01T18:00:00+01:00; otherwise now.",
            metavar="TIME",
        ),
    ] = None,
    withhold: Annotated[
        bool, typer.Option("--withhold", help="Show nothing until you publish it again.")
    ] = False,
    as_configured: Annotated[
        bool, typer.Option("--as-configured", help="Follow the course config again.")
    ] = False,
    why: Annotated[str, typer.Option(help="The reason, for the record.", metavar="TEXT")] = "",
    as_json: asking.AsJson = False,
) -> None:
    """Let students see results, now or from a time on. It sends nothing to the LMS."""
    if (at is not None) + withhold + as_configured > 1:
        raise ConfigError("Take one of --at, --withhold and --as-configured.")
    settings = read_settings(ConsoleSettings)
    key = meant(catalogue_of(settings), assignment).key
    rule: str | None = "immediately"
    if at is not None:
        try:
            rule = moment_with_zone(at).isoformat()
        except ValueError as error:
            raise ConfigError(f"--at: {error}.") from None
    elif withhold:
        rule = "manual"
    elif as_configured:
        rule = None
    try:
        payload = PublishPayload(
            course=key.course, section=key.section, assignment=key.assignment, rule=rule
        )
    except ValidationError:
        raise ConfigError(f"--at: {at!a} is no time that can be kept.") from None
    request = actions.deliver(Spool(settings.volume_path), payload, by=actions.requester(), why=why)
    is_well = asking.tell(settings, {request: str(key)}, terminal.err(), as_json=as_json)
    raise typer.Exit(int(not is_well))
