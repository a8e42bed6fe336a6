"""The columns that an LMS gets: one for each assignment as the LMS names it, of any section."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gofer_console.exports.cells import points
from shared.errors import GoferError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gofer_console.exports.students import StudentGrades
    from shared.gradebook.grade_rows import GradedAssignment
    from shared.model import AssignmentKey


class LmsColumns:
    """The assignments of one course, in the order of their titles.

    Args:
        assignments: of one course, that have grades.
        title: what the LMS calls one; those of the same title share a column.

    Attributes:
        titles: each once.
        points_possible: the most of what shares the column.
    """

    def __init__(
        self, assignments: Sequence[GradedAssignment], title: Callable[[AssignmentKey], str]
    ) -> None:
        most: dict[str, float] = {}
        for one in sorted(assignments, key=lambda one: (one.key.assignment, one.key.section)):
            name = title(one.key)
            most[name] = max(one.points_possible, most.get(name, 0.0))
        self.titles = tuple(most)
        self.points_possible = tuple(most.values())
        place_of = {name: at for at, name in enumerate(self.titles)}
        self._place_of = {
            (one.key.section, one.key.assignment): place_of[title(one.key)] for one in assignments
        }

    def cells(self, student: StudentGrades) -> list[str]:
        """Return a student's cell for each title: points, or nothing.

        Raises:
            GoferError: the student has two grades for one title, and nobody said which is to go.
        """
        row = [""] * len(self.titles)
        for grade in student.grades:
            at = self._place_of.get((grade["section"], grade["assignment"]))
            if at is None:  # given its first grade after the columns were made
                continue
            if row[at]:
                raise GoferError(
                    f"{student.student!a} has grades for {self.titles[at]!a} in several sections "
                    f"({', '.join(student.sections)}), and the LMS has one column for it. "
                    "Choose one section (in the terminal with --section)."
                )
            row[at] = points(grade["score"])
        return row
