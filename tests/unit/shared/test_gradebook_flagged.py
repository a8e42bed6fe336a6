"""A run that is held counts nowhere until staff accept it, and then as any other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shared.errors import GradebookError
from shared.grade_policy import GradePolicy
from shared.gradebook.flagged import accept_run, flagged_runs, held_run
from shared.gradebook.queries import classic_rows, grades_of_record
from shared.gradebook.staff_requests import Outcome, done_request, record_request
from shared.model import SubmissionId, new_run_id, new_submission_id
from shared.requests import AcceptFlaggedPayload, StaffRequest
from tests.unit.shared.gradebook_samples import (
    NOON,
    fresh_gradebook,
    graded,
    record,
    refuse_new_grades,
    sql,
    submitted,
    ungraded,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from shared.gradebook.record import GradingRun
    from shared.model import GradingResult, RunId

BEST = GradePolicy()


@pytest.fixture
def gradebook(tmp_path: Path, database_url: str | None) -> Iterator[Engine]:
    engine = fresh_gradebook(tmp_path, database_url)
    yield engine
    engine.dispose()


def flagged(points: float, *flags: str) -> GradingResult:
    return replace(graded(points), flags=frozenset(flags), staff_text="It was found out.")


def asked_to_accept(run_id: RunId) -> StaffRequest:
    return StaffRequest(
        id=new_submission_id(),
        action="accept_flagged",
        payload=AcceptFlaggedPayload(run=SubmissionId(run_id)),
        requested_by="ta",
        received_at=NOON,
        reason="Their own library.",
    )


def accept(gradebook: Engine, run: GradingRun) -> StaffRequest:
    request = asked_to_accept(run.run_id)
    held = held_run(gradebook, run.run_id)
    assert held is not None
    accept_run(gradebook, request, held, BEST, "It counts.")
    return request


def grades(gradebook: Engine) -> list[float]:
    return [grade.score.points for grade in grades_of_record(gradebook)]


def test_a_run_that_is_held_makes_no_grade_until_it_is_accepted(gradebook: Engine) -> None:
    run = record(gradebook, submitted(), flagged(9.0, "tampered"))
    assert grades(gradebook) == []
    assert list(classic_rows(gradebook)) == []
    accept(gradebook, run)
    assert grades(gradebook) == [9.0]
    assert [row.grade for row in classic_rows(gradebook)] == [0.9]
    assert held_run(gradebook, run.run_id) is None


def test_an_earlier_grade_stays_while_a_better_one_is_held(gradebook: Engine) -> None:
    record(gradebook, submitted(), graded(4.0))
    run = record(gradebook, submitted(minutes=1), flagged(9.0, "tampered", "kernel_died"))
    assert grades(gradebook) == [4.0]
    accept(gradebook, run)
    assert grades(gradebook) == [9.0]
    (grade,) = grades_of_record(gradebook)
    assert grade.flags == ("kernel_died", "tampered")


def test_accepting_one_run_accepts_no_other(gradebook: Engine) -> None:
    runs = [
        record(gradebook, submitted(student), flagged(9.0, "tampered"))
        for student in ("ada", "bob")
    ]
    accept(gradebook, runs[0])
    assert [grade.student for grade in grades_of_record(gradebook)] == ["ada"]
    assert held_run(gradebook, runs[1].run_id) is not None


def test_a_request_that_was_refused_accepts_nothing(gradebook: Engine) -> None:
    run = record(gradebook, submitted(), flagged(9.0, "tampered"))
    record_request(gradebook, asked_to_accept(run.run_id), Outcome.REFUSED, "No.")
    assert held_run(gradebook, run.run_id) is not None


def test_who_accepted_it_and_why_is_on_record(gradebook: Engine) -> None:
    run = record(gradebook, submitted(), flagged(9.0, "tampered"))
    request = accept(gradebook, run)
    done = done_request(gradebook, request.id)
    assert done is not None
    assert (done.outcome, done.message) == (Outcome.DONE, "It counts.")
    assert sql(gradebook, "SELECT requested_by, reason FROM requests") == [
        ("ta", "Their own library.")
    ]


def test_accepting_is_one_transaction(gradebook: Engine) -> None:
    run = record(gradebook, submitted(), flagged(9.0, "tampered"))
    held = held_run(gradebook, run.run_id)
    assert held is not None
    refuse_new_grades(gradebook)
    with pytest.raises(GradebookError):
        accept_run(gradebook, asked_to_accept(run.run_id), held, BEST, "It counts.")
    assert sql(gradebook, "SELECT * FROM requests") == []
    assert held_run(gradebook, run.run_id) is not None


def test_a_suspicious_source_is_listed_and_counts(gradebook: Engine) -> None:
    record(gradebook, submitted(), graded(5.0))
    odd = record(gradebook, submitted(minutes=1), flagged(9.0, "suspicious_source"))
    held = record(gradebook, submitted("bob", minutes=2), flagged(8.0, "tampered"))
    assert grades(gradebook) == [9.0]
    first, second = flagged_runs(gradebook)
    assert (first.run_id, first.is_held, first.student) == (odd.run_id, False, "ada")
    assert (second.run_id, second.is_held, second.student) == (held.run_id, True, "bob")
    assert second.staff_text == "It was found out."
    assert second.score is not None
    assert second.score.points == 8.0


def test_a_flagged_run_without_a_score_is_listed(gradebook: Engine) -> None:
    result = replace(ungraded(), flags=frozenset({"tampered"}))
    record(gradebook, submitted(), result)
    (found,) = flagged_runs(gradebook)
    assert found.score is None


def test_no_such_run_is_not_held(gradebook: Engine) -> None:
    assert held_run(gradebook, new_run_id()) is None
    assert flagged_runs(gradebook) == ()
