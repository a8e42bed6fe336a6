from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofer_ingest.grader.passback import decide
from gofer_ingest.grader.passback.decide import (
    Unknown,
    after_answer,
    before_sending,
    pause_s,
    wait_s,
)
from shared.catalogue.passback import Kind, Passback, Zeros
from shared.gradebook.outbox import Move, Outgoing, State
from shared.lti.port import Answer, LmsAnswer, PostedGrade, Recipient, Withdrawal
from shared.model import AssignmentKey, Score

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
TO = Recipient(user_id="ada")


def item(points: float = 5.0, possible: float = 10.0, **changes: Any) -> Outgoing:
    usual: dict[str, Any] = {
        "id": 1,
        "student": "ada",
        "key": AssignmentKey("c", "s", "a"),
        "score": Score(points, possible),
        "graded_at": NOW,
        "tries": 0,
        "is_asked_for": False,
        "is_batch": False,
    }
    return Outgoing(**usual | changes)


def step(
    one: Outgoing, *, is_on_hold: bool = False, **changes: Any
) -> PostedGrade | Withdrawal | Move:
    return before_sending(one, Passback(Kind.LTI13, **changes), TO, is_on_hold=is_on_hold)


def answered(answer: Answer, **changes: Any) -> LmsAnswer:
    return LmsAnswer(answer, "It said something.", **changes)


LATER, REFUSED = Answer.TRY_LATER, Answer.REFUSED


def test_a_grade_is_sent_as_it_is_with_its_own_time() -> None:
    assert step(item(12, 10)) == PostedGrade(TO, 12, 10, NOW)


def test_a_grade_that_is_no_more_is_taken_back_with_its_own_time() -> None:
    for points, possible in ((5.0, 10.0), (0.0, 10.0), (0.0, 0.0)):
        taken_back = item(points, possible, is_withdrawal=True)
        assert step(taken_back, zeros=Zeros.HOLD) == Withdrawal(TO, NOW)
    assert step(item(is_withdrawal=True), is_on_hold=True) == Move(
        State.HELD, "hold", "The assignment's grades are held."
    )


@pytest.mark.parametrize(
    ("one", "on_hold", "zeros", "cause"),
    [
        (item(), True, Zeros.SEND, "hold"),
        (item(is_batch=True), False, Zeros.SEND, "batch"),
        (item(0), False, Zeros.HOLD, "zero"),
        (item(0), False, Zeros.SEND, None),
        (item(0.1), False, Zeros.HOLD, None),
        (item(0, is_batch=True, is_asked_for=True), True, Zeros.HOLD, None),
    ],
)
def test_what_holds_a_grade_and_what_does_not(
    one: Outgoing, zeros: Zeros, cause: str | None, *, on_hold: bool
) -> None:
    found = step(one, is_on_hold=on_hold, zeros=zeros)
    if cause is None:
        assert isinstance(found, PostedGrade)
    else:
        assert isinstance(found, Move)
        assert (found.to, found.cause) == (State.HELD, cause)


def test_who_is_not_known_is_parked_even_if_staff_ask() -> None:
    unknown = Unknown("recipient", "Not in the roster.")
    found = before_sending(item(is_asked_for=True), Passback(Kind.LTI13), unknown, is_on_hold=False)
    assert found == Move(State.PARKED, "recipient", "Not in the roster.")


def test_where_nothing_can_be_earned_nothing_is_sent() -> None:
    found = step(item(0, 0))
    assert isinstance(found, Move)
    assert (found.to, found.cause) == (State.PARKED, "no_points")


def test_what_is_not_posted_is_parked() -> None:
    assert before_sending(item(), None, TO, is_on_hold=False) == decide.NOT_POSTED


@pytest.mark.parametrize(
    ("answer", "to", "tries"),
    [
        (answered(Answer.ARRIVED, status=200), State.SENT, 1),
        (answered(REFUSED, cause="closed"), State.FAILED, 1),
        (answered(REFUSED, cause="unknown_user"), State.FAILED, 1),
        (answered(REFUSED, cause="too_old"), State.SUPERSEDED, 1),
        (answered(REFUSED, cause="signature", status=401), State.QUEUED, None),
        (answered(REFUSED, cause="credentials"), State.QUEUED, None),
        (answered(LATER, status=500), State.QUEUED, 1),
        (answered(LATER, cause="timeout"), State.QUEUED, 1),
    ],
)
def test_what_becomes_of_a_grade_by_the_answer(
    answer: LmsAnswer, to: State, tries: int | None
) -> None:
    move = after_answer(item(), answer, NOW, 0.5)
    assert (move.to, move.tries, move.status) == (to, tries, answer.status)
    assert move.is_answer
    assert (move.not_before is not None) == (to is State.QUEUED)


@pytest.mark.parametrize(
    ("status", "cause", "most"),
    [
        (500, "server_error", decide.MAX_TRIES),
        (200, "not_understood", decide.MAX_TRIES),
        (None, "internal", decide.MAX_TRIES),
        (None, "timeout", decide.MAX_TRIES * decide.PATIENCE_WHILE_AWAY),
        (503, "server_error", decide.MAX_TRIES * decide.PATIENCE_WHILE_AWAY),
        (429, "throttled", decide.MAX_TRIES * decide.PATIENCE_WHILE_AWAY),
    ],
)
def test_tries_are_bounded(status: int | None, cause: str, most: int) -> None:
    answer = answered(LATER, status=status, cause=cause)
    assert after_answer(item(tries=most - 2), answer, NOW, 0.5).to is State.QUEUED
    last = after_answer(item(tries=most - 1), answer, NOW, 0.5)
    assert (last.to, last.tries, last.message) == (State.FAILED, most, answer.text)


@given(st.integers(1, 500), st.floats(0, 1))
def test_waits_grow_are_spread_and_end_somewhere(tries: int, jitter: float) -> None:
    wait = wait_s(tries, jitter, 2.0, 900.0)
    whole = min(2.0**tries, 900.0)
    assert whole / 2 <= wait <= whole


@given(st.floats(0, 3600), st.integers(0, 10))
def test_what_an_lms_asks_to_wait_is_never_cut_short(asked_s: float, tries: int) -> None:
    answer = answered(LATER, status=429, retry_after_s=asked_s)
    move = after_answer(item(tries=tries), answer, NOW, 0.0)
    assert move.not_before is not None
    assert move.not_before >= NOW + timedelta(seconds=asked_s)
    assert pause_s(answer, 1, 0.0) >= asked_s


def test_an_lms_is_left_alone_after_several_failures_and_not_after_one() -> None:
    trouble = answered(LATER, status=500)
    assert pause_s(trouble, 1, 0.5) == 0
    assert pause_s(trouble, decide.AFTER_TROUBLES, 0.5) > 0
    assert pause_s(trouble, 1000, 1.0) == decide.LONGEST_PAUSE_S
    assert pause_s(answered(Answer.ARRIVED), 0, 0.5) == 0
    assert pause_s(answered(REFUSED, cause="closed"), 0, 0.5) == 0


def test_one_wrong_signature_may_be_a_wrong_address_and_two_are_a_wrong_secret() -> None:
    locked_out = answered(REFUSED, cause="signature", status=401)
    assert pause_s(locked_out, 1, 0.5) == 0
    assert pause_s(locked_out, 2, 0.5) == decide.SETUP_PAUSE_S
