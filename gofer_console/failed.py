"""`gofer failed`: what our machinery could not grade, and what staff make of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.table import Table

from gofer_console import actions, asking, terminal
from shared.errors import GoferError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rich.console import Console

    from shared.config import ConsoleSettings
    from shared.model import SubmissionId
    from shared.spool import Failure, Spool


def as_table(failures: Iterable[Failure]) -> Table:
    """Return buried entries as a table."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("id", "student", "assignment"):
        table.add_column(name, overflow="fold")
    table.add_column("tries", justify="right", no_wrap=True)
    table.add_column("set aside (UTC)", no_wrap=True)
    table.add_column("reason", overflow="fold")
    for failure in failures:
        payload = failure.envelope.payload if failure.envelope else None
        table.add_row(
            terminal.short_id(failure.id),
            terminal.plain(payload.student) if payload else "?",
            terminal.plain(str(payload.key)) if payload else "?",
            str(failure.tries),
            failure.buried_at.strftime("%Y-%m-%d %H:%M"),
            terminal.plain(failure.reason),
        )
    return table


def as_json(failures: Iterable[Failure]) -> str:
    """Return buried entries as a list of objects."""
    rows = []
    for failure in failures:
        payload = failure.envelope.payload if failure.envelope else None
        rows.append(
            {
                "id": failure.id,
                "student": payload.student if payload else None,
                "course": payload.course if payload else None,
                "section": payload.section if payload else None,
                "assignment": payload.assignment if payload else None,
                "tries": failure.tries,
                "set_aside_at": failure.buried_at.isoformat(),
                "reason": failure.reason,
            }
        )
    return json.dumps(rows, indent=2)


def chosen(failures: Sequence[Failure], words: Sequence[str], *, every: bool) -> list[SubmissionId]:
    """Return the entries that staff named: by their ids, whole or their ends, or all.

    Raises:
        GoferError: a word fits none or several, or neither words nor `every` was given.
    """
    if every == bool(words):
        raise GoferError("Name the submissions, or take --all.")
    if every:
        return [failure.id for failure in failures]
    found = []
    for word in words:
        fitting = [failure.id for failure in failures if failure.id.endswith(word.lower())]
        if len(fitting) != 1:
            how_many = "No submission that was set aside has" if not fitting else "Several have"
            raise GoferError(f"{how_many} an id that ends in {word!a}. `gofer failed list` tells.")
        found.append(fitting[0])
    return list(dict.fromkeys(found))


def ask(
    spool: Spool,
    settings: ConsoleSettings,
    entries: Sequence[SubmissionId],
    request: Callable[..., SubmissionId],
    why: str,
    err: Console,
    *,
    as_json: bool = False,
) -> bool:
    """Deliver a request for each entry, wait for the grader, and say what came of them.

    Returns:
        Whether none was refused.
    """
    by = actions.requester()
    asked = {request(spool, entry_id, by=by, why=why): entry_id for entry_id in entries}
    return tell(settings, asked, err, as_json=as_json)


def tell(
    settings: ConsoleSettings,
    asked: Mapping[SubmissionId, SubmissionId],
    err: Console,
    *,
    as_json: bool = False,
) -> bool:
    """Wait for the grader, and say what came of requests.

    Args:
        settings: where the gradebook is.
        asked: the requests, and the submission that each is about.
        err: where to say it.
        as_json: say it as JSON, on stdout.

    Returns:
        Whether none was refused.
    """
    if as_json:
        return asking.tell(settings, asked, err, as_json=True)
    about = {request_id: terminal.short_id(entry_id) for request_id, entry_id in asked.items()}
    return asking.tell(settings, about, err)
