"""The classic dump: `grades.csv` in the volume, for programs that imported the old service's file.

It stays byte for byte what it was. So it has a rule of its own for text that looks like a formula,
the one it always had: such programs compare names with those they know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gofer_console.exports.layouts import Layout, Source, make_sheet
from gofer_console.exports.output import appearing
from gofer_console.exports.writers import write_csv
from gofer_console.queries import opened_gradebook
from shared.gradebook.grade_filter import GradeFilter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gofer_console.exports.cells import Cell

GRADES_CSV: Final = "grades.csv"
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def dump_grades(volume: Path, database_url: str | None) -> tuple[Path, int]:
    """Write `grades.csv` in the volume, in the classic layout; return where and how many rows.

    Raises:
        GradebookError: the gradebook cannot be read.
        GoferError: the file cannot be written.
    """
    path = volume / GRADES_CSV
    with (
        opened_gradebook(volume, database_url) as engine,
        appearing(path, replace=True) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        sheet = make_sheet(Layout.CLASSIC, Source(engine, GradeFilter()))
        return path, write_csv(file, sheet.columns, map(_as_ever, sheet.rows), safe=str)


def _as_ever(row: Sequence[Cell]) -> tuple[Cell, ...]:
    *cells, timestamp = row
    safe = (
        f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell
        for cell in cells
    )
    return (*safe, timestamp)
