"""What staff ask for is done once, in order, written down, and needs no engine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, get_args

import pytest
from sqlalchemy import insert, select

from gofer_console.actions import ask_for_discard, ask_for_retry, ask_to_accept
from gofer_ingest.grader.desk import Desk
from gofer_ingest.grader.staff_actions import ACTIONS, Means
from shared.errors import GradebookError, HarnessNotReady, SandboxUnavailable
from shared.gradebook import tables
from shared.gradebook.queries import grades_of_record
from shared.gradebook.transactions import writing
from shared.model import SubmissionId, new_run_id, new_submission_id, utc_now
from shared.requests import StaffPayload, StaffRequest
from shared.spool import Place
from tests.support.processes import wait_until
from tests.unit.grader.grading_room import MAX_TRIES
from tests.unit.grader.harness_answers import answer, answered, tampering

if TYPE_CHECKING:
    from shared.model import RunId
    from tests.unit.grader.grading_room import Room

pytestmark = pytest.mark.usefixtures("short_waits")


def buried(room: Room) -> SubmissionId:
    entry = room.submitted()
    room.spool.bury(entry, "It slept.")
    return entry


def request_rows(room: Room) -> list[Any]:
    with room.gradebook.connect() as connection:
        return list(connection.execute(select(tables.requests).order_by(tables.requests.c.id)))


def test_what_staff_retry_is_graded_and_the_request_is_on_record(room: Room) -> None:
    entry = buried(room)
    request = ask_for_retry(room.spool, entry, by="ta", why="The engine is back.")
    room.work_until_settled(entry, request)
    (row,) = request_rows(room)
    assert (row.id, row.action, row.requested_by) == (request, "retry", "ta")
    assert (row.outcome, row.reason) == ("done", "The engine is back.")
    assert json.loads(row.payload)["entry"] == entry
    assert len(room.runs(entry)) == 1


def test_what_staff_discard_lies_in_the_archive_without_a_run(room: Room) -> None:
    entry = buried(room)
    request = ask_for_discard(room.spool, entry, by="ta", why="A test upload.")
    room.work_until_settled(request)
    assert room.spool.find(entry) is Place.ARCHIVED
    assert room.spool.was_discarded(entry)
    assert room.runs(entry) == []


def test_what_a_killed_grader_did_without_writing_it_down_is_told_as_done(room: Room) -> None:
    again, gone = buried(room), buried(room)
    room.sandbox.will_fail("image_id", *[SandboxUnavailable()] * 1000)
    requests = [
        ask_for_retry(room.spool, again, by="ta", why=""),
        ask_for_discard(room.spool, gone, by="ta", why=""),
    ]
    room.spool.retry(again)
    room.spool.discard(gone, requested_by="ta", reason="")
    with room.working(concurrency=1):
        wait_until(lambda: all(room.is_settled(request) for request in requests))
    assert [row.outcome for row in request_rows(room)] == ["done", "done"]
    assert room.runs(gone) == []


def test_what_is_not_set_aside_is_refused_in_words(room: Room) -> None:
    graded = room.submitted()
    room.work_until_settled(graded)
    requests = [
        ask_for_discard(room.spool, graded, by="ta", why=""),
        ask_for_discard(room.spool, new_submission_id(), by="ta", why=""),
        ask_for_retry(room.spool, new_submission_id(), by="ta", why=""),
    ]
    room.work_until_settled(*requests)
    assert {row.outcome for row in request_rows(room)} == {"refused"}
    assert len(room.runs(graded)) == 1


def test_staff_are_heard_while_the_engine_is_away_and_every_place_is_taken(room: Room) -> None:
    entry = buried(room)
    room.sandbox.will_fail("image_id", *[SandboxUnavailable()] * 1000)
    room.submitted()
    with room.working(concurrency=1):
        request = ask_for_discard(room.spool, entry, by="ta", why="")
        wait_until(lambda: room.is_settled(request))


def test_requests_are_carried_out_in_their_order(room: Room) -> None:
    room.sandbox.will_fail("run", *[HarnessNotReady()] * MAX_TRIES)
    entry = buried(room)
    requests = [
        ask_for_retry(room.spool, entry, by="ta", why="first"),
        ask_for_discard(room.spool, entry, by="ta", why="second"),
    ]
    room.work_until_settled(*requests)
    assert [row.outcome for row in request_rows(room)] == ["done", "refused"]


def test_a_request_that_was_recorded_before_a_kill_is_only_moved(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = buried(room)
    request = ask_for_retry(room.spool, entry, by="ta", why="")
    room.work_until_settled(request)
    archived = room.volume / "submissions" / request[-2:] / request
    archived.rename(room.spool.new_dir / request)
    room.work_until_settled(request)
    assert len(request_rows(room)) == 1


def test_a_gradebook_that_is_away_delays_a_request_and_loses_nothing(
    room: Room, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    entry = buried(room)
    left = [GradebookError("Locked.")] * 3
    real = Desk._carry_out

    def locked(desk: Desk, request_id: SubmissionId) -> None:
        if left:
            raise left.pop()
        real(desk, request_id)

    monkeypatch.setattr(Desk, "_carry_out", locked)
    request = ask_for_discard(room.spool, entry, by="ta", why="")
    room.work_until_settled(request)
    actions = [getattr(record, "action", "") for record in caplog.records]
    assert actions == ["request_failed"] * 3


def test_a_request_that_gofer_stumbles_over_fails_in_words_and_holds_up_no_other(
    room: Room, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stumbles = {**ACTIONS, "retry": lambda *_: 1 / 0}
    monkeypatch.setattr("gofer_ingest.grader.desk.ACTIONS", stumbles)
    entry = buried(room)
    requests = [
        ask_for_retry(room.spool, entry, by="ta", why=""),
        ask_for_discard(room.spool, entry, by="ta", why=""),
    ]
    room.work_until_settled(*requests)
    broken, done = request_rows(room)
    assert (broken.outcome, done.outcome) == ("failed", "done")
    assert broken.message == "Gofer itself failed (ZeroDivisionError); the grader's log says how."
    (logged,) = [one for one in caplog.records if vars(one).get("action") == "request_broke"]
    assert (vars(logged)["request_id"], logged.levelname) == (requests[0], "ERROR")
    assert logged.exc_info
    assert logged.exc_info[0] is ZeroDivisionError


def test_what_the_gradebook_never_takes_is_not_tried_for_ever(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    naive = utc_now().replace(tzinfo=None)

    def unfit(means: Means, *_: object) -> None:
        with writing(means.gradebook, "record a hold") as connection:
            connection.execute(insert(tables.requests).values(id="x", received_at=naive))

    monkeypatch.setattr("gofer_ingest.grader.desk.ACTIONS", {**ACTIONS, "retry": unfit})
    request = ask_for_retry(room.spool, buried(room), by="ta", why="")
    room.work_until_settled(request)
    (row,) = request_rows(room)
    assert row.outcome == "failed"
    assert "could not record a hold" in row.message


def test_a_request_whose_failure_cannot_be_recorded_either_is_buried(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gofer_ingest.grader.desk.record_request", lambda *_: 1 / 0)
    request = ask_for_retry(room.spool, buried(room), by="ta", why="")
    with room.working():
        wait_until(lambda: room.is_buried(request))
    assert "ZeroDivisionError" in room.reason(request)


def test_a_damaged_request_is_buried(room: Room) -> None:
    request = ask_for_retry(room.spool, buried(room), by="ta", why="")
    (room.spool.new_dir / request / "submission.ipynb").write_bytes(b"{}")
    with room.working():
        wait_until(lambda: room.is_buried(request))


def held(room: Room) -> tuple[SubmissionId, RunId]:
    room.sandbox.grade = lambda _: answered(answer(tampering=tampering("passed")))
    entry = room.submitted()
    room.work_until_settled(entry)
    (run,) = room.runs(entry)
    assert json.loads(run.flags) == ["tampered"]
    return entry, run.id


def test_a_held_run_that_staff_accept_counts_from_then_on(room: Room) -> None:
    _, run_id = held(room)
    assert list(grades_of_record(room.gradebook)) == []
    request = ask_to_accept(room.spool, run_id, by="ta", why="Looked at it.")
    room.work_until_settled(request)
    (row,) = request_rows(room)
    assert (row.action, row.outcome) == ("accept_flagged", "done")
    (grade,) = grades_of_record(room.gradebook)
    assert grade.run_id == run_id


def test_what_is_not_held_cannot_be_accepted(room: Room) -> None:
    entry = room.submitted()
    room.work_until_settled(entry)
    (run,) = room.runs(entry)
    requests = [
        ask_to_accept(room.spool, run_id, by="ta", why="") for run_id in (run.id, new_run_id())
    ]
    room.work_until_settled(*requests)
    assert [row.outcome for row in request_rows(room)] == ["refused", "refused"]


def test_every_action_that_staff_may_ask_for_can_be_carried_out() -> None:
    named = StaffRequest.model_fields["action"].annotation
    assert set(get_args(named)) == set(ACTIONS)
    assert {model.model_fields["action"].default for model in get_args(StaffPayload)} == set(
        ACTIONS
    )
