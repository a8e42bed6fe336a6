"""The grade of record of one student for one assignment, made again from the runs that count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from shared.gradebook import tables
from shared.gradebook.policy import CountedRun, grade_of_record
from shared.model import RunId, Score, SubmissionId

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from shared.model import AssignmentKey, AttemptsPolicy


def recompute_grade(
    connection: Connection,
    student: str,
    key: AssignmentKey,
    attempts: AttemptsPolicy,
    now: datetime,
) -> bool:
    """Choose the grade anew; where it is another, supersede the old row and insert the new.

    Part of the writer's transaction that changed which runs count.

    Args:
        connection: inside that transaction.
        student: whose grade it is.
        key: of the assignment.
        attempts: by which policy to choose.
        now: when the change is made.

    Returns:
        Whether it changed.
    """
    chosen = grade_of_record(_counted_runs(connection, student, key), attempts)
    grades = tables.grades
    present = connection.execute(
        select(grades.c.id, grades.c.run_id).where(
            grades.c.course == key.course,
            grades.c.section == key.section,
            grades.c.assignment == key.assignment,
            grades.c.student == student,
            grades.c.superseded_at.is_(None),
        )
    ).one_or_none()
    if (present and present.run_id) == (chosen and chosen.run_id):
        return False
    if present:
        connection.execute(
            update(grades).where(grades.c.id == present.id).values(superseded_at=now)
        )
    if chosen:
        connection.execute(insert(grades).values(grade_values(student, key, chosen, now)))
    return True


def grade_values(
    student: str, key: AssignmentKey, chosen: CountedRun, now: datetime
) -> dict[str, Any]:
    """Return the row of a grade that `chosen` makes.

    Raises:
        ValueError: the run has no score.
    """
    if chosen.score is None:
        raise ValueError("a run without a score makes no grade")
    return {
        "student": student,
        "course": key.course,
        "section": key.section,
        "assignment": key.assignment,
        "score": chosen.score.points,
        "points_possible": chosen.score.possible,
        "run_id": chosen.run_id,
        "submission_id": chosen.submission_id,
        "made_at": now,
    }


def _counted_runs(connection: Connection, student: str, key: AssignmentKey) -> list[CountedRun]:
    submissions, counted = tables.submissions, tables.counted_runs
    rows = connection.execute(
        select(
            counted.c.run_id,
            submissions.c.id,
            submissions.c.received_at,
            counted.c.score,
            counted.c.points_possible,
        )
        .join_from(submissions, counted, counted.c.submission_id == submissions.c.id)
        .where(
            submissions.c.student == student,
            submissions.c.course == key.course,
            submissions.c.section == key.section,
            submissions.c.assignment == key.assignment,
        )
    )
    return [
        CountedRun(
            RunId(run_id),
            SubmissionId(submission_id),
            received_at,
            None if score is None else Score(score, possible),
        )
        for run_id, submission_id, received_at, score, possible in rows
    ]
