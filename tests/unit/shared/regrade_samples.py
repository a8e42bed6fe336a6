"""Regrades of the sample submissions, asked for as staff ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.grade_policy import GradePolicy
from shared.gradebook.regrades.ending import apply_regrade, cancel_regrade
from shared.gradebook.regrades.items import items_left, record_regrade_run
from shared.gradebook.regrades.preview import preview_of
from shared.gradebook.regrades.progress import Regrade, find_regrade
from shared.gradebook.regrades.starting import start_regrade
from shared.gradebook.staff_requests import Outcome
from shared.gradebook.transactions import reading
from shared.model import RegradeId, RunReason, Sha256, SubmissionId, new_submission_id, utc_now
from shared.requests import (
    RegradeApplyPayload,
    RegradeCancelPayload,
    RegradeStartPayload,
    StaffPayload,
    StaffRequest,
)
from tests.unit.shared.gradebook_samples import ended, sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Engine

    from shared.gradebook.regrades.preview import Preview
    from shared.model import GradingResult

NEW_ZIP = Sha256("c" * 64)
POLICY = GradePolicy()


def request(payload: StaffPayload) -> StaffRequest:
    return StaffRequest(
        id=new_submission_id(),
        action=payload.action,
        payload=payload,
        requested_by="ana",
        received_at=utc_now(),
        reason="q1 was wrong",
    )


def start(engine: Engine, **filters: Any) -> tuple[RegradeId, Outcome, str]:
    """Ask for a regrade of lab01; return its id and what came of it."""
    payload = RegradeStartPayload(course="demo101", section="fa26", assignment="lab01", **filters)
    asked = request(payload)
    return RegradeId(asked.id), *start_regrade(engine, asked, payload, NEW_ZIP)


def started(engine: Engine, **filters: Any) -> RegradeId:
    regrade_id, outcome, message = start(engine, **filters)
    assert outcome is Outcome.DONE, message
    return regrade_id


def regraded(engine: Engine, results: Mapping[SubmissionId, GradingResult]) -> None:
    """Record the runs of what is left of the open regrades."""
    for item in items_left(engine):
        if item.submission_id in results:
            run = ended(results[item.submission_id], RunReason.REGRADE, item.regrade_id)
            assert record_regrade_run(engine, item, run)


def find(engine: Engine, regrade_id: RegradeId) -> Regrade:
    with reading(engine, "be read") as connection:
        found = find_regrade(connection, regrade_id)
    assert found is not None
    return found


def preview(engine: Engine, regrade_id: RegradeId, policy: GradePolicy = POLICY) -> Preview:
    regrade = find(engine, regrade_id)
    with reading(engine, "be read") as connection:
        return preview_of(connection, regrade, policy)


def apply(
    engine: Engine,
    regrade_id: RegradeId,
    fingerprint: str | None = None,
    policy: GradePolicy | None = POLICY,
) -> tuple[Outcome, str]:
    """Ask for it to be applied as it is, or as it was when it had this fingerprint."""
    shown = fingerprint or preview(engine, regrade_id, policy or POLICY).fingerprint
    asked = to_apply(regrade_id, shown)
    assert isinstance(asked.payload, RegradeApplyPayload)
    return apply_regrade(engine, asked, asked.payload, lambda _: policy)


def to_apply(regrade_id: RegradeId, fingerprint: str) -> StaffRequest:
    return request(RegradeApplyPayload(regrade=SubmissionId(regrade_id), fingerprint=fingerprint))


def cancel(engine: Engine, regrade_id: RegradeId) -> tuple[Outcome, str]:
    payload = RegradeCancelPayload(regrade=SubmissionId(regrade_id))
    return cancel_regrade(engine, request(payload), payload)


def of_record(engine: Engine) -> dict[str, float]:
    """Each student's grade of record, in points."""
    rows = sql(engine, "SELECT student, score FROM grades WHERE superseded_at IS NULL")
    return dict(rows)


def grades_dump(engine: Engine) -> list[tuple[Any, ...]]:
    """Every row of `grades`, those that were superseded as well."""
    return sql(engine, "SELECT * FROM grades ORDER BY id")
