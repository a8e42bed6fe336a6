"""The layout `gofer`: a row for each grade of record, with all that is known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gofer_console.exports.students import of_people
from shared.gradebook.grade_rows import COLUMNS as GRADE_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gofer_console.exports.cells import Cell
    from gofer_console.exports.people import People
    from shared.gradebook.grade_rows import GradeRow

COLUMNS: Final = (*(column.name for column in GRADE_COLUMNS), "name", "email", "lms_section")
"""The last three are of the roster, and empty where it says nothing."""


def named(grades: Iterable[GradeRow], people: People) -> Iterator[GradeRow]:
    """Yield each grade with what the roster says of its student.

    Args:
        grades: of record, sorted by course.
        people: who students are.
    """
    for person, grade in of_people(grades, people):
        of_roster = {"name": person.name, "email": person.email, "lms_section": person.section}
        yield grade | of_roster


def rows(grades: Iterable[GradeRow], people: People) -> Iterator[tuple[Cell, ...]]:
    """Yield the cells of each grade.

    Args:
        grades: of record, sorted by course.
        people: who students are.
    """
    for grade in named(grades, people):
        yield tuple(grade[name] for name in COLUMNS)
