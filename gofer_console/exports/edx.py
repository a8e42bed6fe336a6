"""The layout `edx`: what a Staff Graded Points block of Open edX imports, for one assignment.

Sources: the Open edX page "Grading Learners" (staff graded), and the importer itself,
`ScoreCSVProcessor` in `bulk_grades/api.py` of openedx/edx-bulk-grades; docs/exports.md has each
rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gofer_console.exports.cells import points
from gofer_console.exports.students import by_student, with_people

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gofer_console.exports.cells import Cell
    from gofer_console.exports.people import People
    from shared.gradebook.grade_rows import GradeRow
    from shared.model import AssignmentKey

COLUMNS: Final = (
    "user_id",
    "username",
    "full_name",
    "student_uid",
    "enrolled",
    "track",
    "cohort",
    "block_id",
    "title",
    "date_last_graded",
    "who_last_graded",
    "Previous Points",
    "New Points",
)
MAX_BYTES: Final = 4 << 20
"""Larger files are refused by edX."""

_BLOCK_START: Final = "block-v1:"


class Edx:
    """The rows of one assignment's export.

    Args:
        key: of the assignment.
        lms_id: of its block, where the course config names one.
        people: who students are.

    Attributes:
        notes: what staff should know before they import it; complete once all rows are out.
    """

    columns = COLUMNS

    def __init__(self, key: AssignmentKey, lms_id: str, people: People) -> None:
        self._key = key
        self._people = people
        self._block_id = lms_id if lms_id.startswith(_BLOCK_START) else ""
        self.notes: list[str] = []
        if not self._block_id:
            self.notes.append(
                "edX takes the file only where block_id is that of its Staff Graded Points block. "
                f'Set lms_id = "{_BLOCK_START}…" for {key} in the course config, or copy the '
                "column `New Points` into the file that the block exports."
            )

    def rows(self, grades: Iterable[GradeRow]) -> Iterator[tuple[Cell, ...]]:
        """Yield a row for each student; no score is above what is possible, since edX takes none.

        Args:
            grades: of the assignment, sorted by student.
        """
        cut = unknown = 0
        for person, student in with_people(by_student(grades), self._key.course, self._people):
            (grade,) = student.grades
            cut += grade["score"] > grade["points_possible"]
            unknown += not person.user_id
            yield (
                person.user_id,
                person.lms_login,
                person.shown_name,
                person.id_number,
                *("", "", ""),
                self._block_id,
                self._key.assignment,
                *("", "", ""),
                points(min(grade["score"], grade["points_possible"])),
            )
        if unknown:
            self.notes.append(
                f"edX finds students by its own user_id, and it is not known of {unknown} of them: "
                "take user_id from the file that the block exports, by username."
            )
        if cut:
            self.notes.append(
                f"{cut} score{'s are' if cut != 1 else ' is'} above the points possible. edX takes "
                "none such, so the most possible stands there."
            )
