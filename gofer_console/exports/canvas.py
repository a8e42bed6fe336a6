"""The layout `canvas`: what Canvas's gradebook imports.

Sources: the guide "How do I import grades in the Gradebook", and the importer itself,
`lib/gradebook_importer.rb` of instructure/canvas-lms; docs/exports.md has each rule with its place.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gofer_console.exports.cells import points
from gofer_console.exports.lms_columns import LmsColumns
from gofer_console.exports.students import by_student, with_people
from shared.errors import GoferError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from gofer_console.exports.cells import Cell
    from gofer_console.exports.people import People
    from shared.gradebook.grade_rows import GradedAssignment, GradeRow
    from shared.model import AssignmentKey

_STUDENT: Final = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
_POINTS_POSSIBLE: Final = "Points Possible"
_POINTS_ROW: Final = (f"    {_POINTS_POSSIBLE}", "", "", "", "")
_ENDS_LIKE_AN_ID: Final = re.compile(r"\(\s*\d[^()]*\)$")
_READ_ONLY: Final = re.compile(
    r"(?:Current|Final) (?:Score|Points|Grade)|Override (?:Score|Grade|Status)"
)
"""Columns that Canvas computes: it passes over every title that has one of these in it."""


class Canvas:
    """The columns of one course's export, and its rows.

    Args:
        assignments: of one course, that have grades.
        lms_ids: Canvas's ids, where the course config names them: digits.
        people: who students are.

    Raises:
        GoferError: Canvas would take an assignment's name for another's.
    """

    def __init__(
        self,
        assignments: Sequence[GradedAssignment],
        lms_ids: Mapping[AssignmentKey, str],
        people: People,
    ) -> None:
        self._lms_ids = lms_ids
        self._people = people
        self._course = assignments[0].key.course if assignments else ""
        self._assignments = LmsColumns(assignments, self._title)
        self.columns: tuple[str, ...] = (*_STUDENT, *self._assignments.titles)

    @property
    def notes(self) -> list[str]:
        """What staff should know before they import it."""
        return [
            f"Canvas passes over the column {title!a}: its name is like that of a column which "
            "Canvas computes. Give the assignment another name in Canvas."
            for title in self._assignments.titles
            if _READ_ONLY.search(title)
        ]

    def rows(self, grades: Iterable[GradeRow]) -> Iterator[tuple[Cell, ...]]:
        """Yield the row of points possible, then one for each student.

        Args:
            grades: of the course, sorted by student.

        Raises:
            GoferError: a student has two grades for one column.
        """
        yield (*_POINTS_ROW, *map(points, self._assignments.points_possible))
        for person, student in with_people(by_student(grades), self._course, self._people):
            yield (
                # Canvas reads any row with these words there as that of the points possible.
                "" if _POINTS_POSSIBLE in person.shown_name else person.shown_name,
                person.user_id,
                person.id_number,
                person.lms_login,
                person.section or " and ".join(student.sections),
                *self._assignments.cells(student),
            )

    def _title(self, key: AssignmentKey) -> str:
        lms_id = self._lms_ids.get(key, "")
        if lms_id.isascii() and lms_id.isdigit():
            return f"{key.assignment} ({lms_id})"
        if _ENDS_LIKE_AN_ID.search(key.assignment):
            raise GoferError(
                f"Canvas would take the number in {key.assignment!a} for the id of an assignment. "
                f"Set lms_id for {key} to its id in Canvas: the number at the end of its address."
            )
        return key.assignment
