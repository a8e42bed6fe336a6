"""Grades as CSV, through pandas, a chunk of rows at a time: a gradebook may exceed the memory."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, Final

import pandas as pd

from gofer_console.csv_files import replacing, write_csv
from gofer_console.queries import (
    CLASSIC_COLUMNS,
    GRADE_COLUMNS,
    Filter,
    Layout,
    classic_csv_rows,
    grade_rows,
    opened_gradebook,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Engine

_CHUNK_ROWS: Final = 5000
_EVERYTHING: Final = Filter()
GRADES_CSV: Final = "grades.csv"


@dataclass(frozen=True, slots=True)
class _Shape:
    columns: tuple[str, ...]
    text_columns: tuple[str, ...]
    rows: Callable[[Engine | None, Filter], Iterator[dict[str, Any]]]


_SHAPES: Final = {
    Layout.GOFER: _Shape(GRADE_COLUMNS, ("course", "section", "assignment", "student"), grade_rows),
    Layout.CLASSIC: _Shape(CLASSIC_COLUMNS, ("userid", "section", "lab"), classic_csv_rows),
}


def write_grades(file: IO[str], engine: Engine | None, layout: Layout, wanted: Filter) -> int:
    """Write grades as CSV; return how many rows that made. No gradebook gives the header alone.

    Args:
        file: text, opened with `newline=""`.
        engine: of the gradebook; None where there is none yet.
        layout: what a row is.
        wanted: which of them.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    shape = _SHAPES[layout]
    frames = _frames(shape.rows(engine, wanted), shape.columns)
    return write_csv(file, shape.columns, frames, shape.text_columns)


def dump_grades(volume: Path, database_url: str | None) -> tuple[Path, int]:
    """Write `grades.csv` in the volume, in the classic layout; return where and how many rows.

    Raises:
        GradebookError: the gradebook cannot be read.
        GoferError: the file cannot be written.
    """
    path = volume / GRADES_CSV
    with opened_gradebook(volume, database_url) as engine, replacing(path) as file:
        return path, write_grades(file, engine, Layout.CLASSIC, _EVERYTHING)


def _frames(rows: Iterator[dict[str, Any]], columns: tuple[str, ...]) -> Iterator[pd.DataFrame]:
    while chunk := list(islice(rows, _CHUNK_ROWS)):
        yield pd.DataFrame(chunk, columns=list(columns))
