"""The layout `classic`: the old service's file, a row for each graded submission."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gofer_console.exports.cells import Cell
    from shared.gradebook.grade_rows import GradeRow

COLUMNS: Final = ("userid", "grade", "section", "lab", "timestamp")
"""Of the file that the old service's users import; its rows leave out the course."""


def rows(submissions: Iterable[GradeRow]) -> Iterator[tuple[Cell, ...]]:
    """Yield the cells of each graded submission."""
    for submission in submissions:
        yield tuple(submission[name] for name in COLUMNS)
