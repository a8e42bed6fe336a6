"""Open regrades are graded in the background, and nothing they do touches a live submission."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from gofer_console import actions
from gofer_ingest.grader import regrading
from shared.errors import HarnessNotReady, SandboxUnavailable
from shared.gradebook import tables
from shared.gradebook.queries import grades_of_record
from shared.gradebook.regrades.items import begin_item_try, items_left
from shared.gradebook.regrades.preview import preview_of
from shared.gradebook.regrades.progress import find_regrade
from shared.gradebook.transactions import reading
from shared.model import RegradeId, SubmissionId
from shared.requests import (
    RegradeApplyPayload,
    RegradeCancelPayload,
    RegradeStartPayload,
    Source,
)
from tests.support.processes import wait_until
from tests.support.zips import notebook
from tests.unit.grader.grading_room import KEY, MAX_TRIES
from tests.unit.grader.harness_answers import answer, answered, question, tampering

if TYPE_CHECKING:
    from gofer_ingest.grader.sandbox import Job, RawResult
    from shared.gradebook.regrades.preview import Preview
    from shared.gradebook.regrades.progress import Regrade
    from shared.requests import StaffPayload
    from tests.unit.grader.grading_room import Room

pytestmark = pytest.mark.usefixtures("short_waits")


def start(**filters: Any) -> RegradeStartPayload:
    return RegradeStartPayload(
        course=KEY.course, section=KEY.section, assignment=KEY.assignment, **filters
    )


def ask(room: Room, payload: StaffPayload) -> SubmissionId:
    return actions.deliver(room.spool, payload, by="ana", why="q1 was wrong")


def asked(room: Room, payload: StaffPayload) -> SubmissionId:
    """Ask for something and have it carried out."""
    request = ask(room, payload)
    room.work_until_settled(request)
    return request


def find(room: Room, regrade_id: SubmissionId) -> Regrade | None:
    with reading(room.gradebook, "be read") as connection:
        return find_regrade(connection, RegradeId(regrade_id))


def preview(room: Room, regrade_id: SubmissionId) -> Preview:
    with reading(room.gradebook, "be read") as connection:
        regrade = find_regrade(connection, RegradeId(regrade_id))
        assert regrade is not None
        return preview_of(connection, regrade, room.assignment.policy)


def is_in_state(room: Room, regrade_id: SubmissionId, state: str) -> bool:
    found = find(room, regrade_id)
    return found is not None and found.state == state


def regrade_through(room: Room, **filters: Any) -> SubmissionId:
    request = ask(room, start(**filters))
    with room.working():
        wait_until(lambda: is_in_state(room, request, "ready"))
    return request


def outcome(room: Room, request: SubmissionId) -> str:
    with room.gradebook.connect() as connection:
        found: str | None = connection.scalar(
            select(tables.requests.c.outcome).where(tables.requests.c.id == request)
        )
    return found or ""


def better(_: Job) -> RawResult:
    questions = [question("q1", 2.0, 2.0), question("q2", 3.0, 3.0)]
    return answered(answer(questions=questions))


def mend(room: Room) -> None:
    """Put another zip in place, with which every run earns 5 of 5."""
    room.zip_path.write_bytes(b"zip 2, mended")
    room.sandbox.grade = better


def scores(room: Room) -> list[float]:
    return [grade.score.points for grade in grades_of_record(room.gradebook)]


def logged(caplog: pytest.LogCaptureFixture, action: str) -> list[Any]:
    return [record for record in caplog.records if getattr(record, "action", "") == action]


def test_a_regrade_is_graded_and_moves_nothing_until_it_is_applied(room: Room) -> None:
    entries = [room.submitted() for _ in range(3)]
    room.work_until_settled(*entries)
    mend(room)
    regrade_id = regrade_through(room)
    assert scores(room) == [1.5] * 3
    shown = preview(room, regrade_id).fingerprint
    request = asked(room, RegradeApplyPayload(regrade=regrade_id, fingerprint=shown))
    assert outcome(room, request) == "done"
    assert scores(room) == [5.0] * 3


def test_the_notebook_is_the_one_that_was_received(room: Room) -> None:
    room.work_until_settled(room.submitted(notebook("total = 99")))
    regrade_through(room)
    first, second = room.sandbox.jobs
    assert first.notebook == second.notebook
    assert b"total = 99" in second.notebook


def test_each_run_says_with_what_it_was_graded(room: Room) -> None:
    entry = room.submitted()
    room.work_until_settled(entry)
    mend(room)
    regrade_id = regrade_through(room)
    first, second = sorted(room.runs(entry), key=lambda run: str(run.started_at))
    assert (first.reason, second.reason) == ("initial", "regrade")
    assert second.regrade_id == regrade_id
    assert second.applied_at is None
    assert first.autograder_sha256 != second.autograder_sha256
    assert (second.image_id, second.otter_version, second.tries) == ("image-1", "7.0.0", 1)


def test_live_submissions_and_batches_go_first(room: Room) -> None:
    old = [room.submitted() for _ in range(6)]
    room.work_until_settled(*old)
    room.sandbox.gate.clear()
    regrade_id = ask(room, start())
    with room.working(concurrency=1):
        wait_until(lambda: room.sandbox.now_running == 1)
        batch = room.submitted(notebook("kind = 'batch'"), source=Source.BATCH)
        live = room.submitted(notebook("kind = 'live'"))
        request = ask(room, start(students=("nobody",)))
        # once this is done the grader has looked at what lies before it
        wait_until(lambda: room.is_settled(request))
        room.sandbox.gate.set()
        wait_until(lambda: is_in_state(room, regrade_id, "ready"))
    assert room.is_settled(live, batch)
    kinds = [job.notebook for job in room.sandbox.jobs[len(old) :]]
    assert b"'live'" in kinds[1]
    assert b"'batch'" in kinds[2]


def test_students_wait_for_no_regrade_in_what_they_are_told(room: Room) -> None:
    old = [room.submitted() for _ in range(4)]
    room.work_until_settled(*old)
    room.sandbox.gate.clear()
    ask(room, start())
    with room.working(concurrency=1) as worker:
        wait_until(lambda: room.sandbox.now_running == 1)
        wait_until(lambda: worker.standing().pending == 0)
        assert worker.standing().running == ()


def test_our_failures_are_tried_again_and_then_named(room: Room) -> None:
    first, second = room.submitted(), room.submitted()
    room.work_until_settled(first, second)
    before = scores(room)

    def grade(job: Job) -> RawResult:
        if b"break" in job.notebook:
            raise HarnessNotReady("It never came up.")
        return better(job)

    third = room.submitted(notebook("x = 'break'"))
    room.work_until_settled(third)
    room.sandbox.grade = grade
    regrade_id = regrade_through(room)
    (given_up,) = preview(room, regrade_id).not_regraded
    assert given_up.submission_id == third
    assert f"failed {MAX_TRIES} times" in given_up.why
    assert "never came up" in given_up.why
    found = find(room, regrade_id)
    assert found is not None
    assert (found.regraded, found.given_up) == (2, 1)
    assert scores(room)[:2] == before
    assert not room.is_buried(third)


def test_an_engine_that_is_away_only_delays_it(room: Room) -> None:
    room.work_until_settled(room.submitted())
    room.sandbox.will_fail("prepare", *[SandboxUnavailable("Away.")] * 4)
    regrade_id = regrade_through(room)
    assert preview(room, regrade_id).not_regraded == ()


def test_a_grader_that_was_killed_goes_on_where_it_was(room: Room) -> None:
    entries = [room.submitted() for _ in range(5)]
    room.work_until_settled(*entries)
    graded_before = len(room.sandbox.jobs)
    room.sandbox.gate.clear()
    regrade_id = ask(room, start())
    with room.working(concurrency=1):
        wait_until(lambda: room.sandbox.now_running == 1)
        # leaving opens the gate: what is in hand ends, and no more is claimed
    found = find(room, regrade_id)
    assert found is not None
    assert 0 < found.left < len(entries)
    with room.working():  # all it knows is in the table
        wait_until(lambda: is_in_state(room, regrade_id, "ready"))
    assert len(room.sandbox.jobs) == graded_before + len(entries)


def test_a_notebook_that_takes_the_grader_down_is_given_up(room: Room) -> None:
    room.work_until_settled(room.submitted())
    regrade_id = asked_and_left(room)
    (item,) = items_left(room.gradebook)
    for _ in range(MAX_TRIES):
        begin_item_try(room.gradebook, item.id)  # and then it was killed
    with room.working():
        wait_until(lambda: is_in_state(room, regrade_id, "ready"))
    (given_up,) = preview(room, regrade_id).not_regraded
    assert f"went down {MAX_TRIES} times" in given_up.why


def asked_and_left(room: Room) -> SubmissionId:
    """Start a regrade whose first run never begins: its assignment is blocked."""
    room.zip_path.rename(room.zip_path.with_suffix(".away"))
    room.zip_path.mkdir()
    try:
        request = ask(room, start())
        room.work_until_settled(request)
        assert outcome(room, request) == "refused"
    finally:
        room.zip_path.rmdir()
        room.zip_path.with_suffix(".away").rename(room.zip_path)
    room.sandbox.will_fail("image_id", *[SandboxUnavailable("Away.")] * 1000)
    request = asked(room, start())
    room.sandbox.failures.clear()
    return request


def test_a_zip_that_is_replaced_meanwhile_ends_it(room: Room) -> None:
    entries = [room.submitted() for _ in range(4)]
    room.work_until_settled(*entries)
    regrade_id = asked_and_left(room)
    mend(room)
    with room.working():
        wait_until(lambda: is_in_state(room, regrade_id, "ready"))
    found = preview(room, regrade_id)
    assert [one.why for one in found.not_regraded] == [regrading.ZIP_CHANGED] * 4
    assert found.changes[0].points == 0


def test_a_notebook_that_is_gone_from_the_archive_is_named(room: Room) -> None:
    entry = room.submitted()
    room.work_until_settled(entry)
    kept = room.volume / "submissions" / entry[-2:] / entry / "submission.ipynb"
    kept.write_bytes(kept.read_bytes() + b" ")
    regrade_id = regrade_through(room)
    (given_up,) = preview(room, regrade_id).not_regraded
    assert "archive does not have its notebook" in given_up.why
    assert scores(room) == [1.5]


def test_cancelling_stops_what_is_left(room: Room) -> None:
    entries = [room.submitted() for _ in range(5)]
    room.work_until_settled(*entries)
    before = len(room.sandbox.jobs)
    room.sandbox.gate.clear()
    regrade_id = ask(room, start())
    with room.working(concurrency=1):
        wait_until(lambda: room.sandbox.now_running == 1)
        request = ask(room, RegradeCancelPayload(regrade=regrade_id))
        wait_until(lambda: room.is_settled(request))
        room.sandbox.gate.set()
        after = room.submitted()
        wait_until(lambda: room.is_settled(after))
    assert is_in_state(room, regrade_id, "cancelled")
    assert len(room.sandbox.jobs) <= before + 3  # the one in hand, one that was taken, the new one
    assert all(len(room.runs(entry)) == 1 for entry in entries)


def test_a_regrade_that_shows_tampering_is_held(room: Room) -> None:
    entry = room.submitted()
    room.work_until_settled(entry)
    room.sandbox.grade = lambda _: answered(answer(tampering=tampering(canary="passed")))
    regrade_id = regrade_through(room)
    (run,) = (run for run in room.runs(entry) if run.reason == "regrade")
    assert "tampered" in json.loads(run.flags)
    (held,) = preview(room, regrade_id).held
    assert held.submission_id == entry


def test_the_log_names_the_submission_and_its_regrade(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    entry = room.submitted()
    room.work_until_settled(entry)
    caplog.set_level(logging.INFO)
    caplog.clear()
    regrade_id = regrade_through(room)
    (record,) = logged(caplog, "run_recorded")
    assert (record.submission_id, record.regrade_id) == (entry, regrade_id)
