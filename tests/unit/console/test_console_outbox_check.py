"""The doctor says what in the outbox needs a person, and nothing of what does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gofer_console.grader_side import Health
from gofer_console.outbox_check import judge_outbox
from shared.gradebook.outbox import State

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


def test_what_moves_by_itself_needs_nobody() -> None:
    recently = NOW - timedelta(minutes=50)
    found = judge_outbox({State.QUEUED: 12, State.HELD: 3}, recently, NOW)
    assert (found.status, found.advice) == (Health.OK, "")
    assert found.message == "On their way to the LMS: 12 queued, 3 held."
    assert judge_outbox({}, None, NOW).message == "On their way to the LMS: none."


@pytest.mark.parametrize(
    ("numbers", "oldest_at", "advice"),
    [
        ({State.FAILED: 2}, None, "gofer post retry"),
        ({State.PARKED: 1}, None, "--state parked"),
        ({State.QUEUED: 1}, NOW - timedelta(hours=30), "whether the grader runs"),
    ],
)
def test_what_waits_for_somebody_is_a_warning_with_what_to_do(
    numbers: dict[State, int], oldest_at: datetime | None, advice: str
) -> None:
    found = judge_outbox(numbers, oldest_at, NOW)
    assert found.status is Health.WARNING
    assert advice in found.advice
