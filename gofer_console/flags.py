"""`gofer flags`: runs that are worth a look, and what staff decide on those that are held."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.table import Table

from gofer_console import terminal
from shared.errors import GoferError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shared.gradebook.flagged import FlaggedRun


def as_table(runs: Iterable[FlaggedRun]) -> Table:
    """Return flagged runs as a table."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("id", "student", "assignment"):
        table.add_column(name, overflow="fold")
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("counts", no_wrap=True)
    for name in ("flags", "what was found"):
        table.add_column(name, overflow="fold")
    for run in runs:
        table.add_row(
            terminal.short_id(run.submission_id),
            terminal.plain(run.student),
            terminal.plain(str(run.key)),
            f"{run.score.points:.2f}" if run.score else "-",
            "held" if run.is_held else "yes" if run.score else "no",
            terminal.plain(" ".join(run.flags)),
            terminal.plain(run.staff_text),
        )
    return table


def as_json(runs: Iterable[FlaggedRun]) -> str:
    """Return flagged runs as a list of objects."""
    rows = [
        {
            "submission_id": run.submission_id,
            "run_id": run.run_id,
            "student": run.student,
            "course": run.key.course,
            "section": run.key.section,
            "assignment": run.key.assignment,
            "received_at": run.received_at.isoformat(),
            "score": run.score.points if run.score else None,
            "points_possible": run.score.possible if run.score else None,
            "flags": list(run.flags),
            "is_held": run.is_held,
            "staff_text": run.staff_text,
        }
        for run in runs
    ]
    return json.dumps(rows, indent=2)


def chosen(runs: Sequence[FlaggedRun], words: Sequence[str]) -> list[FlaggedRun]:
    """Return the held runs that staff named by their submissions' ids, whole or their ends.

    Raises:
        GoferError: a word fits none or several.
    """
    found = []
    for word in words:
        fitting = [run for run in runs if run.is_held and run.submission_id.endswith(word.lower())]
        if len(fitting) != 1:
            how_many = "No submission that is held has" if not fitting else "Several have"
            raise GoferError(f"{how_many} an id that ends in {word!a}. `gofer flags list` tells.")
        found += [run for run in fitting if run not in found]
    return found
