from __future__ import annotations

from typing import Any

import pytest

from gofer_ingest.grader.passback import decide
from gofer_ingest.grader.passback.lanes import Lane
from shared.catalogue.passback import Kind, Passback
from shared.lti.port import Answer, LmsAnswer
from shared.model import AssignmentKey, RateLimit
from tests.support.scripted_lms import ARRIVED, BROKEN, LOCKED_OUT, ScriptedLms, throttled
from tests.unit.grader.test_passback_decide import item

KEY = AssignmentKey("c", "s", "a")
UNLIMITED = RateLimit.parse("off")


def lane(lms: ScriptedLms | None = None, **changes: Any) -> Lane:
    usual: dict[str, Any] = {"concurrency": 3, "rate": UNLIMITED}
    one = lms or ScriptedLms()
    return Lane("lms", {KEY: Passback(Kind.LTI13, **usual | changes)}, lambda: one)


def fail(one: Lane, answer: LmsAnswer, times: int, now: float = 0.0) -> None:
    for number in range(times):
        grade = item(student=f"s{number}")
        one.take(grade)
        one.give_back(grade, answer, now, 0.5)


def test_so_many_are_in_hand_at_one_time_and_of_one_student_one() -> None:
    one = lane()
    assert one.places(0.0) == 3
    one.take(item())
    assert one.places(0.0) == 2
    assert one.is_busy_with(item(points=9.0))
    assert not one.is_busy_with(item(student="bob"))
    one.give_back(item(), ARRIVED, 0.0, 0.5)
    assert one.places(0.0) == 3


def test_so_many_are_begun_in_so_much_time() -> None:
    one = lane(concurrency=10, rate=RateLimit(2, 4))
    assert one.places(100.0) == 2
    for student in ("ada", "bob"):
        one.take(item(student=student))
    assert one.places(100.0) == 0
    assert one.next_place_at(100.0) == pytest.approx(102.0)
    assert one.places(102.0) == 1
    assert one.places(1000.0) == 2  # a long rest does not save up more


def test_the_narrowest_assignment_sets_the_pace_of_its_lms() -> None:
    quick = Passback(Kind.LTI13, concurrency=9, rate=UNLIMITED)
    slow = Passback(Kind.LTI13, concurrency=1, rate=RateLimit(1, 60))
    one = Lane("lms", {KEY: quick, AssignmentKey("c", "s", "b"): slow}, ScriptedLms)
    assert one.places(10.0) == 1
    one.take(item())
    assert one.next_place_at(10.0) == pytest.approx(70.0)


def test_after_failures_in_a_row_it_rests_and_is_then_tried_with_one() -> None:
    one = lane()
    fail(one, BROKEN, decide.AFTER_TROUBLES - 1)
    assert one.places(0.0) == 3
    fail(one, BROKEN, 1)
    assert one.places(0.0) == 0
    assert one.trouble == BROKEN.text
    later = one.next_place_at(0.0)
    assert later is not None
    assert one.places(later) == 1
    fail(one, ARRIVED, 1, later)
    assert one.places(later) == 3
    assert one.trouble is None


def test_what_asks_for_rest_gets_it_with_all_grades() -> None:
    one = lane()
    fail(one, throttled(30), 1)
    assert one.places(29.9) == 0
    assert one.places(30.0) == 3


def test_a_refused_grade_is_no_trouble_of_the_lms() -> None:
    one = lane()
    fail(one, LmsAnswer(Answer.REFUSED, "Not here.", 200, cause="unknown_user"), 20)
    assert one.places(0.0) == 3


def test_staff_have_it_tried_at_once_with_secrets_read_anew() -> None:
    lms = ScriptedLms()
    one = lane(lms)
    assert one.lms() is lms
    fail(one, LOCKED_OUT, 2)
    assert one.places(1.0) == 0
    one.resume()
    assert one.places(1.0) == 3
    assert lms.is_closed
