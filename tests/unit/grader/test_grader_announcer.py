from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from gofer_ingest.grader import announcer as announcing
from gofer_ingest.grader.announcer import Announcer, Standing
from gofer_ingest.grader.pool import Warmth
from gofer_ingest.grader.tally import Tally
from shared.errors import SandboxUnavailable
from shared.model import utc_now
from shared.queue_snapshot import PLACE, QueueSnapshot, read_snapshot, write_snapshot
from tests.support.processes import wait_until
from tests.unit.grader.grading_room import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gofer_ingest.grader.worker import Worker
    from tests.unit.grader.grading_room import Room


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking every second is for people."""
    monkeypatch.setattr(announcing, "LOOK_EVERY_S", 0.01)


@contextmanager
def announced(room: Room, worker: Worker) -> Iterator[None]:
    announcer = Announcer(room.volume, standing=worker.standing, tally=room.tally, concurrency=2)
    with announcer.announcing():
        yield


def snapshot(room: Room) -> QueueSnapshot:
    read = read_snapshot(room.volume)
    assert read is not None
    return read


def says(room: Room, **fields: object) -> bool:
    read = read_snapshot(room.volume)
    return read is not None and all(getattr(read, name) == value for name, value in fields.items())


def test_what_is_in_hand_and_what_waits_is_announced(room: Room) -> None:
    room.sandbox.gate.clear()
    entries = [room.submitted() for _ in range(5)]
    with room.working(concurrency=2) as worker, announced(room, worker):
        wait_until(lambda: says(room, running=tuple(entries[:2]), pending=5))
        assert snapshot(room).concurrency == 2
        assert snapshot(room).paused is None
        room.sandbox.gate.set()
        wait_until(lambda: says(room, running=(), pending=0))


def test_how_long_runs_take_is_announced(room: Room) -> None:
    entry = room.submitted()
    with room.working() as worker, announced(room, worker):
        wait_until(lambda: room.is_settled(entry))
        wait_until(lambda: snapshot(room).typical_s is not None)
        outlook = snapshot(room).outlook(KEY)
        assert outlook is not None
        assert outlook.typical_s is not None


def test_a_blocked_assignment_is_announced_and_its_entries_rest(room: Room) -> None:
    room.zip_path.unlink()
    room.submitted()
    with room.working() as worker, announced(room, worker):
        wait_until(lambda: says(room, resting=1))
        outlook = snapshot(room).outlook(KEY)
        assert outlook is not None
        assert outlook.is_blocked


def test_a_pause_is_announced_in_one_word(room: Room) -> None:
    room.sandbox.will_fail("image_id", SandboxUnavailable("no /var/run/docker.sock"))
    room.submitted()
    with room.working() as worker, announced(room, worker):
        wait_until(lambda: says(room, paused="engine"))
    assert "docker.sock" not in (room.volume / PLACE).read_text()


def test_at_the_end_it_says_that_nothing_is_claimed_any_more(room: Room) -> None:
    with room.working() as worker, announced(room, worker):
        wait_until(lambda: says(room, paused=None))
    assert says(room, paused="stopped", running=())


def test_while_what_is_in_hand_is_finished_it_says_so(room: Room) -> None:
    room.sandbox.gate.clear()
    entry = room.submitted()
    with room.working() as worker, announced(room, worker):
        wait_until(lambda: says(room, running=(entry,)))
        worker.stop()
        wait_until(lambda: says(room, running=(entry,), paused="stopping"))


def test_nothing_new_is_said_again_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcing, "SPEAK_EVERY_S", 0.02)
    (tmp_path / "spool").mkdir()
    said = set()

    def has_said_three_times() -> bool:
        read = read_snapshot(tmp_path)
        said.add(read and read.written_at)
        return len(said - {None}) >= 3

    idle = Standing(running=(), pending=0, resting=0, paused=None)
    announcer = Announcer(tmp_path, standing=lambda: idle, tally=Tally(), concurrency=1)
    with announcer.announcing():
        wait_until(has_said_three_times)


def test_nothing_new_is_not_written_again_at_once(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    looks = []

    def standing() -> Standing:
        looks.append(utc_now())
        return Standing(running=(), pending=0, resting=0, paused=None)

    announcer = Announcer(tmp_path, standing=standing, tally=Tally(), concurrency=1)
    with announcer.announcing():
        wait_until(lambda: len(looks) > 20)
        read = read_snapshot(tmp_path)
        assert read is not None
        assert read.written_at <= looks[2]


def test_it_begins_with_the_medians_of_the_last_snapshot(room: Room) -> None:
    write_snapshot(room.volume, QueueSnapshot(written_at=utc_now(), concurrency=1, typical_s=42.0))
    with room.working() as worker, announced(room, worker):
        wait_until(lambda: says(room, typical_s=42.0, concurrency=2))


def test_a_disk_that_refuses_costs_no_run_and_is_logged_once(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    (room.volume / PLACE).mkdir()
    entries = [room.submitted() for _ in range(3)]
    with caplog.at_level(logging.WARNING), room.working() as worker, announced(room, worker):
        wait_until(lambda: room.is_settled(*entries))
    actions = [getattr(record, "action", "") for record in caplog.records]
    assert actions.count("announce_failed") == 1


def test_what_is_ready_ahead_is_announced(room: Room) -> None:
    with room.working() as worker:
        announcer = Announcer(
            room.volume,
            standing=worker.standing,
            tally=room.tally,
            concurrency=2,
            warmth=lambda: Warmth(idle=2, hits=7, misses=1),
        )
        with announcer.announcing():
            wait_until(lambda: says(room, warm_idle=2, warm_hits=7, warm_misses=1))
