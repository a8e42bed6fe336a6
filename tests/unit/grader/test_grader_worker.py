from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from gofer_ingest.grader import worker
from gofer_ingest.grader.runs import grade_entry
from gofer_ingest.grader.worker import Worker
from shared.errors import SpoolUnavailable
from shared.model import SubmissionId, new_submission_id
from shared.requests import Source
from shared.spool import Place, Spool
from tests.support.processes import wait_until

if TYPE_CHECKING:
    from tests.unit.grader.grading_room import Room

FAR_OFF_S = 3600.0


def test_what_lies_in_the_spool_is_graded_and_settled(room: Room) -> None:
    entries = [room.submitted() for _ in range(5)]
    room.work_until_settled(*entries)
    assert all(len(room.runs(entry)) == 1 for entry in entries)
    assert room.spool.pending() == []


def test_what_comes_later_is_graded_when_the_bell_rings(room: Room) -> None:
    with room.working(sweep_s=FAR_OFF_S) as worker:
        entry = room.submitted()
        worker.ring()
        wait_until(lambda: room.is_settled(entry))


def test_what_comes_without_a_bell_is_found_by_the_sweep(room: Room) -> None:
    with room.working(sweep_s=0.05):
        entry = room.submitted()
        wait_until(lambda: room.is_settled(entry))


def test_the_oldest_goes_first(room: Room) -> None:
    entries = [room.submitted() for _ in range(4)]
    with room.working(concurrency=1):
        wait_until(lambda: room.is_settled(*entries))
    recorded = {entry: room.runs(entry)[0].id for entry in entries}
    assert [job.run_id for job in room.sandbox.jobs] == list(recorded.values())


def test_one_students_flood_holds_up_nobody_else(room: Room) -> None:
    flood = [room.submitted(student="ada") for _ in range(6)]
    other = room.submitted(student="grace")
    with room.working(concurrency=1):
        wait_until(lambda: room.is_settled(*flood, other))
    order = [job.run_id for job in room.sandbox.jobs]
    assert order.index(room.runs(other)[0].id) == 1


def test_a_batch_waits_behind_a_live_submission_that_came_after_it(room: Room) -> None:
    batch = [room.submitted(source=Source.BATCH) for _ in range(3)]
    live = room.submitted(source=Source.HUB)
    with room.working(concurrency=1):
        wait_until(lambda: room.is_settled(*batch, live))
    order = [job.run_id for job in room.sandbox.jobs]
    assert order.index(room.runs(live)[0].id) == 0


def test_a_student_has_one_run_at_a_time_for_an_assignment(room: Room) -> None:
    entries = [room.submitted(student="ada") for _ in range(4)]
    with room.working(concurrency=3):
        wait_until(lambda: room.is_settled(*entries))
    assert room.sandbox.most_at_once == 1


def test_a_full_spool_is_taken_in_bit_by_bit(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "READ_AT_ONCE", 2)
    entries = [room.submitted() for _ in range(7)]
    with room.working(sweep_s=FAR_OFF_S):
        wait_until(lambda: room.is_settled(*entries))


def test_an_entry_recorded_before_a_kill_is_only_moved(room: Room) -> None:
    entry = room.submitted()
    grade_entry(room.tools, entry)
    archived = room.volume / "submissions" / entry[-2:] / entry
    archived.rename(room.spool.new_dir / entry)
    room.work_until_settled(entry)
    assert len(room.sandbox.jobs) == 1
    assert len(room.runs(entry)) == 1


def test_an_invalid_notebook_is_settled_with_its_verdict(room: Room) -> None:
    entry = room.submitted(b"{}")
    room.work_until_settled(entry)
    assert room.runs(entry)[0].verdict == "invalid"
    assert room.sandbox.jobs == []


# --- how many at a time ---------------------------------------------------------------------------


@pytest.mark.parametrize("concurrency", [1, 3])
def test_no_more_runs_at_a_time_than_allowed_and_no_fewer(room: Room, concurrency: int) -> None:
    room.sandbox.gate.clear()
    entries = [room.submitted() for _ in range(concurrency + 3)]
    with room.working(concurrency=concurrency) as worker:
        wait_until(lambda: room.sandbox.now_running == concurrency)
        worker.ring()
        room.sandbox.gate.set()
        wait_until(lambda: room.is_settled(*entries))
    assert room.sandbox.most_at_once == concurrency


def test_an_entry_in_hand_is_not_taken_twice(room: Room) -> None:
    room.sandbox.gate.clear()
    entry = room.submitted()
    with room.working(concurrency=4, sweep_s=0.05) as worker:
        wait_until(lambda: room.sandbox.now_running == 1)
        for _ in range(20):
            worker.ring()
        other = room.submitted()
        wait_until(lambda: room.sandbox.now_running == 2)
        room.sandbox.gate.set()
        wait_until(lambda: room.is_settled(entry, other))
    assert len(room.sandbox.jobs) == 2


def test_a_slow_notebook_keeps_no_other_waiting(room: Room) -> None:
    slow = room.submitted()
    room.sandbox.gate.clear()
    with room.working(concurrency=2):
        wait_until(lambda: room.sandbox.now_running == 1)
        quick = room.submitted(b"not a notebook")
        wait_until(lambda: room.is_settled(quick))
        assert room.spool.find(slow) is Place.NEW


# --- stopping -------------------------------------------------------------------------------------


def test_stopping_finishes_what_is_in_hand_and_leaves_the_rest(room: Room) -> None:
    room.sandbox.gate.clear()
    in_hand, waiting = room.submitted(), room.submitted()
    with room.working(concurrency=1) as worker:
        wait_until(lambda: room.sandbox.now_running == 1)
        worker.stop()
    assert room.is_settled(in_hand)
    assert room.spool.find(waiting) is Place.NEW
    assert room.spool.tries(waiting) == 0


def test_a_worker_with_nothing_to_do_stops_at_once(room: Room) -> None:
    started = time.monotonic()
    with room.working(sweep_s=FAR_OFF_S) as worker:
        worker.stop()
    assert time.monotonic() - started < 10


def test_a_worker_told_to_stop_before_it_began_takes_nothing(room: Room) -> None:
    entry = room.submitted()
    worker = Worker(room.tools, concurrency=1, sweep_s=FAR_OFF_S, drain_s=1.0)
    worker.stop()
    assert worker.run()
    assert room.spool.find(entry) is Place.NEW


def test_a_drain_has_an_end_and_a_run_it_did_not_wait_for_is_no_longer_believed(room: Room) -> None:
    room.sandbox.gate.clear()
    entry = room.submitted()
    worker = Worker(room.tools, concurrency=1, sweep_s=FAR_OFF_S, drain_s=0.05)
    outcome: list[bool] = []
    loop = threading.Thread(target=lambda: outcome.append(worker.run()))
    loop.start()
    wait_until(lambda: room.sandbox.now_running == 1)
    worker.stop()
    loop.join(30)
    assert outcome == [False]
    room.sandbox.gate.set()  # what was in hand ends after all, perhaps taken away from under it
    wait_until(lambda: not any(thread.name.startswith("run_") for thread in threading.enumerate()))
    assert room.spool.find(entry) is Place.NEW
    assert room.runs(entry) == []


# --- the spool ------------------------------------------------------------------------------------


class SickSpool(Spool):
    """A spool that cannot be listed for a while."""

    looks = 0

    def pending(self) -> list[SubmissionId]:
        self.looks += 1
        if self.looks <= 3:
            raise SpoolUnavailable
        return super().pending()


def test_a_spool_that_cannot_be_listed_is_looked_at_again(room: Room) -> None:
    entry = room.submitted()
    room.spool = SickSpool(room.volume)
    room.work_until_settled(entry)


class HauntedSpool(Spool):
    """A spool that lists an entry which staff have discarded in between."""

    def pending(self) -> list[SubmissionId]:
        return [GONE, *super().pending()]


GONE = new_submission_id()


def test_an_entry_that_went_away_in_between_is_no_failure(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    entry = room.submitted()
    room.spool = HauntedSpool(room.volume)
    room.work_until_settled(entry)
    assert not caplog.records
