"""When to stop claiming, and when to go on."""

from __future__ import annotations

from gofer_ingest.grader.breaker import SICK_AFTER, Breaker, State
from gofer_ingest.grader.decide import FIRST_WAIT_S, LONGEST_PAUSE_S, LONGEST_WAIT_S
from shared.model import SubmissionId

ONE, OTHER = SubmissionId("one"), SubmissionId("other")
AWAY = "The engine is away."


def test_a_new_breaker_lets_everything_through() -> None:
    assert Breaker().state(0.0) is State.WORKING


def test_out_of_order_pauses_then_lets_one_try_and_a_success_lets_all() -> None:
    breaker = Breaker()
    assert breaker.out_of_order(ONE, AWAY, 0.0, 1.0) == FIRST_WAIT_S
    assert breaker.state(FIRST_WAIT_S - 0.1) is State.PAUSED
    assert breaker.reason == AWAY
    assert breaker.state(FIRST_WAIT_S) is State.TRYING
    breaker.worked()
    assert breaker.state(FIRST_WAIT_S) is State.WORKING
    assert breaker.reason == ""


def test_failures_of_what_was_in_hand_do_not_lengthen_the_pause() -> None:
    breaker = Breaker()
    breaker.out_of_order(ONE, AWAY, 0.0, 1.0)
    assert breaker.out_of_order(OTHER, AWAY, 0.1, 1.0) is None
    assert breaker.resumes_at == FIRST_WAIT_S


def test_pauses_grow_up_to_a_limit_while_nothing_works() -> None:
    breaker, now = Breaker(), 0.0
    pauses = []
    for _ in range(12):
        pause_s = breaker.out_of_order(ONE, AWAY, now, 1.0)
        assert pause_s is not None
        pauses.append(pause_s)
        now += pause_s
    assert pauses[:3] == [FIRST_WAIT_S, 2 * FIRST_WAIT_S, 4 * FIRST_WAIT_S]
    assert pauses[-1] == LONGEST_PAUSE_S


def test_one_notebook_that_fails_again_and_again_pauses_nobody() -> None:
    breaker = Breaker()
    assert [breaker.failed(ONE, "It slept.", 0.0, 1.0) for _ in range(20)] == [None] * 20
    assert breaker.state(0.0) is State.WORKING


def test_many_different_ones_that_fail_in_a_row_pause_all() -> None:
    breaker = Breaker()
    ids = [SubmissionId(str(number)) for number in range(SICK_AFTER)]
    told = [breaker.failed(entry_id, "It slept.", 0.0, 1.0) for entry_id in ids]
    assert told == [None] * (SICK_AFTER - 1) + [FIRST_WAIT_S]
    assert breaker.state(0.0) is State.PAUSED


def test_a_success_in_between_is_a_sign_of_health() -> None:
    breaker = Breaker()
    for number in range(4 * SICK_AFTER):
        assert breaker.failed(SubmissionId(str(number)), "It slept.", 0.0, 1.0) is None
        breaker.worked()


def test_pauses_for_failures_in_a_row_grow_longer_than_those_of_an_engine() -> None:
    breaker, now = Breaker(), 0.0
    pause_s: float | None = None
    for number in range(40):
        pause_s = breaker.failed(SubmissionId(str(number)), "It slept.", now, 1.0) or pause_s
        now += LONGEST_WAIT_S
    assert pause_s == LONGEST_WAIT_S


def test_trips_count_only_where_others_worked_in_between() -> None:
    breaker = Breaker()
    for _ in range(5):
        breaker.out_of_order(ONE, AWAY, 0.0, 1.0)
    assert breaker.trips_of(ONE) == 1
    breaker.worked()
    breaker.out_of_order(ONE, AWAY, 0.0, 1.0)
    assert breaker.trips_of(ONE) == 2
    assert breaker.trips_of(OTHER) == 0
    breaker.forget(ONE)
    assert breaker.trips_of(ONE) == 0
