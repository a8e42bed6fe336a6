"""What a regrade would do to the grades of record, or did. Nothing is written here.

What is, is what stands on record. What would be goes by the same runs, rules and decisions of
staff as making a grade does, with the regrade's runs in the place of those that they would replace;
so rules that were changed and not applied yet move grades here as well. A run without a score
replaces none.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, or_, select

from shared.gradebook import tables
from shared.gradebook.facts import facts_in_lots
from shared.gradebook.grades import Origin
from shared.gradebook.held import is_held
from shared.gradebook.policy import CountedRun
from shared.gradebook.regrades.comparison import (
    Autograde,
    Change,
    Effect,
    Standing,
    compared,
    fingerprint,
)
from shared.gradebook.regrades.progress import Regrade, RegradeOutcome
from shared.model import QuestionScore, RunId, Score, SubmissionId, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import ColumnElement, Connection, Row

    from shared.grade_policy import GradePolicy

_AT_ONCE: Final = 500
"""Ids in one statement; SQLite takes a limited number of parameters."""


@dataclass(frozen=True, slots=True)
class KeptRun:
    """A submission whose run the regrade leaves as it is, or whose new one staff should look at.

    Attributes:
        why: what our machinery could not do, how its new run ended, or why that is held.
    """

    submission_id: SubmissionId
    student: str
    why: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What a regrade would do, as far as it has come; of an applied one, what it did.

    Attributes:
        regrade: which.
        changes: one for each student, the biggest moves first.
        not_regraded: what our machinery could not grade again; those grades stay.
        without_score: whose new run ended without a score; those grades stay.
        held: whose new run counts only once staff accept it.
        fingerprint: of who moves.
    """

    regrade: Regrade
    changes: tuple[Change, ...]
    not_regraded: tuple[KeptRun, ...]
    without_score: tuple[KeptRun, ...]
    held: tuple[KeptRun, ...]
    fingerprint: str

    def of(self, effect: Effect) -> tuple[Change, ...]:
        """Return the students to whom it does this."""
        return tuple(change for change in self.changes if change.effect is effect)


def preview_of(connection: Connection, regrade: Regrade, policy: GradePolicy) -> Preview:
    """Return what a regrade would do, or did.

    Args:
        connection: one state of the gradebook, a reader's or the writer's.
        regrade: which.
        policy: of its assignment.
    """
    items = list(_items(connection, regrade))
    if regrade.outcome is RegradeOutcome.APPLIED:
        standings = _standings_since(connection, regrade, {row.student for row in items})
    else:
        standings = _standings_now(connection, regrade, policy, _new_runs(items))
    differing = {
        grade.run_id
        for one in standings
        if one.before != one.after
        for grade in (one.before, one.after)
        if grade is not None
    }
    changes = compared(standings, _questions(connection, sorted(differing)))
    return Preview(
        regrade=regrade,
        changes=changes,
        not_regraded=tuple(_kept(row, row.problem) for row in items if row.problem is not None),
        without_score=tuple(
            _kept(row, row.verdict)
            for row in items
            if row.verdict is not None and not Verdict(row.verdict).has_score
        ),
        held=tuple(_kept(row, row.staff_text) for row in items if row.run_id and row.is_held),
        fingerprint=fingerprint(regrade.id, changes),
    )


def _items(connection: Connection, regrade: Regrade) -> Iterable[Row[Any]]:
    items, submissions, runs = tables.regrade_items, tables.submissions.c, tables.grading_runs
    return connection.execute(
        select(items.c.submission_id, items.c.problem, submissions.student)
        .add_columns(submissions.received_at, runs.c.id.label("run_id"), runs.c.verdict)
        .add_columns(runs.c.score, runs.c.points_possible, runs.c.staff_text)
        .add_columns(is_held().label("is_held"))
        .join_from(items, tables.submissions, submissions.id == items.c.submission_id)
        .outerjoin(
            runs,
            and_(
                runs.c.submission_id == items.c.submission_id,
                runs.c.regrade_id == items.c.regrade_id,
            ),
        )
        .where(items.c.regrade_id == regrade.id)
        .order_by(items.c.id)
    )


def _kept(row: Row[Any], why: str) -> KeptRun:
    return KeptRun(SubmissionId(row.submission_id), row.student, why)


def _new_runs(items: Iterable[Row[Any]]) -> dict[str, dict[SubmissionId, CountedRun]]:
    """Return, for each student, the runs that would take the place of others."""
    found: dict[str, dict[SubmissionId, CountedRun]] = defaultdict(dict)
    for row in items:
        of_student = found[row.student]
        if row.run_id is None or row.score is None:
            continue
        submission_id = SubmissionId(row.submission_id)
        of_student[submission_id] = CountedRun(
            RunId(row.run_id),
            submission_id,
            row.received_at,
            Score(row.score, row.points_possible),
            bool(row.is_held),
        )
    return found


def _of_record(connection: Connection, regrade: Regrade) -> dict[str, Row[Any]]:
    """Return each student's grade as it is on record, whatever rules made it."""
    grades = tables.grades
    rows = connection.execute(
        select(grades).where(*_of_assignment(regrade), grades.c.superseded_at.is_(None))
    )
    return {row.student: row for row in rows}


def _standings_now(
    connection: Connection,
    regrade: Regrade,
    policy: GradePolicy,
    new_runs: dict[str, dict[SubmissionId, CountedRun]],
) -> list[Standing]:
    """Return what an open regrade would do."""
    of_record = _of_record(connection, regrade)
    found = []
    for lot, facts in facts_in_lots(connection, list(new_runs), regrade.key):
        for student in lot:
            after = facts.autograde(student, policy, new_runs[student])
            found.append(
                Standing(
                    student=student,
                    before=_autograde_of_row(of_record.get(student)),
                    after=None if after is None else Autograde(after.score, after.run.run_id),
                    is_overridden=student in facts.overrides,
                )
            )
    return found


def _of_assignment(regrade: Regrade) -> tuple[ColumnElement[bool], ...]:
    grades = tables.grades.c
    return (
        grades.course == regrade.key.course,
        grades.section == regrade.key.section,
        grades.assignment == regrade.key.assignment,
    )


def _standings_since(
    connection: Connection, regrade: Regrade, students: Iterable[str]
) -> list[Standing]:
    """Return what an applied regrade did: its grades were superseded and made at one moment."""
    grades = tables.grades
    rows = connection.execute(
        select(grades).where(
            *_of_assignment(regrade),
            or_(grades.c.superseded_at == regrade.ended_at, grades.c.made_at == regrade.ended_at),
        )
    ).all()
    before = {row.student: row for row in rows if row.superseded_at == regrade.ended_at}
    after = {row.student: row for row in rows if row.made_at == regrade.ended_at}
    return [
        Standing(
            student=student,
            before=_autograde_of_row(before.get(student)),
            after=_autograde_of_row(after.get(student)),
            is_overridden=any(
                student in rows_of and rows_of[student].origin == Origin.OVERRIDE.value
                for rows_of in (before, after)
            ),
        )
        for student in sorted(students)
    ]


def _autograde_of_row(row: Row[Any] | None) -> Autograde | None:
    if row is None or row.run_id is None:
        return None
    points = row.earned * (1.0 - row.penalty)
    return Autograde(Score(points, row.earned_possible), RunId(row.run_id))


def _questions(connection: Connection, run_ids: list[RunId]) -> dict[RunId, list[QuestionScore]]:
    questions = tables.question_scores.c
    found: dict[RunId, list[QuestionScore]] = defaultdict(list)
    for start in range(0, len(run_ids), _AT_ONCE):
        rows = connection.execute(
            select(questions.run_id, questions.question, questions.score, questions.points_possible)
            .where(questions.run_id.in_(run_ids[start : start + _AT_ONCE]))
            .order_by(questions.run_id, questions.position)
        )
        for run_id, *score in rows:
            found[RunId(run_id)].append(QuestionScore(*score))
    return found
