"""Which grades are wanted, as a value, and that value as SQL.

The terminal and every page that lists grades make the same value, so that what is exported is what
was shown. Nothing is filtered outside of the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, case, exists, func, or_, select, tuple_

from shared.gradebook import tables
from shared.gradebook.held import has_flag
from shared.gradebook.passback_tables import passbacks
from shared.gradebook.searching import contains
from shared.model import storable_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from sqlalchemy import ColumnElement, FromClause, ScalarSelect

    from shared.model import AssignmentKey, Sha256, Verdict


NOT_QUEUED: Final = "none"
"""Stands for a grade that was never on its way to the LMS."""
CHANGED: Final = "changed"
"""Stands for a grade of which the LMS took an earlier one, and not this one."""
_WORDS: Final = frozenset({NOT_QUEUED, CHANGED})
_SENT: Final = "sent"


@dataclass(frozen=True, slots=True)
class GradeFilter:
    """Which grades are wanted: what is empty or None wants all, and every other one must hold.

    Attributes:
        courses: any of these; names are compared exactly, as everywhere.
        sections: any of these.
        assignments: any of these names, of whatever course and section.
        students: any of these.
        verdicts: an attempt of that student at that assignment ended in any of these. The run that
            makes a grade is always `graded`; this finds those who also had another ending.
        flags: the run behind the grade has any of these.
        score_from: points, itself included.
        score_to: points, itself included.
        percent_from: of the points possible, itself included; where none are possible it is 0.
        percent_to: the same.
        received_from: the submission behind the grade was received then or later; aware.
        received_before: it was received before this; aware.
        other_zip_than: the run behind the grade was of one of these assignments, and by another
            autograder zip than the one named with it. None wants all; a classic run has no zip.
        search: a part of the student's name, without regard to case.
        passbacks: the newest row of the outbox for that student and assignment is in any of these
            states; `NOT_QUEUED` and `CHANGED` stand for what no state says.
    """

    courses: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    assignments: tuple[str, ...] = ()
    students: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    flags: tuple[str, ...] = ()
    score_from: float | None = None
    score_to: float | None = None
    percent_from: float | None = None
    percent_to: float | None = None
    received_from: datetime | None = None
    received_before: datetime | None = None
    other_zip_than: tuple[tuple[AssignmentKey, Sha256], ...] | None = None
    search: str = ""
    passbacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FilteredColumns:
    """Where a statement has what a filter asks for.

    Attributes:
        place: course, section, assignment and student.
        score: in points.
        points_possible: out of how many.
        verdict: of the run behind each row, where a row is of a submission; None where it is of a
            grade, which is always of a run that is `graded`.
    """

    place: tuple[ColumnElement[str], ...]
    score: ColumnElement[float]
    points_possible: ColumnElement[float]
    verdict: ColumnElement[str] | None = None


def conditions(wanted: GradeFilter, columns: FilteredColumns) -> Iterator[ColumnElement[bool]]:
    """Yield what a statement's rows must fulfil, all of it.

    Args:
        wanted: which.
        columns: of the statement, which also joins `submissions` and `grading_runs`: the
            submission and the run behind each row.
    """
    course, section, assignment, student = columns.place
    for column, names in (
        (course, wanted.courses),
        (section, wanted.sections),
        (assignment, wanted.assignments),
        (student, wanted.students),
    ):
        if names:
            yield column.in_([storable_text(name) for name in names])
    if wanted.verdicts and columns.verdict is not None:
        yield columns.verdict.in_([verdict.value for verdict in wanted.verdicts])
    elif wanted.verdicts:
        yield _some_attempt_ended(wanted.verdicts, columns.place)
    if wanted.flags:
        yield or_(*map(has_flag, wanted.flags))
    yield from _score_conditions(wanted, columns)
    yield from _received_conditions(wanted)
    if wanted.search:
        yield contains(student, wanted.search)
    if wanted.passbacks:
        yield _is_posted_so(wanted.passbacks, columns.place)
    if wanted.other_zip_than is not None:
        yield by_another_zip(wanted.other_zip_than, columns.place[:3])


def passback_state(place: tuple[ColumnElement[str], ...]) -> ScalarSelect[str]:
    """Return the state of the newest row of the outbox for a student and assignment, as SQL.

    Args:
        place: where the statement has course, section, assignment and student.
    """
    rows, newest = passbacks.alias("outbox"), passbacks.alias("newest")
    # Said outright: by itself SQLAlchemy relates a query to the one around it, and no further out.
    newest_id = (
        select(func.max(newest.c.id))
        .where(*_is_at(newest, place))
        .correlate_except(newest)
        .scalar_subquery()
    )
    state = select(rows.c.state).where(rows.c.id == newest_id)
    return state.correlate_except(rows).scalar_subquery()


def was_sent(place: tuple[ColumnElement[str], ...]) -> ColumnElement[bool]:
    """Return the condition that the LMS took a grade of a student and assignment at any time."""
    sent = passbacks.alias("sent")
    return exists().where(*_is_at(sent, place), sent.c.sent_at.is_not(None))


def by_another_zip(
    zips: Iterable[tuple[AssignmentKey, Sha256]], place: tuple[ColumnElement[str], ...]
) -> ColumnElement[bool]:
    """Return the condition on a row of `grading_runs` that another zip than these graded it.

    Args:
        zips: assignments, each with a zip; a run of any other assignment does not fulfil it.
        place: where the statement has course, section and assignment.
    """
    graded_by = tables.grading_runs.c.autograder_sha256
    known = [(key.course, key.section, key.assignment, sha256) for key, sha256 in zips]
    return and_(
        graded_by.is_not(None),
        tuple_(*place).in_([row[:3] for row in known]),
        tuple_(*place, graded_by).not_in(known),
    )


def _received_conditions(wanted: GradeFilter) -> Iterator[ColumnElement[bool]]:
    received_at = tables.submissions.c.received_at
    if wanted.received_from is not None:
        yield received_at >= wanted.received_from
    if wanted.received_before is not None:
        yield received_at < wanted.received_before


def _is_posted_so(
    states: tuple[str, ...], place: tuple[ColumnElement[str], ...]
) -> ColumnElement[bool]:
    state = passback_state(place)
    asked = [storable_text(one) for one in states if one not in _WORDS]
    ways: list[ColumnElement[bool]] = [state.in_(asked)]
    if NOT_QUEUED in states:
        ways.append(state.is_(None))
    if CHANGED in states:
        ways.append(and_(state != _SENT, was_sent(place)))
    return or_(*ways)


def _is_at(rows: FromClause, place: tuple[ColumnElement[str], ...]) -> list[ColumnElement[bool]]:
    columns = (rows.c.course, rows.c.section, rows.c.assignment, rows.c.student)
    return [own == other for own, other in zip(columns, place, strict=True)]


def _score_conditions(
    wanted: GradeFilter, columns: FilteredColumns
) -> Iterator[ColumnElement[bool]]:
    score, possible = columns.score, columns.points_possible
    if wanted.score_from is not None:
        yield score >= wanted.score_from
    if wanted.score_to is not None:
        yield score <= wanted.score_to
    # Of what has no score it is NULL, which is in no range.
    percent = case((possible > 0, 100 * score / possible), (possible.is_not(None), 0.0))
    if wanted.percent_from is not None:
        yield percent >= wanted.percent_from
    if wanted.percent_to is not None:
        yield percent <= wanted.percent_to


def _some_attempt_ended(
    verdicts: tuple[Verdict, ...], place: tuple[ColumnElement[str], ...]
) -> ColumnElement[bool]:
    sent = tables.submissions.alias("attempts")
    run = tables.grading_runs.alias("attempts_runs")
    # Few attempts end so; from them to the rows is a shorter way than from each row to its own.
    ended = (
        select(sent.c.course, sent.c.section, sent.c.assignment, sent.c.student)
        .join_from(run, sent, sent.c.id == run.c.submission_id)
        .where(
            run.c.applied_at.is_not(None),
            run.c.verdict.in_([verdict.value for verdict in verdicts]),
        )
    )
    return tuple_(*place).in_(ended)
