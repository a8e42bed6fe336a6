"""`gofer doctor`: every check of this side and of the grader's, in the order they build on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from gofer_console import checks, server_side
from gofer_console.grader_side import Check, Health, ask_grader
from gofer_console.old_zips import check_old_zips
from gofer_console.outbox_check import check_outbox
from gofer_console.terminal import plain
from shared.errors import GraderError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.config import ConsoleSettings

_STYLES: Final = {Health.OK: "green", Health.WARNING: "yellow", Health.PROBLEM: "bold red"}


def all_checks(settings: ConsoleSettings) -> list[Check]:
    """Run every check and return what came out."""
    return [
        checks.check_python(),
        checks.check_volume(settings.volume_path),
        checks.check_free_disk(settings.volume_path),
        *checks.check_catalogue(settings),
        *_grader_checks(),
        *_server_checks(settings.server_url),
        checks.check_grader(settings.volume_path),
        checks.check_gradebook(settings.volume_path, settings.database_url),
        checks.check_failed(settings.volume_path),
        *check_outbox(settings.volume_path, settings.database_url),
        *check_old_zips(settings),
    ]


def _grader_checks() -> Sequence[Check]:
    try:
        return ask_grader()
    except GraderError as error:
        return [
            Check(
                name="grading",
                status=Health.PROBLEM,
                message=str(error),
                advice="Run `python -m gofer_ingest.grader doctor` to see it whole.",
            )
        ]


def _server_checks(url: str) -> Sequence[Check]:
    answers = checks.check_server(url)
    if answers.status is not Health.WARNING:
        return [answers]  # something answers, and has its own settings, whatever holds here
    return [answers, server_side.check_start()]


def as_json(found: Sequence[Check]) -> str:
    """Return the checks as the grader's side writes them too: `{"checks": [...]}`."""
    return json.dumps({"checks": [check.model_dump(mode="json") for check in found]}, indent=2)


def as_table(found: Sequence[Check]) -> Table:
    """Return the checks as lines for a person, the advice under what it belongs to."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in found:
        said = Text(plain(check.message))
        if check.advice and check.status is not Health.OK:
            said.append(f"\n{plain(check.advice)}", style="dim")
        table.add_row(Text(check.status, style=_STYLES[check.status]), plain(check.name), said)
    return table


def exit_code(found: Sequence[Check]) -> int:
    """Return 1 where there is a problem, else 0."""
    return int(any(check.status is Health.PROBLEM for check in found))
