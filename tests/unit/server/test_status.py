from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gofer_ingest.server.status import (
    Facts,
    Hold,
    State,
    Status,
    Submitted,
    decide_status,
    questions_told,
)
from gofer_ingest.server.status_words import as_json, sentence
from shared.gradebook.history import CountedResult
from shared.model import (
    AssignmentKey,
    AutograderSpec,
    PublishRule,
    QuestionScore,
    QuestionSpec,
    Score,
    Sha256,
    Verdict,
    new_run_id,
    new_submission_id,
)
from shared.queue_snapshot import AssignmentOutlook, QueueSnapshot
from shared.spool import Place

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
KEY = AssignmentKey("demo101", "1", "lab01")
SUBMITTED = Submitted(
    id=new_submission_id(),
    student="ada",
    key=KEY,
    sha256=Sha256("b" * 64),
    received_at=NOON,
    attempt=1,
)
NOW = PublishRule.parse("immediately")
MANUAL = PublishRule.parse("manual")
LATER = PublishRule.parse("2026-12-01T18:00:00+01:00")
GRADED = CountedResult(
    run_id=new_run_id(),
    verdict=Verdict.GRADED,
    score=Score(7.5, 10),
    student_text="Your notebook was graded.",
    finished_at=NOON,
    autograder_sha256=Sha256("a" * 64),
    image_id="image",
)
HELD = replace(GRADED, is_held=True)
TIMED_OUT = replace(
    GRADED, verdict=Verdict.TIMED_OUT, score=None, student_text="It did not finish in time."
)


def a_snapshot(**more: Any) -> QueueSnapshot:
    return QueueSnapshot(
        **{"written_at": NOON, "concurrency": 2, "typical_s": 10.0, "pending": 9, **more}
    )


def decided(
    place: Place = Place.NEW,
    *,
    result: CountedResult | None = None,
    publish: PublishRule = NOW,
    snapshot: QueueSnapshot | None = None,
    ahead: int = 0,
    now: datetime = NOON,
) -> Status:
    return decide_status(SUBMITTED, Facts(place, result, publish, snapshot, ahead, now))


# --- waiting and running --------------------------------------------------------------------------


@pytest.mark.parametrize(("ahead", "position", "wait_s"), [(0, 1, 5.0), (3, 4, 20.0)])
def test_a_waiting_one_has_a_place_in_line_and_an_expected_wait(
    ahead: int, position: int, wait_s: float
) -> None:
    status = decided(snapshot=a_snapshot(), ahead=ahead)
    assert (status.state, status.position, status.expected_wait_s) == (
        State.WAITING,
        position,
        wait_s,
    )
    assert status.is_open
    assert status.hold is None


def test_nobody_waits_for_those_that_rest() -> None:
    assert decided(snapshot=a_snapshot(resting=3), ahead=5).position == 3
    assert decided(snapshot=a_snapshot(resting=9), ahead=5).position == 1


def test_before_any_run_was_seen_no_time_is_invented() -> None:
    status = decided(snapshot=a_snapshot(typical_s=None), ahead=3)
    assert (status.position, status.expected_wait_s) == (4, None)


@pytest.mark.parametrize(
    "snapshot",
    [None, a_snapshot(written_at=NOON - timedelta(seconds=31)), a_snapshot(paused="engine")],
    ids=["none", "old", "paused"],
)
def test_without_a_grader_at_work_no_time_is_invented(snapshot: QueueSnapshot | None) -> None:
    status = decided(snapshot=snapshot, ahead=3)
    assert (status.state, status.hold) == (State.WAITING, Hold.PAUSED)
    assert status.position is None
    assert status.expected_wait_s is None
    assert "paused" in sentence(status)
    assert "engine" not in sentence(status)


def test_an_assignment_that_waits_for_staff_holds_its_submissions() -> None:
    blocked = AssignmentOutlook(course="demo101", section="1", assignment="lab01", is_blocked=True)
    status = decided(snapshot=a_snapshot(assignments=(blocked,)), ahead=3)
    assert (status.hold, status.position) == (Hold.BLOCKED, None)
    other = AssignmentOutlook(course="demo101", section="1", assignment="hw02", is_blocked=True)
    assert decided(snapshot=a_snapshot(assignments=(other,))).hold is None


def test_one_in_hand_is_running_and_says_how_long_that_usually_takes() -> None:
    usual = AssignmentOutlook(course="demo101", section="1", assignment="lab01", typical_s=3.0)
    snapshot = a_snapshot(running=(SUBMITTED.id,), assignments=(usual,))
    status = decided(snapshot=snapshot)
    assert (status.state, status.typical_s, status.is_open) == (State.RUNNING, 3.0, True)
    assert decided(snapshot=a_snapshot(running=(SUBMITTED.id,))).typical_s == 10.0


def test_one_in_hand_runs_on_while_the_grader_stops() -> None:
    snapshot = a_snapshot(running=(SUBMITTED.id,), paused="stopping")
    assert decided(snapshot=snapshot).state is State.RUNNING


def test_what_a_dead_grader_had_in_hand_waits() -> None:
    snapshot = a_snapshot(running=(SUBMITTED.id,), written_at=NOON - timedelta(minutes=5))
    assert decided(snapshot=snapshot).state is State.WAITING


# --- the end of it --------------------------------------------------------------------------------


@pytest.mark.parametrize("place", list(Place))
def test_a_recorded_run_is_the_end_wherever_the_entry_lies(place: Place) -> None:
    status = decided(place, result=GRADED)
    assert (status.state, status.verdict) == (State.RECORDED, Verdict.GRADED)
    assert not status.is_open


def test_published_results_are_told() -> None:
    status = decided(Place.ARCHIVED, result=GRADED)
    assert status.is_published
    assert status.score == Score(7.5, 10)
    assert status.student_text == "Your notebook was graded."
    assert status.graded_at == NOON
    failed = decided(Place.ARCHIVED, result=TIMED_OUT)
    assert (failed.verdict, failed.score) == (Verdict.TIMED_OUT, None)
    assert sentence(failed) == "It did not finish in time."


def test_of_a_held_score_nothing_is_told_but_that_staff_look_at_it_first() -> None:
    status = decided(Place.ARCHIVED, result=HELD)
    assert status.is_held
    assert not status.is_open, "only staff can change it"
    assert status == replace(decided(Place.ARCHIVED), is_held=True)
    assert "7.5" not in sentence(status)
    assert "7.5" not in str(as_json(status, "/"))


def test_a_held_run_without_a_score_is_told_by_its_verdict() -> None:
    status = decided(Place.ARCHIVED, result=replace(TIMED_OUT, is_held=True))
    assert status == decided(Place.ARCHIVED, result=TIMED_OUT)


@pytest.mark.parametrize("result", [GRADED, HELD, TIMED_OUT])
@pytest.mark.parametrize("publish", [MANUAL, LATER])
def test_nothing_of_a_result_is_told_before_it_is_published(
    result: CountedResult, publish: PublishRule
) -> None:
    status = decided(Place.ARCHIVED, result=result, publish=publish)
    assert status.state is State.RECORDED
    assert not status.is_published
    assert not status.is_open
    told = (status.verdict, status.score, status.graded_at, status.questions)
    assert told == (None, None, None, None)
    assert status.student_text == ""
    # Not even by the way in which nothing is told.
    assert status == decided(Place.ARCHIVED, publish=publish)


def test_a_date_in_the_future_is_told_and_then_kept() -> None:
    before = decided(Place.ARCHIVED, result=GRADED, publish=LATER)
    assert before.publishes_at == datetime(2026, 12, 1, 17, tzinfo=UTC)
    assert "1 December 2026, 17:00 UTC" in sentence(before)
    after = decided(
        Place.ARCHIVED, result=GRADED, publish=LATER, now=datetime(2026, 12, 1, 17, tzinfo=UTC)
    )
    assert after.is_published
    assert after.publishes_at is None
    assert after.score == Score(7.5, 10)


def test_staff_who_decide_by_hand_have_set_no_date() -> None:
    status = decided(Place.ARCHIVED, result=GRADED, publish=MANUAL)
    assert status.publishes_at is None
    assert "not shown yet" in sentence(status)


def test_one_without_a_readable_result_is_done_and_may_say_more_soon() -> None:
    status = decided(Place.ARCHIVED)
    assert (status.state, status.verdict, status.is_open) == (State.RECORDED, None, True)


def test_one_set_aside_is_our_failure() -> None:
    status = decided(Place.FAILED, snapshot=a_snapshot(), ahead=3)
    assert (status.state, status.position, status.is_open) == (State.SET_ASIDE, None, False)
    assert "our failure, not yours" in sentence(status)


@given(
    place=st.sampled_from(Place),
    result=st.sampled_from([None, GRADED, TIMED_OUT]),
    publish=st.sampled_from([NOW, MANUAL, LATER]),
    snapshot=st.sampled_from([None, a_snapshot(), a_snapshot(paused="disk", resting=2)]),
    ahead=st.integers(0, 10_000),
)
def test_whatever_the_facts_there_is_something_to_say(
    place: Place,
    result: CountedResult | None,
    publish: PublishRule,
    snapshot: QueueSnapshot | None,
    ahead: int,
) -> None:
    status = decided(place, result=result, publish=publish, snapshot=snapshot, ahead=ahead)
    told = as_json(status, "/p/")
    assert told["message"].endswith(".")
    assert told["label"]
    assert (told["verdict"] is None) or told["published"]
    assert (told["position"] is None) or told["position"] >= 1


# --- questions ------------------------------------------------------------------------------------


def spec(**hidden: bool) -> AutograderSpec:
    questions = tuple(QuestionSpec(name, 2.0, hidden=is_so) for name, is_so in hidden.items())
    return AutograderSpec(Sha256("a" * 64), questions, 2.0 * len(questions))


def scores(*names: str) -> list[QuestionScore]:
    return [QuestionScore(name, 0.5 + number, 2.0) for number, name in enumerate(names)]


def test_questions_with_a_hidden_test_are_told_as_one_sum() -> None:
    told = questions_told(
        scores("q1", "q2", "q3", "q4"), spec(q1=False, q2=True, q3=False, q4=True)
    )
    assert told is not None
    assert [question.question for question in told.shown] == ["q1", "q3"]
    assert told.hidden == Score(1.5 + 3.5, 4.0)


def test_without_hidden_tests_every_question_is_told() -> None:
    told = questions_told(scores("q1", "q2"), spec(q1=False, q2=False))
    assert told is not None
    assert len(told.shown) == 2
    assert told.hidden is None


def test_a_question_that_the_spec_does_not_have_counts_as_hidden() -> None:
    told = questions_told(scores("q1", "q9"), spec(q1=False))
    assert told is not None
    assert [question.question for question in told.shown] == ["q1"]
    assert told.hidden == Score(1.5, 2.0)


def test_without_the_spec_nothing_is_told_of_questions() -> None:
    assert questions_told(scores("q1"), None) is None
    assert questions_told([], spec(q1=False)) is None
