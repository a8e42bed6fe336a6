"""The layout `wide`: a row for each student and section, a column for each assignment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gofer_console.exports.students import by_section

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from gofer_console.exports.cells import Cell
    from shared.gradebook.grade_rows import GradedAssignment, GradeRow

_PLACE: Final = ("course", "section", "student")


class Wide:
    """The columns of one export, and its rows.

    Args:
        assignments: that have grades. Those of the same course and name share a column, whatever
            their sections, since a row is of one section.
    """

    def __init__(self, assignments: Sequence[GradedAssignment]) -> None:
        names = sorted({(one.key.course, one.key.assignment) for one in assignments})
        has_one_course = len({course for course, _ in names}) <= 1
        titles = (name if has_one_course else f"{course}/{name}" for course, name in names)
        self.columns: tuple[str, ...] = (*_PLACE, *titles)
        self._place_of = {name: at for at, name in enumerate(names, start=len(_PLACE))}

    def rows(self, grades: Iterable[GradeRow]) -> Iterator[tuple[Cell, ...]]:
        """Yield the cells of each student and section: scores in points, nothing for no grade.

        Args:
            grades: sorted by student, course, section.
        """
        for student in by_section(grades):
            row: list[Cell] = [None] * len(self.columns)
            row[: len(_PLACE)] = (student.course, student.sections[0], student.student)
            for grade in student.grades:
                at = self._place_of.get((student.course, grade["assignment"]))
                if at is not None:  # else it was given its first grade after the columns were made
                    row[at] = grade["score"]
            yield tuple(row)
