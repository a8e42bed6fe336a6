from __future__ import annotations

import pytest

from gofer_ingest.grader.tally import RUNS_OF_ONE, Tally
from shared.errors import AssignmentBlocked
from shared.model import AssignmentKey, utc_now
from shared.queue_snapshot import MAX_ASSIGNMENTS, AssignmentOutlook, QueueSnapshot

LAB = AssignmentKey("demo101", "1", "lab01")
HW = AssignmentKey("demo101", "1", "hw02")


def typical(tally: Tally) -> dict[str, float | None]:
    return {outlook.assignment: outlook.typical_s for outlook in tally.outlooks}


def test_nothing_is_known_before_the_first_run() -> None:
    assert Tally().typical_s is None
    assert Tally().outlooks == ()


def test_the_median_is_taken_of_each_assignment_and_of_all() -> None:
    tally = Tally()
    for seconds in (4.0, 5.0, 60.0):
        tally.ran(LAB, seconds)
    tally.ran(HW, 6.0)
    assert typical(tally) == {"lab01": 5.0, "hw02": 6.0}
    assert tally.typical_s == 5.5


def test_the_median_moves_with_the_last_runs() -> None:
    tally = Tally()
    for _ in range(100):
        tally.ran(LAB, 60.0)
    for _ in range(RUNS_OF_ONE):
        tally.ran(LAB, 2.0)
    assert typical(tally) == {"lab01": 2.0}


def test_a_clock_that_was_set_back_gives_no_negative_time() -> None:
    tally = Tally()
    tally.ran(LAB, -5.0)
    assert tally.typical_s == 0.0


def test_a_blocked_assignment_is_noted_until_it_is_ready() -> None:
    tally = Tally()
    with pytest.raises(AssignmentBlocked), tally.noting_blocks(LAB):
        raise AssignmentBlocked
    assert [outlook.is_blocked for outlook in tally.outlooks] == [True]
    with tally.noting_blocks(LAB):
        pass
    assert [outlook.is_blocked for outlook in tally.outlooks] == [False]


def test_the_assignments_seen_last_are_remembered() -> None:
    tally = Tally()
    tally.ran(LAB, 1.0)
    for number in range(MAX_ASSIGNMENTS):
        tally.ran(AssignmentKey("demo101", "1", str(number)), 1.0)
    assert len(tally.outlooks) == MAX_ASSIGNMENTS
    assert "lab01" not in typical(tally)


def test_it_begins_with_what_an_earlier_grader_said() -> None:
    outlooks = (
        AssignmentOutlook(course="demo101", section="1", assignment="lab01", typical_s=7.0),
        AssignmentOutlook(course="demo101", section="1", assignment="hw02", is_blocked=True),
    )
    tally = Tally()
    tally.begin_with(
        QueueSnapshot(written_at=utc_now(), concurrency=1, typical_s=8.0, assignments=outlooks)
    )
    assert tally.typical_s == 8.0
    assert typical(tally) == {"lab01": 7.0}
