"""Our failures: tried again, then buried; never a verdict, and never the student's."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from gofer_ingest.grader import decide
from gofer_ingest.grader.worker import Worker
from shared.catalogue import Catalogue
from shared.errors import (
    GradebookError,
    GraderError,
    HarnessNotReady,
    ImageMissing,
    SandboxUnavailable,
    SpoolFull,
    SpoolUnavailable,
)
from shared.gradebook.record import record_run
from shared.model import AssignmentKey
from shared.spool import Place, Spool
from tests.support.processes import wait_until
from tests.unit.grader.grading_room import MAX_TRIES, NOTEBOOK

if TYPE_CHECKING:
    from gofer_ingest.grader.sandbox import Job, RawResult
    from shared.model import SubmissionId
    from shared.spool.entry import Entry
    from tests.unit.grader.grading_room import Room

pytestmark = pytest.mark.usefixtures("short_waits")

OUT_OF_ORDER = [SandboxUnavailable("The engine is away."), ImageMissing()] * 5


def logged(caplog: pytest.LogCaptureFixture, action: str) -> list[str]:
    """The reasons of all log records of this action."""
    return [
        getattr(record, "reason", "")
        for record in caplog.records
        if getattr(record, "action", None) == action
    ]


# --- tried again ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["inspect", "prepare", "run"])
def test_a_harness_that_was_not_ready_is_tried_again(room: Room, method: str) -> None:
    room.sandbox.will_fail(method, HarnessNotReady(), HarnessNotReady())
    entry = room.submitted()
    room.work_until_settled(entry)
    (run,) = room.runs(entry)
    assert run.verdict == "graded"
    assert run.tries == (3 if method == "run" else 1)


@pytest.mark.parametrize("method", ["inspect", "prepare", "run"])
def test_an_entry_is_buried_when_its_tries_are_used_up(room: Room, method: str) -> None:
    room.sandbox.will_fail(method, *[HarnessNotReady("It slept.")] * MAX_TRIES)
    entry = room.submitted()
    with room.working():
        wait_until(lambda: room.is_buried(entry))
    assert f"failed {MAX_TRIES} times" in room.reason(entry)
    assert "It slept." in room.reason(entry)
    assert room.runs(entry) == []


def test_what_staff_retry_has_all_its_tries_again(room: Room) -> None:
    room.sandbox.will_fail("run", *[HarnessNotReady()] * (2 * MAX_TRIES - 1))
    entry = room.submitted()
    with room.working():
        wait_until(lambda: room.is_buried(entry))
        room.spool.retry(entry)
        wait_until(lambda: room.is_settled(entry))
    assert room.runs(entry)[0].tries == MAX_TRIES


def test_between_tries_an_entry_waits_and_others_do_not(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decide, "FIRST_WAIT_S", 3600.0)
    monkeypatch.setattr(decide, "LONGEST_WAIT_S", 3600.0)
    room.sandbox.will_fail("run", HarnessNotReady())
    first = room.submitted()
    with room.working(concurrency=1):
        wait_until(lambda: room.spool.tries(first) == 1)
        second = room.submitted()
        wait_until(lambda: room.is_settled(second))
    assert room.spool.find(first) is Place.NEW
    assert room.spool.tries(first) == 1


def test_a_notebook_that_took_the_grader_down_each_time_is_buried(room: Room) -> None:
    entry = room.submitted()
    for _ in range(MAX_TRIES):
        room.spool.begin_try(entry)
    with room.working():
        wait_until(lambda: room.is_buried(entry))
    assert f"went down {MAX_TRIES} times" in room.reason(entry)
    assert room.sandbox.jobs == []


# --- the engine -----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["image_id", "prepare"])
def test_an_engine_out_of_order_makes_everyone_wait_and_uses_no_tries(
    room: Room, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    room.sandbox.will_fail(method, *OUT_OF_ORDER)
    entries = [room.submitted() for _ in range(3)]
    room.work_until_settled(*entries)
    assert [room.runs(entry)[0].tries for entry in entries] == [1, 1, 1]
    assert "The engine is away." in logged(caplog, "paused")
    assert logged(caplog, "run_failed") == []


def test_nothing_is_claimed_while_the_engine_is_out_of_order(
    room: Room, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(decide, "FIRST_WAIT_S", 3600.0)
    monkeypatch.setattr(decide, "LONGEST_PAUSE_S", 3600.0)
    room.sandbox.will_fail("image_id", SandboxUnavailable())
    first = room.submitted()
    with room.working(concurrency=1) as worker:
        wait_until(lambda: logged(caplog, "paused") != [])
        second = room.submitted()
        worker.ring()
    assert {room.spool.find(first), room.spool.find(second)} == {Place.NEW}
    assert room.sandbox.jobs == []


def test_a_notebook_that_takes_the_engine_down_each_time_is_buried_in_the_end(room: Room) -> None:
    def down_with(job: Job) -> RawResult:
        if b"total" in job.notebook:
            raise SandboxUnavailable
        return real(job)

    real, room.sandbox.grade = room.sandbox.grade, down_with
    bad, good = room.submitted(), room.submitted(NOTEBOOK.replace(b"total", b"other"))
    with room.working():
        wait_until(lambda: room.is_buried(bad) and room.is_settled(good))


def test_an_image_that_one_assignment_lacks_holds_up_no_other(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    room.image = "course-image"
    entry = room.submitted()
    with room.working():
        wait_until(lambda: logged(caplog, "assignment_blocked") != [])
    assert logged(caplog, "paused") == []
    assert room.spool.tries(entry) == 0


def test_one_entry_that_finds_the_disk_sick_while_others_work_is_buried_in_the_end(
    room: Room,
) -> None:
    bad = room.submitted()

    class PatchySpool(Spool):
        """A spool on a disk with one bad spot."""

        def read(self, submission_id: SubmissionId) -> Entry:
            if submission_id == bad:
                raise SpoolUnavailable("Input/output error")
            return super().read(submission_id)

    room.spool = PatchySpool(room.volume)
    with room.working(concurrency=1):
        for _ in range(200):
            good = room.submitted()
            wait_until(lambda entry=good: room.is_settled(entry))  # type: ignore[misc]
            if room.is_buried(bad):
                break
    assert "It alone failed" in room.reason(bad)


def test_a_harness_that_is_never_ready_stops_the_claiming_before_everything_is_buried(
    room: Room, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(decide, "LONGEST_WAIT_S", 0.05)
    room.sandbox.will_fail("prepare", *[HarnessNotReady("Too slow.")] * 20)
    entries = [room.submitted() for _ in range(20)]
    with room.working(concurrency=2):
        wait_until(lambda: "Too slow." in logged(caplog, "paused"))
        wait_until(lambda: room.is_settled(*entries))
    assert logged(caplog, "buried") == []
    assert len(logged(caplog, "resumed")) == 1


# --- the gradebook --------------------------------------------------------------------------------


def test_a_result_waits_for_a_gradebook_that_is_locked_and_is_not_graded_again(
    room: Room, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, left = record_run, [GradebookError("Locked.")] * 3

    def locked(*arguments: Any) -> None:
        if left:
            raise left.pop()
        real(*arguments)

    monkeypatch.setattr("gofer_ingest.grader.runs.record_run", locked)
    entry = room.submitted()
    room.work_until_settled(entry)
    assert logged(caplog, "record_waits") == ["Locked."] * 3
    assert len(room.sandbox.jobs) == 1
    assert room.runs(entry)[0].tries == 1


# --- waiting for staff ----------------------------------------------------------------------------


def test_an_assignment_that_is_blocked_waits_until_it_is_mended(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    room.sandbox.found["missing"] = ["gofer-demo"]
    entries = [room.submitted() for _ in range(3)]
    with room.working():
        wait_until(lambda: logged(caplog, "assignment_blocked") != [])
        room.sandbox.found["missing"] = []
        room.zip_path.write_bytes(b"mended zip")
        wait_until(lambda: room.is_settled(*entries))
    assert [room.runs(entry)[0].tries for entry in entries] == [1, 1, 1]
    assert logged(caplog, "buried") == []


def test_why_an_assignment_is_blocked_is_told_once(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    room.zip_path.unlink()
    entries = [room.submitted() for _ in range(3)]
    with room.working():
        wait_until(lambda: logged(caplog, "assignment_blocked") != [])
        later = room.submitted(b"{}", assignment="lab99")
        wait_until(lambda: len(logged(caplog, "assignment_blocked")) == 2)
    blocked = logged(caplog, "assignment_blocked")
    assert "autograder.zip cannot be read" in blocked[0]
    assert "lab99" in blocked[1]
    assert [room.spool.tries(entry) for entry in (*entries, later)] == [0, 0, 0, 0]


def test_of_two_assignments_blocked_for_the_same_reason_both_are_told(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    other = replace(room.assignment, key=AssignmentKey("demo101", "1", "lab02"))
    tools = replace(room.tools, catalogue=Catalogue([room.assignment, other]))
    room.zip_path.unlink()
    entries = [room.submitted(), room.submitted(assignment="lab02")]
    worker = Worker(tools, concurrency=1, sweep_s=0.05, drain_s=5.0)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        wait_until(lambda: len(logged(caplog, "assignment_blocked")) == len(entries))
    finally:
        worker.stop()
        thread.join()
    [reason] = set(logged(caplog, "assignment_blocked"))
    assert "autograder.zip cannot be read" in reason


def test_a_blocked_assignment_holds_up_no_other_submission(room: Room) -> None:
    waiting = [room.submitted(assignment="lab99") for _ in range(3)]
    entry = room.submitted()
    with room.working(concurrency=1):
        wait_until(lambda: room.is_settled(entry))
    assert {room.spool.find(blocked) for blocked in waiting} == {Place.NEW}


# --- damage and mistakes --------------------------------------------------------------------------


def test_a_damaged_entry_is_buried_at_once(room: Room) -> None:
    entry = room.submitted()
    (room.spool.new_dir / entry / "submission.ipynb").write_bytes(b"torn")
    with room.working():
        wait_until(lambda: room.is_buried(entry))
    assert "submission.ipynb" in room.reason(entry)


def test_what_cannot_be_tried_again_is_buried_at_once(room: Room) -> None:
    error = GraderError("It is beyond mending.")
    error.retryable = False
    room.sandbox.will_fail("run", error)
    entry = room.submitted()
    with room.working():
        wait_until(lambda: room.is_buried(entry))
    assert room.reason(entry) == "It is beyond mending."


def test_a_mistake_in_gofer_itself_costs_no_other_entry(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    def trip(job: Job) -> RawResult:
        if b"total" in job.notebook:
            raise ZeroDivisionError("a mistake")
        return real(job)

    real, room.sandbox.grade = room.sandbox.grade, trip
    bad, good = room.submitted(), room.submitted(NOTEBOOK.replace(b"total", b"other"))
    with room.working(concurrency=1):
        wait_until(lambda: room.is_buried(bad) and room.is_settled(good))
    assert "ZeroDivisionError: a mistake" in room.reason(bad)
    assert any(record.exc_info for record in caplog.records)


class CrampedSpool(Spool):
    """A spool with no room for a burial at first."""

    burials = 0

    def bury(self, submission_id: SubmissionId, reason: str) -> None:
        self.burials += 1
        if self.burials == 1:
            raise SpoolFull
        super().bury(submission_id, reason)


def test_an_entry_that_cannot_be_buried_is_buried_later(room: Room) -> None:
    entry = room.submitted()
    (room.spool.new_dir / entry / "submission.ipynb").write_bytes(b"torn")
    room.spool = CrampedSpool(room.volume)
    with room.working():
        wait_until(lambda: room.is_buried(entry))
