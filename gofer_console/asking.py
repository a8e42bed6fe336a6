"""Waiting for what staff asked for, and saying what came of it."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gofer_console import actions, terminal
from shared.gradebook.staff_requests import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from shared.config import ConsoleSettings
    from shared.gradebook.staff_requests import DoneRequest
    from shared.model import SubmissionId

WAIT_S: Final = 15.0
"""Longer than the grader takes to look around; after it, it is probably not running."""
WAITING: Final = "waiting"
"""How a request stands, in JSON, that the grader has not looked at."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def tell(
    settings: ConsoleSettings,
    asked: Mapping[SubmissionId, str],
    err: Console,
    *,
    as_json: bool = False,
) -> bool:
    """Wait for the grader, and say what came of requests.

    Args:
        settings: where the gradebook is.
        asked: the requests, and in a word or two what each is about.
        err: where to say it.
        as_json: say it as JSON, on stdout.

    Returns:
        Whether none was refused, and none failed.
    """
    with err.status(f"Waiting for the grader: {len(asked)} …"):
        done = actions.wait_for(settings.volume_path, settings.database_url, asked, within_s=WAIT_S)
    is_well = all(one.outcome is Outcome.DONE for one in done.values())
    if as_json:
        sys.stdout.write(f"{_as_json(asked, done)}\n")
        return is_well
    for request_id, about in asked.items():
        if request_id in done:
            message = terminal.plain(done[request_id].message)
            err.print(f"{terminal.plain(about)}: {message}", soft_wrap=True)
    waiting = len(asked) - len(done)
    if waiting:
        err.print(
            f"{waiting} not done yet: the grader does it when it runs. Nothing needs to be asked "
            "again."
        )
    return is_well


def _as_json(asked: Mapping[SubmissionId, str], done: Mapping[SubmissionId, DoneRequest]) -> str:
    rows = []
    for request_id, about in asked.items():
        one = done.get(request_id)
        rows.append(
            {
                "request": request_id,
                "about": about,
                "outcome": WAITING if one is None else one.outcome.value,
                "message": None if one is None else one.message,
                "done_at": None if one is None else one.done_at.isoformat(),
            }
        )
    return json.dumps(rows, indent=2)
