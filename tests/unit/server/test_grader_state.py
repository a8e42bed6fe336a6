from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gofer_ingest.server.grader_state import GraderState
from shared.queue_snapshot import FRESH_FOR, STOPPED, QueueSnapshot

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def state_of(paused: str | None, ago: timedelta) -> GraderState:
    snapshot = QueueSnapshot(written_at=NOW - ago, concurrency=2, paused=paused)
    return GraderState.of(snapshot, NOW)


@pytest.mark.parametrize(
    ("paused", "told"),
    [
        (None, "working"),
        ("engine", "paused: engine"),
        ("stopping", "paused: stopping"),
        (STOPPED, "not running"),
    ],
)
def test_a_grader_that_spoke_lately_is_what_it_said(paused: str | None, told: str) -> None:
    assert str(state_of(paused, FRESH_FOR)) == told


@pytest.mark.parametrize("paused", [None, "engine"])
def test_one_that_is_silent_for_too_long_does_not_run(paused: str | None) -> None:
    state = state_of(paused, FRESH_FOR + timedelta(seconds=1))
    assert str(state) == "not running"
    assert state.paused is None
    assert state.silent_s == 31


def test_one_that_never_spoke_does_not_run() -> None:
    assert str(GraderState.of(None, NOW)) == "not running"


def test_a_clock_that_was_set_back_makes_no_negative_silence() -> None:
    assert state_of(None, -timedelta(seconds=5)).silent_s == 0


@pytest.mark.parametrize(("ago", "idle"), [(timedelta(0), 2), (timedelta(hours=1), 0)])
def test_a_grader_that_does_not_run_has_nothing_ready(ago: timedelta, idle: int) -> None:
    snapshot = QueueSnapshot(
        written_at=NOW - ago, concurrency=2, warm_idle=2, warm_hits=5, warm_misses=1
    )
    state = GraderState.of(snapshot, NOW)
    assert (state.warm_idle, state.warm_hits, state.warm_misses) == (idle, 5, 1)
