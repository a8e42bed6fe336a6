"""`gofer grades list`: the grades of record as a table or as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def as_table(rows: Iterable[dict[str, Any]]) -> Table:
    """Return rows of `GRADE_COLUMNS` as a table with its numbers aligned."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("course", "section", "assignment", "student"):
        table.add_column(name, overflow="fold")
    for name in ("score", "points", "percent"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("received (UTC)", no_wrap=True)
    for row in rows:
        table.add_row(
            row["course"],
            row["section"],
            row["assignment"],
            row["student"],
            f"{row['score']:.2f}",
            f"{row['points_possible']:.2f}",
            f"{row['percent']:.1f}",
            row["received_at"][:16].replace("T", " "),
        )
    return table


def as_json(rows: Sequence[dict[str, Any]]) -> str:
    """Return rows as a list of objects, each with the export's columns."""
    return json.dumps(rows, indent=2)
