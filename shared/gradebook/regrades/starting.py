"""Starting a regrade: which submissions it takes is decided once, and frozen."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from shared.gradebook import tables
from shared.gradebook.held import is_held
from shared.gradebook.regrades.on_record import Refused, counted, on_record, short_id
from shared.gradebook.regrades.selection import Candidate, selected
from shared.model import RegradeId, Score, Sha256, SubmissionId, new_regrade_item_id

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from shared.gradebook.staff_requests import Outcome
    from shared.model import AssignmentKey
    from shared.requests import RegradeStartPayload, StaffRequest


def start_regrade(
    engine: Engine, request: StaffRequest, payload: RegradeStartPayload, present_zip: Sha256
) -> tuple[Outcome, str]:
    """Freeze which submissions a regrade takes, and open it. Its id is its request's.

    Args:
        engine: the writer's.
        request: that asks for it.
        payload: of that request.
        present_zip: of the zip that grades the assignment now.

    Returns:
        What came of it, which is on record with it.

    Raises:
        GradebookError: the database refused; nothing was recorded.
    """

    def start(connection: Connection, now: datetime) -> str:
        chosen = selected(_candidates(connection, payload), payload, present_zip)
        if not chosen:
            raise Refused(f"No graded submission of {payload.key} fits what was asked for.")
        _refuse_overlap(connection, payload.key, {one.submission_id for one in chosen})
        regrade_id = RegradeId(request.id)
        connection.execute(
            insert(tables.regrades).values(
                id=regrade_id,
                course=payload.course,
                section=payload.section,
                assignment=payload.assignment,
                autograder_sha256=present_zip,
                started_at=now,
            )
        )
        _insert_items(connection, regrade_id, chosen)
        students = len({one.student for one in chosen})
        return (
            f"Regrade {short_id(regrade_id)} takes {counted(len(chosen), 'submission')} of "
            f"{counted(students, 'student')}. No grade changes before it is applied."
        )

    return on_record(engine, request, "start a regrade", start)


def _candidates(connection: Connection, payload: RegradeStartPayload) -> list[Candidate]:
    submissions, runs = tables.submissions.c, tables.grading_runs.c
    counted = tables.counted_runs.c
    rows = connection.execute(
        select(submissions.id, submissions.student, submissions.received_at, runs.score)
        .add_columns(runs.points_possible, is_held().label("is_held"), runs.autograder_sha256)
        .add_columns(runs.id.label("run_id"))
        .join_from(tables.submissions, tables.counted_runs, counted.submission_id == submissions.id)
        .join(tables.grading_runs, runs.id == counted.run_id)
        .where(
            submissions.course == payload.course,
            submissions.section == payload.section,
            submissions.assignment == payload.assignment,
            submissions.sha256.is_not(None),  # of a classic one there is no notebook
        )
    ).all()
    full = _full_questions(connection, payload)
    return [
        Candidate(
            submission_id=SubmissionId(row.id),
            student=row.student,
            received_at=row.received_at,
            score=None if row.score is None else Score(row.score, row.points_possible),
            is_held=bool(row.is_held),
            autograder_sha256=row.autograder_sha256,
            full_questions=frozenset(full[row.run_id]),
        )
        for row in rows
    ]


def _full_questions(
    connection: Connection, payload: RegradeStartPayload
) -> defaultdict[str, set[str]]:
    """Return, for each counted run, those of the request's questions that earned all points."""
    full: defaultdict[str, set[str]] = defaultdict(set)
    if payload.questions:
        questions, counted = tables.question_scores.c, tables.counted_runs.c
        submissions = tables.submissions.c
        rows = connection.execute(
            select(questions.run_id, questions.question)
            .join_from(
                tables.question_scores, tables.counted_runs, counted.run_id == questions.run_id
            )
            .join(tables.submissions, submissions.id == counted.submission_id)
            .where(
                submissions.course == payload.course,
                submissions.section == payload.section,
                submissions.assignment == payload.assignment,
                questions.question.in_(payload.questions),
                questions.score >= questions.points_possible,
            )
        )
        for run_id, question in rows:
            full[run_id].add(question)
    return full


def _refuse_overlap(
    connection: Connection, key: AssignmentKey, chosen: Collection[SubmissionId]
) -> None:
    items, regrades = tables.regrade_items.c, tables.regrades.c
    open_items = connection.execute(
        select(items.submission_id, items.regrade_id)
        .join_from(tables.regrade_items, tables.regrades, regrades.id == items.regrade_id)
        .where(
            regrades.outcome.is_(None),
            regrades.course == key.course,
            regrades.section == key.section,
            regrades.assignment == key.assignment,
        )
    )
    taken = [regrade for submission, regrade in open_items if submission in chosen]
    if taken:
        raise Refused(
            f"{len(taken)} of these submissions are in regrade {short_id(taken[0])}, which is "
            "neither applied nor cancelled yet."
        )


def _insert_items(
    connection: Connection, regrade_id: RegradeId, chosen: Sequence[Candidate]
) -> None:
    connection.execute(
        insert(tables.regrade_items),
        [
            {
                "id": new_regrade_item_id(),
                "regrade_id": regrade_id,
                "submission_id": one.submission_id,
                "tries": 0,
            }
            for one in chosen
        ],
    )
