"""Many grades, and an LMS that fails often: all arrive with the right value, in order."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from gofer_ingest.grader.passback import decide
from tests.support.posting_room import PostingRoom, posted
from tests.support.processes import wait_until
from tests.support.scripted_lms import BROKEN, CUT, UNAVAILABLE, throttled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostingRoom]:
    monkeypatch.setattr(decide, "FIRST_WAIT_S", 0.002)
    monkeypatch.setattr(decide, "LONGEST_WAIT_S", 0.02)
    monkeypatch.setattr(decide, "LONGEST_PAUSE_S", 0.02)
    made = PostingRoom(tmp_path)
    yield made
    made.close()


def test_a_thousand_grades_arrive_though_one_in_five_answers_fails(room: PostingRoom) -> None:
    room.passback = posted(concurrency=16)
    faults = itertools.cycle([UNAVAILABLE, BROKEN, CUT, throttled(0.001)])
    room.lms.answer = lambda number: next(faults) if number % 5 == 0 else None
    with room.posting() as running:
        for number in range(500):
            room.grade(f"s{number}", number % 5)
            running.ring()
        for number in range(500):
            room.grade(f"s{number}", 5 + number % 6)
            running.ring()
        wait_until(room.is_quiet, within_s=120)
    assert {row.state for row in room.rows()} <= {"sent", "superseded"}
    for number in range(500):
        assert room.lms.holds(f"s{number}") == (5 + number % 6) / 10
        seen = [part for part in room.lms.seen[f"s{number}"] if part is not None]
        assert seen == sorted(seen), "an older grade was sent after a newer one"
    assert room.lms.at_one_time <= 16
