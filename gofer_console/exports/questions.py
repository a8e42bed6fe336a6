"""The layout `questions`: a row for each question of each grade of record's run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from gofer_console.exports.cells import Cell
    from shared.gradebook.grade_rows import GradeRow

_OF_GRADE: Final = ("course", "section", "assignment", "student")
_OF_QUESTION: Final = ("question", "score", "points_possible")
COLUMNS: Final = (*_OF_GRADE, *_OF_QUESTION, "submission_id", "received_at")


def rows(
    grades: Iterable[GradeRow], questions: Mapping[str, Sequence[GradeRow]]
) -> Iterator[tuple[Cell, ...]]:
    """Yield the cells of each question.

    Args:
        grades: of record.
        questions: by submission; a grade without any gives no row.
    """
    for grade in grades:
        place = tuple(grade[name] for name in _OF_GRADE)
        submission = (grade["submission_id"], grade["received_at"])
        for question in questions.get(grade["submission_id"], ()):
            yield (*place, *(question[name] for name in _OF_QUESTION), *submission)
