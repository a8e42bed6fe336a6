from __future__ import annotations

import json
import os
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shared.errors import SpoolUnavailable
from shared.model import AssignmentKey, new_submission_id
from shared.queue_snapshot import (
    MAX_ASSIGNMENTS,
    MAX_BYTES,
    PLACE,
    AssignmentOutlook,
    QueueSnapshot,
    read_snapshot,
    write_snapshot,
)

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
KEY = AssignmentKey("demo101", "1", "lab01")


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    (tmp_path / "spool").mkdir()
    return tmp_path


def a_snapshot(**more: Any) -> QueueSnapshot:
    return QueueSnapshot(
        **{
            "written_at": NOON,
            "concurrency": 2,
            "running": (new_submission_id(),),
            "pending": 7,
            "resting": 1,
            "typical_s": 6.5,
            "assignments": (
                AssignmentOutlook(course="demo101", section="1", assignment="lab01", typical_s=5.0),
                AssignmentOutlook(course="é", section="1", assignment="hw02", is_blocked=True),
            ),
            **more,
        }
    )


def test_what_is_written_is_read(volume: Path) -> None:
    snapshot = a_snapshot(paused="engine")
    write_snapshot(volume, snapshot)
    assert read_snapshot(volume) == snapshot
    assert not any("new" in path.name for path in (volume / "spool").iterdir())


def test_a_later_one_takes_the_place_of_the_last(volume: Path) -> None:
    write_snapshot(volume, a_snapshot())
    write_snapshot(volume, a_snapshot(pending=8))
    read = read_snapshot(volume)
    assert read is not None
    assert read.pending == 8


def test_readers_beside_a_writer_see_whole_snapshots_only(volume: Path) -> None:
    write_snapshot(volume, a_snapshot())
    is_over = threading.Event()
    seen: list[QueueSnapshot | None] = []

    def read_on() -> None:
        while not is_over.is_set():
            seen.append(read_snapshot(volume))

    reader = threading.Thread(target=read_on)
    reader.start()
    for number in range(300):
        write_snapshot(volume, a_snapshot(pending=number))
    is_over.set()
    reader.join()
    assert seen
    assert None not in seen


def test_none_is_read_where_there_is_none(volume: Path, tmp_path: Path) -> None:
    assert read_snapshot(volume) is None
    assert read_snapshot(tmp_path / "nowhere") is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        a_snapshot().model_dump_json().replace('"version":1', '"version":2').encode(),
        a_snapshot().model_dump_json().replace('"concurrency":2', '"concurrency":0').encode(),
        a_snapshot().model_dump_json().replace("6.5", "NaN").encode(),
        a_snapshot().model_dump_json().replace("6.5", "-1").encode(),
        b" " * (MAX_BYTES + 1) + a_snapshot().model_dump_json().encode(),
    ],
)
def test_damage_reads_as_none(volume: Path, content: bytes) -> None:
    (volume / PLACE).write_bytes(content)
    assert read_snapshot(volume) is None


def test_what_is_no_plain_file_reads_as_none(volume: Path) -> None:
    (volume / PLACE).mkdir()
    assert read_snapshot(volume) is None
    (volume / PLACE).rmdir()
    os.mkfifo(volume / PLACE)
    assert read_snapshot(volume) is None
    (volume / PLACE).unlink()
    elsewhere = volume / "elsewhere.json"
    elsewhere.write_bytes(a_snapshot().model_dump_json().encode())
    (volume / PLACE).symlink_to(elsewhere)
    assert read_snapshot(volume) is None


def test_a_newer_grader_may_say_more(volume: Path) -> None:
    told = json.loads(a_snapshot().model_dump_json())
    told["mood"] = "good"
    told["assignments"][0]["mood"] = "better"
    (volume / PLACE).write_text(json.dumps(told))
    assert read_snapshot(volume) is not None


def test_a_disk_that_refuses_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(SpoolUnavailable):
        write_snapshot(tmp_path / "nowhere", a_snapshot())


def test_the_largest_snapshot_can_be_read_back(volume: Path) -> None:
    outlooks = tuple(
        AssignmentOutlook(course="学" * 255, section="学" * 255, assignment="学" * 255, typical_s=1)
        for _ in range(MAX_ASSIGNMENTS)
    )
    running = tuple(new_submission_id() for _ in range(500))
    snapshot = a_snapshot(assignments=outlooks, running=running)
    write_snapshot(volume, snapshot)
    assert read_snapshot(volume) == snapshot


@pytest.mark.parametrize(
    ("age_s", "fresh"), [(0, True), (29, True), (31, False), (-29, True), (-31, False)]
)
def test_it_is_fresh_for_half_a_minute(age_s: float, *, fresh: bool) -> None:
    assert a_snapshot().is_fresh(NOON + timedelta(seconds=age_s)) is fresh


def test_an_assignments_outlook_is_found_by_its_key() -> None:
    outlook = a_snapshot().outlook(KEY)
    assert outlook is not None
    assert outlook.typical_s == 5.0
    assert a_snapshot().outlook(AssignmentKey("demo101", "2", "lab01")) is None
