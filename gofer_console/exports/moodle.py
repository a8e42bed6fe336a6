"""The layout `moodle`: what Moodle's grade import from CSV maps.

Sources: the Moodle Docs page "Grade import", and the importer itself,
`grade/import/csv/classes/load_data.php` of moodle/moodle; docs/exports.md has each rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gofer_console.exports.lms_columns import LmsColumns
from gofer_console.exports.students import by_student, with_people

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from gofer_console.exports.cells import Cell
    from gofer_console.exports.people import People
    from shared.gradebook.grade_rows import GradedAssignment, GradeRow

_STUDENT: Final = ("Username", "ID number", "Email address")


class Moodle:
    """The columns of one course's export, and its rows.

    Args:
        assignments: of one course, that have grades.
        people: who students are.
    """

    def __init__(self, assignments: Sequence[GradedAssignment], people: People) -> None:
        self._people = people
        self._course = assignments[0].key.course if assignments else ""
        self._assignments = LmsColumns(assignments, lambda key: key.assignment)
        self.columns: tuple[str, ...] = (*_STUDENT, *self._assignments.titles)

    def rows(self, grades: Iterable[GradeRow]) -> Iterator[tuple[Cell, ...]]:
        """Yield a row for each student.

        Args:
            grades: of the course, sorted by student.

        Raises:
            GoferError: a student has two grades for one column.
        """
        for person, student in with_people(by_student(grades), self._course, self._people):
            yield (
                person.lms_login,
                person.id_number or person.student,
                person.lms_email,
                *self._assignments.cells(student),
            )
