"""`gofer backup` and `gofer restore`."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from gofer_console import terminal
from shared.config import ConsoleSettings, read_settings
from shared.gradebook import backups


def backup(
    path: Annotated[
        Path | None,
        typer.Argument(
            help="The file to write; otherwise one named by the moment, in GOFER_BACKUPS.",
            metavar="PATH",
        ),
    ] = None,
) -> None:
    """Copy the gradebook as it is at this moment. The grader may run."""
    settings = read_settings(ConsoleSettings)
    folder = settings.backup_folder(settings.volume_path) or settings.volume_path / "backups"
    made = backups.make_backup(settings.volume_path, settings.database_url, path, folder)
    terminal.err().print(f"Backed up to {made}", soft_wrap=True)


def restore(
    path: Annotated[Path, typer.Argument(help="A backup.", metavar="PATH")],
) -> None:
    """Put a backup in the gradebook's place. The grader must be stopped."""
    settings = read_settings(ConsoleSettings)
    kept, last = backups.restore(settings.volume_path, settings.database_url, path.absolute())
    err = terminal.err()
    err.print(f"Restored {path}", soft_wrap=True)
    if last is not None:
        err.print(
            f"Its last submission was received {last:%Y-%m-%d %H:%M} UTC. What came later is not "
            "in it; those notebooks lie in the archive (docs/operations.md, Backing it up).",
            soft_wrap=True,
        )
    if kept is not None:
        err.print(f"The gradebook that was there is {kept}", soft_wrap=True)
