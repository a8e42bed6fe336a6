"""The regrades there are, who asked for them, and how far each has come."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select

from shared.gradebook import tables
from shared.gradebook.regrades.items import is_regraded
from shared.gradebook.transactions import reading
from shared.model import AssignmentKey, RegradeId, Sha256

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine, Row, Select

LAST_RUNS: Final = 50
"""The pace of a regrade is taken from so many of its last runs: a night with the grader down, hours
ago, says nothing of now."""
_FEWEST_RUNS: Final = 5


class RegradeOutcome(enum.StrEnum):
    """How a regrade ended."""

    APPLIED = "applied"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Regrade:
    """A regrade, as far as it has come.

    Attributes:
        autograder_sha256: of the zip that it grades with.
        started_at: when its submissions were chosen.
        requested_by: who asked for it, and `reason` why.
        outcome: None while it is open, and so `ended_at`.
        submissions: how many it takes.
        regraded: how many of those have their new run.
        given_up: how many could not be regraded.
    """

    id: RegradeId
    key: AssignmentKey
    autograder_sha256: Sha256
    started_at: datetime
    requested_by: str
    reason: str
    outcome: RegradeOutcome | None
    ended_at: datetime | None
    submissions: int
    regraded: int
    given_up: int

    @property
    def left(self) -> int:
        """How many are still to be graded again."""
        return self.submissions - self.regraded - self.given_up

    @property
    def state(self) -> str:
        """One word: `running`, `ready` to be applied, `applied` or `cancelled`."""
        if self.outcome is not None:
            return self.outcome.value
        return "running" if self.left else "ready"


def regrades(engine: Engine) -> tuple[Regrade, ...]:
    """Return all regrades, the newest first.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    with reading(engine, "be read") as connection:
        rows = connection.execute(_regrades().order_by(tables.regrades.c.id.desc()))
        return tuple(map(_regrade, rows))


def find_regrade(connection: Connection, regrade_id: RegradeId) -> Regrade | None:
    """Return one of them; None where there is none of this id."""
    row = connection.execute(_regrades().where(tables.regrades.c.id == regrade_id)).one_or_none()
    return None if row is None else _regrade(row)


def last_ends(engine: Engine, regrade_id: RegradeId) -> tuple[datetime, ...]:
    """Return when the last runs of a regrade ended, the earliest first.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    items, runs = tables.regrade_items.c, tables.grading_runs.c
    statement = (
        select(runs.finished_at)
        .join_from(
            tables.regrade_items,
            tables.grading_runs,
            (runs.submission_id == items.submission_id) & (runs.regrade_id == items.regrade_id),
        )
        .where(items.regrade_id == regrade_id)
        .order_by(runs.finished_at.desc())
        .limit(LAST_RUNS)
    )
    with reading(engine, "be read") as connection:
        return tuple(reversed(connection.scalars(statement).all()))


def seconds_left(left: int, ends: Sequence[datetime]) -> float | None:
    """Estimate how long a regrade takes from now on, at the pace of its last runs. Pure.

    Args:
        left: how many submissions are still to be graded.
        ends: when its last runs ended, in order.

    Returns:
        None where too few have ended to tell.
    """
    if left == 0:
        return 0.0
    if len(ends) < _FEWEST_RUNS:
        return None
    return left * (ends[-1] - ends[0]).total_seconds() / (len(ends) - 1)


def _regrades() -> Select[Any]:
    regrades, requests, items = tables.regrades, tables.requests.c, tables.regrade_items
    of_this = items.c.regrade_id == regrades.c.id
    taken = select(func.count()).select_from(items).where(of_this)
    return (
        select(regrades, requests.requested_by, requests.reason)
        .add_columns(taken.scalar_subquery().label("submissions"))
        .add_columns(taken.where(is_regraded()).scalar_subquery().label("regraded"))
        .add_columns(
            taken.where(items.c.given_up_at.is_not(None)).scalar_subquery().label("given_up")
        )
        .join_from(regrades, tables.requests, requests.id == regrades.c.id)
    )


def _regrade(row: Row[Any]) -> Regrade:
    return Regrade(
        id=RegradeId(row.id),
        key=AssignmentKey(row.course, row.section, row.assignment),
        autograder_sha256=Sha256(row.autograder_sha256),
        started_at=row.started_at,
        requested_by=row.requested_by,
        reason=row.reason,
        outcome=None if row.outcome is None else RegradeOutcome(row.outcome),
        ended_at=row.ended_at,
        submissions=row.submissions,
        regraded=row.regraded,
        given_up=row.given_up,
    )
