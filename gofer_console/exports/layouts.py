"""Which layouts there are, and each one's rows out of the gradebook."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Final

from gofer_console.exports import classic, gofer, questions
from gofer_console.exports.canvas import Canvas
from gofer_console.exports.edx import MAX_BYTES, Edx
from gofer_console.exports.filters import listed
from gofer_console.exports.moodle import Moodle
from gofer_console.exports.people import nobody_known
from gofer_console.exports.wide import Wide
from shared.errors import GoferError
from shared.gradebook import grade_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Engine

    from gofer_console.exports.cells import Cell
    from gofer_console.exports.people import People
    from shared.gradebook.grade_filter import GradeFilter
    from shared.gradebook.grade_rows import GradedAssignment, GradeRow
    from shared.model import AssignmentKey


class Layout(enum.StrEnum):
    """Which columns an export has, and what a row of it is."""

    GOFER = "gofer"
    WIDE = "wide"
    QUESTIONS = "questions"
    CANVAS = "canvas"
    MOODLE = "moodle"
    EDX = "edx"
    CLASSIC = "classic"

    @property
    def is_for_people(self) -> bool:
        """Whether it is opened in a spreadsheet, and not read by a program first of all."""
        return self in {Layout.GOFER, Layout.WIDE, Layout.QUESTIONS}

    @property
    def importer(self) -> str | None:
        """The LMS that imports it, from CSV alone; None for the others."""
        return _IMPORTERS.get(self)

    @property
    def max_bytes(self) -> int | None:
        """The largest file that its importer takes, where that is known."""
        return MAX_BYTES if self is Layout.EDX else None


_IMPORTERS: Final = {Layout.CANVAS: "Canvas", Layout.MOODLE: "Moodle", Layout.EDX: "edX"}


def _nothing(rows: int) -> None:
    del rows


@dataclass(frozen=True, slots=True)
class Source:
    """What an export is made from.

    Attributes:
        engine: of the gradebook; None where there is none yet, which gives a header alone.
        wanted: which grades.
        lms_ids: what the LMS calls assignments, by key; asked for where the layout needs it.
        people: who students are to the LMS.
        read: told of each lot of grades that was read, for showing progress.
    """

    engine: Engine | None
    wanted: GradeFilter
    lms_ids: Callable[[], Mapping[AssignmentKey, str]] = dict
    people: People = nobody_known
    read: Callable[[int], None] = _nothing


@dataclass(frozen=True, slots=True)
class Sheet:
    """An export, of which no row has been read yet.

    Attributes:
        columns: the header.
        rows: the cells of each row; reading them raises GradebookError and GoferError.
        notes: what staff should know; complete once all rows are out.
        heading_rows: how many of the first rows belong to the header, and are nobody's grades.
    """

    columns: Sequence[str]
    rows: Iterable[Sequence[Cell]]
    notes: list[str] = field(default_factory=list)
    heading_rows: int = 0


def make_sheet(layout: Layout, source: Source) -> Sheet:
    """Return an export in a layout.

    Raises:
        GradebookError: the gradebook cannot be read.
        GoferError: what is wanted does not go into this layout; it says what to choose.
    """
    return _MAKERS[layout](source)


def how_many(layout: Layout, source: Source) -> int:
    """Count what `Source.read` will be told of altogether.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    if source.engine is None:
        return 0
    if layout is Layout.CLASSIC:
        return grade_rows.count_graded_submissions(source.engine, source.wanted)
    return grade_rows.count_grades(source.engine, source.wanted)


def _gofer(source: Source) -> Sheet:
    return Sheet(gofer.COLUMNS, gofer.rows(_grades(source), source.people))


def _questions(source: Source) -> Sheet:
    return Sheet(questions.COLUMNS, _question_rows(source))


def _classic(source: Source) -> Sheet:
    return Sheet(classic.COLUMNS, classic.rows(_submissions(source)))


def _wide(source: Source) -> Sheet:
    wide = Wide(_assignments(source))
    return Sheet(wide.columns, wide.rows(_grades_by_student(source)))


def _canvas(source: Source) -> Sheet:
    assignments = _of_one_course(Layout.CANVAS, source)
    canvas = Canvas(assignments, source.lms_ids(), source.people)
    return Sheet(canvas.columns, canvas.rows(_grades_by_student(source)), canvas.notes, 1)


def _moodle(source: Source) -> Sheet:
    moodle = Moodle(_of_one_course(Layout.MOODLE, source), source.people)
    return Sheet(moodle.columns, moodle.rows(_grades_by_student(source)))


def _edx(source: Source) -> Sheet:
    key = _one_assignment(source)
    if key is None:
        return Sheet(Edx.columns, ())
    edx = Edx(key, source.lms_ids().get(key, ""), source.people)
    return Sheet(edx.columns, edx.rows(_grades_by_student(source)), edx.notes)


_MAKERS: Final[Mapping[Layout, Callable[[Source], Sheet]]] = {
    Layout.GOFER: _gofer,
    Layout.WIDE: _wide,
    Layout.QUESTIONS: _questions,
    Layout.CANVAS: _canvas,
    Layout.MOODLE: _moodle,
    Layout.EDX: _edx,
    Layout.CLASSIC: _classic,
}


def _assignments(source: Source) -> tuple[GradedAssignment, ...]:
    if source.engine is None:
        return ()
    return grade_rows.graded_assignments(source.engine, source.wanted)


def _of_one_course(layout: Layout, source: Source) -> tuple[GradedAssignment, ...]:
    found = _assignments(source)
    courses = sorted({one.key.course for one in found})
    if len(courses) > 1:
        raise GoferError(
            f"{layout.importer} imports grades into one course, and these are of "
            f"{len(courses)}: {listed(courses)}. Choose one (in the terminal with --course)."
        )
    return found


def _one_assignment(source: Source) -> AssignmentKey | None:
    found = [one.key for one in _assignments(source)]
    if len(found) > 1:
        raise GoferError(
            f"edX imports grades of one assignment at a time, and these are of {len(found)}: "
            f"{listed([str(key) for key in found])}. Choose one (in the terminal with --course, "
            "--section and --assignment)."
        )
    return found[0] if found else None


def _grades(source: Source) -> Iterator[GradeRow]:
    if source.engine is not None:
        yield from _told(source, grade_rows.grade_chunks(source.engine, source.wanted))


def _grades_by_student(source: Source) -> Iterator[GradeRow]:
    if source.engine is not None:
        yield from _told(source, grade_rows.grade_chunks_by_student(source.engine, source.wanted))


def _submissions(source: Source) -> Iterator[GradeRow]:
    if source.engine is not None:
        yield from _told(source, grade_rows.classic_chunks(source.engine, source.wanted))


def _question_rows(source: Source) -> Iterator[tuple[Cell, ...]]:
    if source.engine is None:
        return
    for grades, found in grade_rows.question_chunks(source.engine, source.wanted):
        yield from questions.rows(grades, found)
        source.read(len(grades))


def _told(source: Source, chunks: Iterator[list[GradeRow]]) -> Iterator[GradeRow]:
    def lots() -> Iterator[list[GradeRow]]:
        for chunk in chunks:
            yield chunk
            source.read(len(chunk))

    return chain.from_iterable(lots())
