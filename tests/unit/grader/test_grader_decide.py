from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gofer_ingest.grader.decide import (
    FIRST_WAIT_S,
    LONGEST_WAIT_S,
    Bury,
    RetryLater,
    after_failure,
    back_off_s,
    is_out_of_order,
    pause_word,
)
from shared.errors import (
    AssignmentBlocked,
    DamagedEntry,
    GoferError,
    GradebookError,
    GraderError,
    HarnessNotReady,
    ImageBuildFailed,
    ImageMissing,
    ResultsUnreadable,
    RunInterrupted,
    SandboxUnavailable,
    SpoolFull,
    SpoolUnavailable,
)

JITTER = st.floats(0, 1)


def test_the_first_wait_is_the_shortest_and_doubles() -> None:
    waits = [back_off_s(failures, 1.0) for failures in (1, 2, 3, 4)]
    assert waits == [FIRST_WAIT_S, 2 * FIRST_WAIT_S, 4 * FIRST_WAIT_S, 8 * FIRST_WAIT_S]


@settings(max_examples=50, deadline=None)
@given(failures=st.integers(1, 10_000), jitter=JITTER)
def test_waits_never_shrink_and_never_pass_the_longest(failures: int, jitter: float) -> None:
    wait_s = back_off_s(failures, jitter)
    assert 0 < wait_s <= back_off_s(failures + 1, jitter) <= LONGEST_WAIT_S


@settings(max_examples=50, deadline=None)
@given(failures=st.integers(1, 10_000), jitter=JITTER)
def test_jitter_spreads_over_the_upper_half(failures: int, jitter: float) -> None:
    longest = back_off_s(failures, 1.0)
    assert longest / 2 <= back_off_s(failures, jitter) <= longest
    assert back_off_s(failures, 0.0) == longest / 2


@pytest.mark.parametrize(
    "error",
    [
        HarnessNotReady("no answer"),
        RunInterrupted(),
        GradebookError("busy"),
        SpoolUnavailable("disk"),
        SpoolFull(),
        GraderError("odd"),
        GoferError("odder"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_may_pass_is_tried_again_until_the_tries_are_used_up(error: GoferError) -> None:
    decisions = [
        after_failure(error, failures=failures, max_tries=3, jitter=0.5)
        for failures in (1, 2, 3, 4)
    ]
    assert decisions[:2] == [RetryLater(back_off_s(1, 0.5)), RetryLater(back_off_s(2, 0.5))]
    assert all(isinstance(decision, Bury) for decision in decisions[2:])


def test_staff_learn_how_often_it_failed_and_how_the_last_time() -> None:
    decision = after_failure(HarnessNotReady("It slept."), failures=3, max_tries=3, jitter=0.0)
    assert isinstance(decision, Bury)
    assert "3 times" in decision.reason
    assert "It slept." in decision.reason


@pytest.mark.parametrize(
    "error", [DamagedEntry("torn"), ResultsUnreadable("odd"), ImageBuildFailed("no wheel")]
)
def test_what_cannot_pass_is_buried_at_once(error: GoferError) -> None:
    decision = after_failure(error, failures=1, max_tries=5, jitter=0.5)
    assert decision == Bury(str(error))


@pytest.mark.parametrize(
    ("error", "is_trouble"),
    [
        (SandboxUnavailable(), True),
        (ImageMissing(), True),
        (HarnessNotReady(), False),
        (AssignmentBlocked(), False),
        (GradebookError(), True),
        (SpoolFull(), True),
        (SpoolUnavailable(), True),
        (DamagedEntry(), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_out_of_order_is_what_would_fail_every_entry(
    error: GoferError, *, is_trouble: bool
) -> None:
    assert is_out_of_order(error) is is_trouble


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (SandboxUnavailable("/var/run/docker.sock"), "engine"),
        (ImageMissing(), "image"),
        (SpoolFull(), "disk"),
        (GradebookError(), "gradebook"),
        (GoferError("anything"), "failures"),
    ],
)
def test_a_pause_is_told_in_one_word(error: GoferError, word: str) -> None:
    assert pause_word(error) == word
