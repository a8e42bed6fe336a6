from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from gofer_ingest.server.errors import TooManyWaiting
from gofer_ingest.server.room import BESIDES_BYTES, FRESH_S, LATE_S, Room
from shared.errors import SpoolFull, SpoolUnavailable
from shared.model import SubmissionId, new_submission_id
from shared.spool import Spool
from tests.support.processes import wait_until
from tests.unit.shared.spool_entries import delivered, prepared_spool

if TYPE_CHECKING:
    from pathlib import Path


class Seconds:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def is_due(room: Room) -> bool:
    return room.is_look_due


def nobody_looks_aside() -> bool:
    return all(thread.name != "room" for thread in threading.enumerate())


class SlowDisk(Spool):
    """A spool whose listing takes until it is told to end; it counts how often it is listed."""

    def __init__(self, volume: Path) -> None:
        super().__init__(volume)
        self.listings = 0
        self.began = threading.Event()
        self.may_end = threading.Event()

    def pending(self) -> list[SubmissionId]:
        self.listings += 1
        self.began.set()
        assert self.may_end.wait(20)
        return [new_submission_id()]

    def free_bytes(self) -> int:
        return 1_000_000


def test_a_queue_takes_as_many_as_it_may_hold(tmp_path: Path) -> None:
    spool = prepared_spool(tmp_path)
    room = Room(spool, max_waiting=2, min_free_bytes=0)
    delivered(spool)
    room.look()
    room.check()
    delivered(spool)
    room.take(100)
    with pytest.raises(TooManyWaiting):
        room.check()


def test_a_graded_submission_makes_room_at_the_next_look(tmp_path: Path) -> None:
    clock = Seconds()
    spool = prepared_spool(tmp_path)
    room = Room(spool, max_waiting=1, min_free_bytes=0, clock=clock)
    delivery = delivered(spool)
    room.look()
    spool.settle(delivery.id)
    with pytest.raises(TooManyWaiting):
        room.check()
    assert not is_due(room)
    clock.now_s += FRESH_S
    assert is_due(room)
    room.look()
    room.check()


def test_the_disk_keeps_its_margin_for_what_is_in_hand_and_was_taken(tmp_path: Path) -> None:
    spool = SlowDisk(tmp_path)
    spool.may_end.set()
    room = Room(spool, max_waiting=10, min_free_bytes=600_000)
    room.look()
    room.check(400_000)
    with pytest.raises(SpoolFull, match="1000000 bytes are free; 600000 are to be left"):
        room.check(400_001)
    room.take(300_000)
    left = 100_000 - BESIDES_BYTES
    room.check(left)
    with pytest.raises(SpoolFull):
        room.check(left + 1)
    room.look()
    room.check(400_000)


def test_a_real_disk_is_looked_at(tmp_path: Path) -> None:
    spool = prepared_spool(tmp_path)
    room = Room(spool, max_waiting=10, min_free_bytes=1 << 62)
    room.look()
    with pytest.raises(SpoolFull):
        room.check()


def test_before_the_first_look_everyone_is_let_through_to_it(tmp_path: Path) -> None:
    room = Room(Spool(tmp_path / "not-there"), max_waiting=1, min_free_bytes=1 << 62)
    room.check(1 << 40)
    assert is_due(room)
    with pytest.raises(SpoolUnavailable):
        room.look()
    assert is_due(room)


def test_while_somebody_looks_others_go_by_the_last_look(tmp_path: Path) -> None:
    clock = Seconds()
    spool = SlowDisk(tmp_path)
    room = Room(spool, max_waiting=2, min_free_bytes=0, clock=clock)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(room.look)
        assert spool.began.wait(20)
        assert not is_due(room)
        room.check()
        spool.may_end.set()
        first.result(20)
        clock.now_s += 2 * FRESH_S
        spool.began.clear()
        spool.may_end.clear()
        assert is_due(room)
        second = threads.submit(room.look)
        assert spool.began.wait(20)
        assert not is_due(room)
        room.look()  # returns at once
        room.check()
        spool.may_end.set()
        second.result(20)
    assert spool.listings == 2


def test_a_look_that_is_due_keeps_nobody_waiting(tmp_path: Path) -> None:
    clock = Seconds()
    spool = SlowDisk(tmp_path)
    spool.may_end.set()
    room = Room(spool, max_waiting=2, min_free_bytes=0, clock=clock)
    room.refresh()
    spool.began.clear()
    spool.may_end.clear()
    clock.now_s += FRESH_S
    room.take(100)
    room.refresh()  # returns while the disk takes its time
    assert spool.began.wait(20)
    assert not is_due(room)
    room.check()
    spool.may_end.set()
    wait_until(nobody_looks_aside)
    assert not is_due(room)
    assert spool.listings == 2


def test_nobody_goes_by_a_look_that_is_late(tmp_path: Path) -> None:
    clock = Seconds()
    spool = prepared_spool(tmp_path)
    room = Room(spool, max_waiting=1, min_free_bytes=0, clock=clock)
    room.refresh()
    delivered(spool)
    clock.now_s += LATE_S
    room.refresh()
    with pytest.raises(TooManyWaiting):
        room.check()


def test_a_disk_that_refuses_a_look_aside_is_told_once_the_last_look_is_late(
    tmp_path: Path,
) -> None:
    clock = Seconds()
    spool = prepared_spool(tmp_path)
    room = Room(spool, max_waiting=1, min_free_bytes=0, clock=clock)
    room.refresh()
    spool.new_dir.rmdir()
    clock.now_s += FRESH_S
    room.refresh()
    wait_until(nobody_looks_aside)
    assert is_due(room)
    room.check()
    clock.now_s += LATE_S
    with pytest.raises(SpoolUnavailable):
        room.refresh()
