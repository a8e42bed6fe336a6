"""Ending a regrade: applied, its runs count and grades are made anew; cancelled, they never do."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select, update

from shared.gradebook import tables
from shared.gradebook.grades import recompute_grades
from shared.gradebook.regrades.comparison import Effect
from shared.gradebook.regrades.on_record import Refused, counted, on_record, short_id
from shared.gradebook.regrades.preview import preview_of
from shared.gradebook.regrades.progress import Regrade, RegradeOutcome, find_regrade
from shared.model import RegradeId

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from shared.grade_policy import GradePolicy
    from shared.gradebook.regrades.preview import Preview
    from shared.gradebook.staff_requests import Outcome
    from shared.model import AssignmentKey
    from shared.requests import RegradeApplyPayload, RegradeCancelPayload, StaffRequest

_A_MOMENT: Final = timedelta(microseconds=1)


def apply_regrade(
    engine: Engine,
    request: StaffRequest,
    payload: RegradeApplyPayload,
    policy_of: Callable[[AssignmentKey], GradePolicy | None],
) -> tuple[Outcome, str]:
    """Let the runs of a regrade count, and make the grades of all its students anew.

    Args:
        engine: the writer's.
        request: that asks for it.
        payload: of that request.
        policy_of: returns the policy of an assignment; None where the catalogue no longer has it.

    Returns:
        What came of it, which is on record with it. Where another fingerprint than that of the
        request is right now, it is refused and nothing changes.

    Raises:
        GradebookError: the database refused; nothing was recorded.
    """

    def apply(connection: Connection, now: datetime) -> str:
        regrade = _open_regrade(connection, RegradeId(payload.regrade))
        if regrade.left:
            raise Refused(
                f"Regrade {short_id(regrade.id)} is not through: {regrade.left} of "
                f"{regrade.submissions} are left."
            )
        policy = policy_of(regrade.key)
        if policy is None:
            raise Refused(f"The catalogue no longer has {regrade.key}.")
        preview = preview_of(connection, regrade, policy)
        if preview.fingerprint != payload.fingerprint:
            raise Refused(
                "Changed, look again: who moves is not what was shown. "
                f"`gofer regrade show {short_id(regrade.id)}` shows it as it is now."
            )
        now = _after_all_runs(connection, regrade, now)
        _let_count(connection, regrade, now)
        _end(connection, regrade, RegradeOutcome.APPLIED, request, now)
        students = [change.student for change in preview.changes]
        recompute_grades(connection, students, regrade.key, policy, now)
        _insist(connection, preview)
        moved = len(preview.of(Effect.MOVES))
        return (
            f"Applied: {counted(moved, 'grade')} moved, "
            f"{len(preview.changes) - moved} stayed as they were."
        )

    return on_record(engine, request, "apply a regrade", apply)


def cancel_regrade(
    engine: Engine, request: StaffRequest, payload: RegradeCancelPayload
) -> tuple[Outcome, str]:
    """Give a regrade up. Its runs stay on record and never count.

    Returns:
        What came of it, which is on record with it.

    Raises:
        GradebookError: the database refused; nothing was recorded.
    """

    def cancel(connection: Connection, now: datetime) -> str:
        regrade = _open_regrade(connection, RegradeId(payload.regrade))
        _end(connection, regrade, RegradeOutcome.CANCELLED, request, now)
        return f"Regrade {short_id(regrade.id)} is cancelled. Every grade is as it was."

    return on_record(engine, request, "cancel a regrade", cancel)


def _open_regrade(connection: Connection, regrade_id: RegradeId) -> Regrade:
    regrade = find_regrade(connection, regrade_id)
    if regrade is None:
        raise Refused("There is no regrade of this id.")
    if regrade.outcome is not None:
        raise Refused(f"Regrade {short_id(regrade.id)} is {regrade.outcome} already.")
    return regrade


def _after_all_runs(connection: Connection, regrade: Regrade, now: datetime) -> datetime:
    """Return `now`, or a moment after the last run that counts: the latest applied is the one.

    A clock that was put back must not let a regrade be applied without an effect.
    """
    items, runs = tables.regrade_items.c, tables.grading_runs.c
    latest = connection.scalar(
        select(func.max(runs.applied_at))
        .join_from(
            tables.grading_runs,
            tables.regrade_items,
            items.submission_id == runs.submission_id,
        )
        .where(items.regrade_id == regrade.id)
    )
    return now if latest is None else max(now, latest + _A_MOMENT)


def _let_count(connection: Connection, regrade: Regrade, now: datetime) -> None:
    runs = tables.grading_runs
    connection.execute(
        update(runs)
        .where(runs.c.regrade_id == regrade.id, runs.c.score.is_not(None))
        .values(applied_at=now)
    )


def _end(
    connection: Connection,
    regrade: Regrade,
    outcome: RegradeOutcome,
    request: StaffRequest,
    now: datetime,
) -> None:
    regrades = tables.regrades
    connection.execute(
        update(regrades)
        .where(regrades.c.id == regrade.id)
        .values(outcome=outcome.value, ended_at=now, ended_by=request.id)
    )


def _insist(connection: Connection, preview: Preview) -> None:
    """Check that what is on record now is what was shown."""
    grades, key = tables.grades.c, preview.regrade.key
    rows = connection.execute(
        select(grades.student, grades.run_id, grades.earned, grades.penalty).where(
            grades.course == key.course,
            grades.section == key.section,
            grades.assignment == key.assignment,
            grades.superseded_at.is_(None),
            grades.run_id.is_not(None),
        )
    )
    made = {row.student: (row.run_id, row.earned * (1.0 - row.penalty)) for row in rows}
    for change in preview.changes:
        shown = change.after and (change.after.run_id, change.after.score.points)
        if made.get(change.student) != shown:
            raise Refused(
                "The grades did not become what was shown, so all of it was taken back. This is a "
                "mistake in Gofer: please report it."
            )
