"""The submissions of open regrades: which are left, and what becomes of each.

The table is the truth. An item is left until its run is recorded or our machinery gives it up; so a
grader that was killed reads here where to go on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, exists, select, update

from shared.gradebook import tables
from shared.gradebook.record import insert_run
from shared.gradebook.transactions import reading, writing
from shared.model import (
    AssignmentKey,
    RegradeId,
    RegradeItemId,
    Sha256,
    SubmissionId,
    utc_now,
)

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Engine

    from shared.gradebook.record import GradingRun


@dataclass(frozen=True, slots=True)
class RegradeItem:
    """A submission of a regrade that is neither regraded nor given up.

    Attributes:
        student: whose submission it is.
        key: for which assignment.
        autograder_sha256: of the zip that the regrade was started with.
    """

    id: RegradeItemId
    regrade_id: RegradeId
    submission_id: SubmissionId
    student: str
    key: AssignmentKey
    autograder_sha256: Sha256


def is_regraded() -> ColumnElement[bool]:
    """Return the condition on a row of `regrade_items` that its run is recorded."""
    runs, items = tables.grading_runs.c, tables.regrade_items.c
    return exists().where(
        runs.submission_id == items.submission_id, runs.regrade_id == items.regrade_id
    )


def is_left() -> ColumnElement[bool]:
    """Return the condition on a row of `regrade_items` that it is still to be graded."""
    return and_(tables.regrade_items.c.given_up_at.is_(None), ~is_regraded())


def open_regrades(engine: Engine) -> frozenset[RegradeId]:
    """Return the regrades that are neither applied nor cancelled.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    regrades = tables.regrades.c
    with reading(engine, "be read") as connection:
        found = connection.scalars(select(regrades.id).where(regrades.outcome.is_(None)))
        return frozenset(map(RegradeId, found))


def items_left(engine: Engine) -> tuple[RegradeItem, ...]:
    """Return what is left of all open regrades, the earlier regrade first.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    items, regrades, submissions = tables.regrade_items.c, tables.regrades.c, tables.submissions.c
    statement = (
        select(items.id, items.regrade_id, items.submission_id, regrades.autograder_sha256)
        .add_columns(submissions.student, submissions.course, submissions.section)
        .add_columns(submissions.assignment)
        .join_from(tables.regrade_items, tables.regrades, regrades.id == items.regrade_id)
        .join(tables.submissions, submissions.id == items.submission_id)
        .where(regrades.outcome.is_(None), is_left())
        .order_by(items.id)
    )
    with reading(engine, "be read") as connection:
        return tuple(
            RegradeItem(
                id=RegradeItemId(row.id),
                regrade_id=RegradeId(row.regrade_id),
                submission_id=SubmissionId(row.submission_id),
                student=row.student,
                key=AssignmentKey(row.course, row.section, row.assignment),
                autograder_sha256=Sha256(row.autograder_sha256),
            )
            for row in connection.execute(statement)
        )


def item_tries(engine: Engine, item_id: RegradeItemId) -> int:
    """Return how often a run of an item was started.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    items = tables.regrade_items.c
    with reading(engine, "be read") as connection:
        return connection.scalar(select(items.tries).where(items.id == item_id)) or 0


def begin_item_try(engine: Engine, item_id: RegradeItemId) -> int:
    """Count a try, durably, before a run is started; return its number, 1 for the first.

    Raises:
        GradebookError: the database refused.
    """
    items = tables.regrade_items
    with writing(engine, "count a try") as connection:
        connection.execute(
            update(items).where(items.c.id == item_id).values(tries=items.c.tries + 1)
        )
        return connection.scalar(select(items.c.tries).where(items.c.id == item_id)) or 0


def give_up_item(engine: Engine, item_id: RegradeItemId, problem: str) -> None:
    """Record that our machinery could not regrade an item; no grade is touched.

    Raises:
        GradebookError: the database refused.
    """
    items = tables.regrade_items
    with writing(engine, "give up a submission's regrade") as connection:
        connection.execute(
            update(items)
            .where(items.c.id == item_id, items.c.given_up_at.is_(None), ~is_regraded())
            .values(given_up_at=utc_now(), problem=problem)
        )


def record_regrade_run(engine: Engine, item: RegradeItem, run: GradingRun) -> bool:
    """Record a regrade's run, which counts once the regrade is applied.

    Returns:
        Whether it was recorded: not where the regrade was cancelled meanwhile, or the run is there.

    Raises:
        GradebookError: the database refused. Recording it again is safe.
    """
    regrades, items = tables.regrades.c, tables.regrade_items
    with writing(engine, "record a regrade's run") as connection:
        is_wanted = connection.scalar(
            select(items.c.id)
            .join_from(items, tables.regrades, regrades.id == items.c.regrade_id)
            .where(items.c.id == item.id, regrades.outcome.is_(None), is_left())
        )
        if is_wanted is None:
            return False
        insert_run(connection, item.submission_id, run, utc_now())
        return True
