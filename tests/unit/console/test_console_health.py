"""What the overview tells of, from how everything stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from gofer_console.health import Level, notices
from gofer_console.status import Status
from shared.queue_snapshot import AssignmentOutlook, PassbackOutlook, QueueSnapshot
from shared.spool import Census

NOW: Final = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
ROOM: Final = 100 << 30
WELL: Final = Status(
    at=NOW,
    snapshot=QueueSnapshot(written_at=NOW, concurrency=2),
    census=Census(0, 0, 0, None, ROOM),
    last_hour=None,
)


def with_snapshot(**said: Any) -> Status:
    return replace(WELL, snapshot=QueueSnapshot(**{"written_at": NOW, "concurrency": 2, **said}))


def texts(found: Status, *, is_held: bool = True) -> str:
    return " ".join(notice.text for notice in notices(found, is_held=is_held))


def test_there_is_nothing_to_say_where_all_is_well() -> None:
    assert notices(WELL, is_held=True) == []


def test_there_is_nothing_to_say_before_anything_ran() -> None:
    empty = Status(at=NOW, snapshot=None, census=None, last_hour=None)
    assert notices(empty, is_held=False) == []


@pytest.mark.parametrize("word", ["engine", "image", "disk", "gradebook", "failures", "other"])
def test_a_pause_is_told_in_words(word: str) -> None:
    (notice,) = notices(with_snapshot(paused=word), is_held=True)
    assert notice.level is Level.PROBLEM
    assert notice.text.startswith("Grading is paused. ")


def test_a_grader_that_hangs_is_told_from_one_that_is_gone() -> None:
    silent = with_snapshot(written_at=NOW - timedelta(minutes=3))
    assert "has said nothing for a while" in texts(silent)
    assert texts(silent, is_held=False) == ""
    stopped = with_snapshot(written_at=NOW - timedelta(minutes=3), paused="stopped")
    assert texts(stopped) == ""


def test_submissions_that_nobody_takes_are_told() -> None:
    waiting = Census(3, 0, 0, NOW - timedelta(minutes=7), ROOM)
    assert "up to 7 minutes" in texts(replace(WELL, census=waiting))
    running = with_snapshot(running=("0199a7c0-0000-7000-8000-000000000000",), pending=3)
    assert texts(replace(running, census=waiting)) == ""
    resting = with_snapshot(pending=3, resting=3)
    assert texts(replace(resting, census=waiting)) == ""
    fresh = Census(3, 0, 0, NOW - timedelta(seconds=30), ROOM)
    assert texts(replace(WELL, census=fresh)) == ""


def test_a_disk_that_fills_is_told_before_it_is_full() -> None:
    nearly, full = (
        notices(replace(WELL, census=Census(0, 0, 0, None, free)), is_held=True)
        for free in (3 << 30, 500 << 20)
    )
    assert [notice.level for notice in nearly] == [Level.WARNING]
    assert [notice.level for notice in full] == [Level.PROBLEM]


def test_blocked_assignments_and_silent_lmss_lead_to_their_pages() -> None:
    evil = "![](http://evil.example/x)"
    found = with_snapshot(
        assignments=(
            AssignmentOutlook(course=evil, section="1", assignment="lab01", is_blocked=True),
            AssignmentOutlook(course="c", section="1", assignment="lab02"),
        ),
        passback=PassbackOutlook(troubled=(evil, "other")),
    )
    said = notices(found, is_held=True)
    assert [notice.page for notice in said] == ["assignments", "passback"]
    assert "1 assignment is blocked" in said[0].text
    assert "2 LMSs do not answer" in said[1].text
    assert not any("evil" in notice.text for notice in said)


def test_old_backups_are_told() -> None:
    assert "3 days old" in texts(with_snapshot(backed_up_at=NOW - timedelta(days=3, hours=1)))
    assert texts(with_snapshot(backed_up_at=NOW - timedelta(days=1))) == ""
