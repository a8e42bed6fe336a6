from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofer_ingest.server.rate_windows import about, check_rate, exactly, free_in_s
from shared.errors import TooMany
from shared.model import AssignmentKey, RateLimit

NOW = datetime(2026, 12, 1, 18, tzinfo=UTC)
KEY = AssignmentKey("demo101", "1", "lab01")


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


rates = st.builds(RateLimit, most=st.integers(1, 6), within_s=st.integers(1, 100))
times = st.lists(
    st.integers(-150_000, 20_000).map(lambda ms: NOW + timedelta(milliseconds=ms)), max_size=12
)


def in_window(received: list[datetime], rate: RateLimit, now: datetime) -> int:
    return sum(now - seconds(rate.within_s) < at <= now for at in received)


@given(times, rates)
def test_one_more_is_free_exactly_when_the_window_has_fewer_than_the_most(
    received: list[datetime], rate: RateLimit
) -> None:
    is_free = free_in_s(received, rate, NOW) == 0
    assert is_free == (in_window(received, rate, NOW) < rate.most)


@given(times, rates)
def test_the_wait_is_the_least_number_of_whole_seconds_that_is_enough(
    received: list[datetime], rate: RateLimit
) -> None:
    received = [at for at in received if at <= NOW]
    wait_s = free_in_s(received, rate, NOW)
    assert 0 <= wait_s <= rate.within_s
    assert in_window(received, rate, NOW + seconds(wait_s)) < rate.most
    if wait_s:
        assert in_window(received, rate, NOW + seconds(wait_s - 1)) >= rate.most


@given(rates, st.lists(st.integers(0, 40_000), min_size=20, max_size=60))
def test_however_one_tries_no_window_ever_holds_more_than_the_most(
    rate: RateLimit, gaps_ms: list[int]
) -> None:
    accepted: list[datetime] = []
    now = NOW
    for gap_ms in gaps_ms:
        now += timedelta(milliseconds=gap_ms)
        if free_in_s(accepted, rate, now) == 0:
            accepted.append(now)
        assert in_window(accepted, rate, now) <= rate.most


def test_the_edge_of_a_window_is_free_again() -> None:
    rate = RateLimit(1, 60)
    assert free_in_s([NOW], rate, NOW) == 60
    assert free_in_s([NOW], rate, NOW + seconds(59.999999)) == 1
    assert free_in_s([NOW], rate, NOW + seconds(60)) == 0


def test_what_the_clock_has_not_reached_again_counts_nothing() -> None:
    rate = RateLimit(1, 60)
    assert free_in_s([NOW], rate, NOW - timedelta(days=365)) == 0
    assert free_in_s([NOW], rate, NOW - timedelta(microseconds=1)) == 0


def test_a_limit_that_was_lowered_counts_what_was_accepted_before() -> None:
    received = [NOW + seconds(number) for number in range(10)]
    assert free_in_s(received, RateLimit(2, 60), NOW + seconds(10)) == 58


def test_without_a_limit_one_more_is_always_free() -> None:
    assert free_in_s([NOW] * 1000, RateLimit.parse("off"), NOW) == 0


@pytest.mark.parametrize(
    ("rate", "after_s", "told"),
    [
        ("5/10m", 420, "5 times in 10 minutes. Try again in 3 minutes."),
        ("1/30s", 29, "once in 30 seconds. Try again in 1 second."),
        ("1/1h", 0, "once in 1 hour. Try again in 1 hour."),
        ("2/90m", 5399.5, "2 times in 90 minutes. Try again in 1 second."),
        ("30/1d", 1, "30 times in 1 day. Try again in 24 hours."),
        ("3/7d", 0, "3 times in 7 days. Try again in 7 days."),
    ],
)
def test_a_student_is_told_how_often_and_when(rate: str, after_s: float, told: str) -> None:
    limit = RateLimit.parse(rate)
    with pytest.raises(TooMany) as caught:
        check_rate([NOW] * limit.most, KEY, limit, NOW + seconds(after_s))
    assert str(caught.value) == f"You may submit lab01 {told}"
    assert caught.value.retry_after_s == -(-(limit.within_s - after_s) // 1)


@given(st.integers(1, 10_000_000))
def test_a_wait_that_is_told_is_long_enough_and_not_much_longer(wait_s: int) -> None:
    number, unit = about(wait_s).split()
    length_s = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}[unit.removesuffix("s")]
    told_s = int(number) * length_s
    assert wait_s <= told_s < wait_s + length_s
    assert told_s <= 1.5 * wait_s
    assert unit.endswith("s") == (number != "1")


@given(st.integers(1, 1000), st.sampled_from("smhd"))
def test_a_window_is_told_exactly(number: int, unit: str) -> None:
    within_s = RateLimit.parse(f"1/{number}{unit}").within_s
    told, word = exactly(within_s).split()
    length_s = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}[word.removesuffix("s")]
    assert int(told) * length_s == within_s
