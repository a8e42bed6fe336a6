"""The list of who did what: requests and changes of grades, the newest first, page by page."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, select

from shared.grade_policy import GradePolicy
from shared.gradebook import tables
from shared.gradebook.audit import (
    AuditEntry,
    AuditFilter,
    Kind,
    audit_page,
    count_audit,
    requesters,
)
from shared.gradebook.staff_decisions import record_override
from shared.gradebook.staff_requests import Outcome, record_request
from shared.model import AssignmentKey, Score, new_submission_id, utc_now
from shared.requests import (
    OverridePayload,
    PublishPayload,
    RetryPayload,
    StaffPayload,
    StaffRequest,
)
from tests.unit.shared.gradebook_samples import NOON, fresh_gradebook, graded, record, submitted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

KEY = AssignmentKey("demo101", "fa26", "lab01")
PLACE = {"course": KEY.course, "section": KEY.section, "assignment": KEY.assignment}


def asked(payload: StaffPayload, *, by: str = "tess", why: str = "") -> StaffRequest:
    return StaffRequest(
        id=new_submission_id(),
        action=payload.action,
        payload=payload,
        requested_by=by,
        received_at=utc_now(),
        reason=why,
    )


@pytest.fixture
def gradebook(tmp_path: Path, database_url: str | None) -> Iterator[Engine]:
    """Ada was graded twice and then overridden; two requests of two people went before."""
    engine = fresh_gradebook(tmp_path, database_url)
    record_request(
        engine, asked(RetryPayload(entry=new_submission_id())), Outcome.REFUSED, "100% gone."
    )
    record_request(
        engine, asked(PublishPayload(**PLACE, rule="manual"), by="bob"), Outcome.DONE, "Hidden."
    )
    record(engine, submitted("ada"), graded(5.0))
    record(engine, submitted("ada", minutes=3), graded(7.0))
    payload = OverridePayload(student="ada", score=9, comment="Ambiguous q2", **PLACE)
    record_override(
        engine, asked(payload, why="Asked me"), payload, Score(9, 10), GradePolicy(), "9 counts."
    )
    yield engine
    engine.dispose()


def page(engine: Engine, wanted: AuditFilter = AuditFilter(), limit: int = 100) -> list[AuditEntry]:  # noqa: B008 - frozen
    return list(audit_page(engine, wanted, limit=limit))


def test_everything_is_there_with_who_what_when_and_why(gradebook: Engine) -> None:
    found = page(gradebook)
    assert [one.at for one in found] == sorted((one.at for one in found), reverse=True)
    assert [one.action for one in found if one.kind is Kind.REQUEST] == [
        "override",
        "publish",
        "retry",
    ]
    changes = [one for one in found if one.kind is Kind.GRADE]
    assert [(one.by, one.before, one.after) for one in changes] == [
        ("tess", Score(7, 10), Score(9, 10)),
        ("ada", Score(5, 10), Score(7, 10)),
        ("ada", None, Score(5, 10)),
    ]
    assert {(one.student, one.key) for one in changes} == {("ada", KEY)}
    assert changes[0].why == "Ambiguous q2"
    retry = found[-1]
    assert (retry.by, retry.outcome, retry.message) == ("tess", "refused", "100% gone.")


def test_pages_follow_one_another_and_lose_nothing(gradebook: Engine) -> None:
    whole = page(gradebook)
    parts = [
        one
        for offset in range(0, len(whole), 2)
        for one in audit_page(gradebook, AuditFilter(), limit=2, offset=offset)
    ]
    assert parts == whole
    assert count_audit(gradebook, AuditFilter()) == len(whole) == 6


def test_grades_that_changed_at_one_moment_are_on_one_page_each(gradebook: Engine) -> None:
    """As a regrade leaves them that is applied to a class."""
    with gradebook.begin() as connection:
        row = connection.execute(select(tables.grades)).mappings().first()
        assert row is not None
        one = {name: value for name, value in row.items() if name != "id"}
        one |= {"superseded_at": None, "made_at": utc_now()}
        rows = [{**one, "student": f"student {number}"} for number in range(12)]
        connection.execute(insert(tables.grades), rows)
    wanted = AuditFilter(kinds=(Kind.GRADE,))
    pages = [audit_page(gradebook, wanted, limit=2, offset=at) for at in range(0, 16, 2)]
    numbers = [int(one.id) for found in pages for one in found]
    assert numbers == sorted(numbers, reverse=True)
    assert len(set(numbers)) == count_audit(gradebook, wanted) == 15


@pytest.mark.parametrize(
    ("wanted", "number"),
    [
        (AuditFilter(kinds=(Kind.REQUEST,)), 3),
        (AuditFilter(kinds=(Kind.GRADE,)), 3),
        (AuditFilter(actions=("publish",)), 1),
        (AuditFilter(actions=("publish",), kinds=(Kind.GRADE,)), 0),
        (AuditFilter(by=("bob",)), 1),
        (AuditFilter(by=("tess",)), 3),
        (AuditFilter(search="AMBIGUOUS"), 2),
        (AuditFilter(search="100%"), 1),
        (AuditFilter(search="1_0"), 0),
        (AuditFilter(search='"student":"ada"'), 1),
        (AuditFilter(since=NOON + timedelta(days=36500)), 0),
        (AuditFilter(before=NOON + timedelta(days=36500)), 6),
        (AuditFilter(before=NOON - timedelta(days=36500)), 0),
    ],
)
def test_filters_narrow_it(gradebook: Engine, wanted: AuditFilter, number: int) -> None:
    assert len(page(gradebook, wanted)) == number
    assert count_audit(gradebook, wanted) == number


def test_those_who_asked_are_named_once(gradebook: Engine) -> None:
    assert requesters(gradebook) == ("bob", "tess")
