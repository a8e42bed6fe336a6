"""Grades arrive at the LMS, whatever it does meanwhile, and what became of each is written down."""

from __future__ import annotations

import itertools
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from gofer_ingest.grader.passback import decide, loop
from gofer_ingest.grader.passback.recipients import recipient_of
from shared.catalogue.passback import Names, Zeros
from shared.errors import ConfigError
from shared.grade_policy import GradePolicy
from shared.gradebook import outbox, outbox_requests
from shared.gradebook.outbox import State
from shared.gradebook.outbox_list import postings
from shared.gradebook.roster import import_rows
from shared.gradebook.staff_requests import Outcome, done_request
from shared.gradebook.transactions import writing
from shared.lti.answers import cannot_withdraw
from shared.model import AttemptsPolicy, Score, utc_now
from shared.requests import (
    RosterImportPayload,
    RosterRow,
    Selection,
    Source,
)
from tests.support.posting_room import KEY, PostingRoom, asked, decide_on, posted
from tests.support.processes import wait_until
from tests.support.scripted_lms import (
    BROKEN,
    CLOSED,
    CUT,
    LOCKED_OUT,
    UNAVAILABLE,
    throttled,
)
from tests.unit.shared.gradebook_samples import graded, record, submitted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shared.lti.port import LmsAnswer


@pytest.fixture
def room(tmp_path: Path, database_url: str | None) -> Iterator[PostingRoom]:
    made = PostingRoom(tmp_path, database_url)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decide, "FIRST_WAIT_S", 0.002)
    monkeypatch.setattr(decide, "LONGEST_WAIT_S", 0.02)
    monkeypatch.setattr(decide, "LONGEST_PAUSE_S", 0.02)
    monkeypatch.setattr(decide, "SETUP_PAUSE_S", 0.05)
    monkeypatch.setattr(loop, "GRADEBOOK_WAIT_S", 0.02)
    monkeypatch.setattr(loop, "COUNT_EVERY_S", 0.05)
    monkeypatch.setattr(loop, "BROKEN_WAIT_S", 0.02)


def test_a_grade_arrives_and_its_row_says_so(room: PostingRoom) -> None:
    room.grade("ada", 7.5)
    room.post_until_quiet()
    assert room.lms.holds("ada") == 0.75
    (row,) = room.rows()
    assert (row.state, row.tries, row.answer_status) == ("sent", 1, 200)
    assert row.message == "The LMS has the grade."
    assert row.sent_at is not None


def test_a_grade_made_while_the_loop_waits_arrives_when_the_bell_rings(room: PostingRoom) -> None:
    with room.posting() as running:
        wait_until(lambda: running.outlook() is not None)
        room.grade("ada", 5)
        running.ring()
        wait_until(lambda: room.lms.holds("ada") == 0.5, within_s=10)


@pytest.mark.parametrize("fault", [UNAVAILABLE, BROKEN, CUT, throttled(0.01), OSError("bug")])
def test_a_fault_that_passes_costs_tries_and_no_grade(
    room: PostingRoom, fault: LmsAnswer | Exception
) -> None:
    room.lms.will_answer(*[fault] * 5)
    room.grade("ada", 5)
    room.post_until_quiet()
    assert room.lms.holds("ada") == 0.5
    assert (room.state("ada"), room.rows()[0].tries) == ("sent", 6)


def test_a_connection_cut_after_the_grade_was_saved_ends_in_the_right_value(
    room: PostingRoom,
) -> None:
    room.lms.cuts_after_saving = 2
    room.grade("ada", 5)
    room.post_until_quiet()
    assert room.lms.holds("ada") == 0.5
    assert room.lms.seen["ada"] == [0.5, 0.5, 0.5]
    assert room.states("ada") == ["sent"]


def test_what_an_lms_asks_to_wait_is_waited(room: PostingRoom) -> None:
    room.lms.will_answer(throttled(0.5))
    room.grade("ada", 5)
    began = time.monotonic()
    room.post_until_quiet()
    assert time.monotonic() - began >= 0.5
    assert room.lms.holds("ada") == 0.5


def test_an_lms_that_asks_to_wait_is_left_alone_with_all_grades(room: PostingRoom) -> None:
    room.passback = posted(concurrency=1)
    room.lms.will_answer(throttled(0.4))
    for student in ("ada", "bob", "cyd"):
        room.grade(student, 5)
    with room.posting():
        wait_until(lambda: room.lms.calls == 1)
        began = time.monotonic()
        wait_until(lambda: room.lms.calls > 1)
        assert time.monotonic() - began >= 0.3
        wait_until(room.is_quiet)


def test_what_is_refused_is_set_aside_with_the_reason_and_not_sent_again(
    room: PostingRoom,
) -> None:
    room.lms.will_answer(CLOSED)
    room.grade("ada", 5)
    room.post_until_quiet()
    (row,) = room.rows()
    assert (row.state, row.cause, row.message) == ("failed", "closed", CLOSED.text)
    room.post_until_quiet()
    assert room.lms.calls == 1


def test_tries_are_bounded_and_a_dead_letter_can_be_sent_again(
    room: PostingRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decide, "MAX_TRIES", 3)
    room.lms.will_answer(*[BROKEN] * 3)
    room.grade("ada", 5)
    room.post_until_quiet()
    (row,) = room.rows()
    assert (row.state, row.tries, row.answer_status) == ("failed", 3, 500)
    assert room.retry(student="ada").outcome is Outcome.DONE
    room.post_until_quiet()
    assert room.states("ada") == ["superseded", "sent"]
    first, second = room.rows()
    assert first.message == BROKEN.text  # what it said then is kept
    assert second.graded_at > first.graded_at


def test_an_lms_that_is_away_is_waited_for_longer(
    room: PostingRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decide, "MAX_TRIES", 2)
    monkeypatch.setattr(decide, "PATIENCE_WHILE_AWAY", 10)
    room.lms.will_answer(*[UNAVAILABLE] * 15)
    room.grade("ada", 5)
    room.post_until_quiet()
    assert room.state("ada") == "sent"


def test_a_wrong_secret_keeps_the_queue_and_is_told(
    room: PostingRoom, caplog: pytest.LogCaptureFixture
) -> None:
    room.lms.will_answer(*[LOCKED_OUT] * 6)
    for number in range(5):
        room.grade(f"s{number}", 5)
    with room.posting() as running:
        wait_until(lambda: "lms" in (o.troubled if (o := running.outlook()) else ()))
        wait_until(room.is_quiet)
        wait_until(lambda: (o := running.outlook()) is not None and not o.troubled)
    assert {row.state for row in room.rows()} == {"sent"}
    actions = [getattr(line, "action", "") for line in caplog.records]
    assert actions.count("passback_paused") == 1


def test_secrets_that_cannot_be_read_keep_the_queue(room: PostingRoom) -> None:
    room.grade("ada", 5)
    running = room.loop()
    failures = iter([ConfigError("key_file: cannot be read")] * 2)

    def connect() -> object:
        for failure in failures:
            raise failure
        return room.lms

    running.lanes[0].connect = connect  # type: ignore[assignment]
    room.loop = lambda: running  # type: ignore[method-assign]
    room.post_until_quiet()
    assert room.state("ada") == "sent"


def test_an_lms_that_hangs_holds_up_nobody_else_and_no_stop(room: PostingRoom) -> None:
    room.lms.gate.clear()
    for number in range(10):
        room.grade(f"s{number}", 5)
        room.grade(f"s{number}", 5, course="other")
    with room.posting() as running:
        running.ring()
        wait_until(lambda: len(room.other.held) == 10, within_s=20)
        assert room.lms.held == {}
        began = time.monotonic()
    assert time.monotonic() - began < 10
    room.lms.gate.set()


def test_one_lms_gets_no_more_at_one_time_than_it_may(room: PostingRoom) -> None:
    room.passback = posted(concurrency=3)
    for number in range(20):
        room.grade(f"s{number}", 5)
    room.lms.gate.clear()
    with room.posting():
        wait_until(lambda: room.lms.calls == 3)
        room.lms.gate.set()
        wait_until(room.is_quiet)
    assert room.lms.at_one_time == 3


def test_a_newer_grade_waits_for_the_older_one_and_is_the_one_that_stays(
    room: PostingRoom,
) -> None:
    room.lms.gate.clear()
    room.grade("ada", 3)
    with room.posting() as running:
        wait_until(lambda: room.lms.calls == 1)
        room.grade("ada", 5)
        room.grade("ada", 8)
        running.ring()
        assert room.states("ada") == ["superseded", "superseded", "queued"]
        room.lms.gate.set()
        wait_until(room.is_quiet)
    assert room.lms.seen["ada"] == [0.3, 0.8]
    assert room.states("ada") == ["superseded", "superseded", "sent"]
    first = room.rows("ada")[0]
    assert first.sent_at is not None  # it had arrived all the same


def test_the_times_of_one_students_grades_grow_by_a_second_or_more(room: PostingRoom) -> None:
    for points in range(1, 6):
        room.grade("ada", points)
    times = [row.graded_at for row in room.rows("ada")]
    assert all(b - a >= timedelta(seconds=1) for a, b in itertools.pairwise(times))


def test_the_same_points_again_are_not_sent_again(room: PostingRoom) -> None:
    room.grade("ada", 5)
    room.post_until_quiet()
    room.grade("ada", 10, 20)  # another run, the same fraction: best keeps the first
    room.grade("ada", 4)
    assert room.states("ada") == ["sent"]


def test_a_held_assignment_is_not_sent_until_it_is_released(room: PostingRoom) -> None:
    room.passback = posted(hold=True)
    room.grade("ada", 5)
    room.post_until_quiet()
    assert (room.state("ada"), room.lms.calls) == ("held", 0)
    answer = room.set_hold(is_held=False)
    assert "1 grade released" in answer.message
    room.post_until_quiet()
    assert (room.state("ada"), room.lms.holds("ada")) == ("sent", 0.5)
    room.set_hold(is_held=True)
    room.grade("ada", 6)
    room.post_until_quiet()
    assert (room.state("ada"), room.lms.holds("ada")) == ("held", 0.5)


def test_what_the_course_config_leaves_open_post_grade_decides(room: PostingRoom) -> None:
    room.holds_unless_told = True
    room.grade("ada", 5)
    room.post_until_quiet()
    assert room.state("ada") == "held"
    room.passback = posted(hold=False)
    room.post_until_quiet()
    assert room.state("ada") == "sent"


def test_staff_send_what_is_held_by_name(room: PostingRoom) -> None:
    room.passback = posted(hold=True)
    for student in ("ada", "bob"):
        room.grade(student, 5)
    room.post_until_quiet()
    assert room.send(student="ada").message == "1 grade to be sent."
    room.post_until_quiet()
    assert (room.state("ada"), room.state("bob")) == ("sent", "held")


def test_a_hold_keeps_what_staff_asked_to_be_sent_and_has_not_gone(room: PostingRoom) -> None:
    room.grade("ada", 5)
    room.send(student="ada")
    room.set_hold(is_held=True)
    room.post_until_quiet()
    assert (room.state("ada"), room.lms.calls) == ("held", 0)
    assert room.send(student="ada").outcome is Outcome.DONE
    room.post_until_quiet()
    assert room.lms.holds("ada") == 0.5


def test_a_hold_keeps_what_waits_for_an_lms_that_is_away(
    room: PostingRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decide, "FIRST_WAIT_S", 3600.0)
    monkeypatch.setattr(decide, "LONGEST_WAIT_S", 3600.0)
    room.grade("ada", 5)
    room.send(student="ada")
    room.lms.will_answer(UNAVAILABLE)
    with room.posting():
        wait_until(lambda: room.rows()[-1].tries == 1)
    room.set_hold(is_held=True)
    room.post_until_quiet()
    assert (room.state("ada"), room.posting_of("ada").cause) == ("held", "hold")
    assert "1 grade released" in room.set_hold(is_held=False).message
    room.post_until_quiet()
    assert room.lms.holds("ada") == 0.5


def test_zeros_are_held_where_the_course_config_says_so(room: PostingRoom) -> None:
    room.passback = posted(zeros=Zeros.HOLD)
    room.grade("ada", 0)
    room.grade("bob", 1)
    room.post_until_quiet()
    assert (room.state("ada"), room.state("bob")) == ("held", "sent")
    room.passback = posted(zeros=Zeros.SEND)
    room.post_until_quiet()
    assert room.lms.holds("ada") == 0.0


def test_grades_of_a_batch_are_held_until_staff_send_them(room: PostingRoom) -> None:
    envelope = submitted("ada")
    payload = envelope.payload.model_copy(update={"source": Source.BATCH})
    record(room.gradebook, envelope.model_copy(update={"payload": payload}), graded(5))
    room.grade("bob", 5)
    room.post_until_quiet()
    assert (room.state("ada"), room.state("bob")) == ("held", "sent")
    released = room.set_hold(is_held=False)
    assert "Held still: 1 grade" in released.message
    room.send(student="ada")
    room.post_until_quiet()
    assert room.lms.holds("ada") == 0.5


def test_the_same_score_of_a_notebook_that_the_student_sent_is_not_held_with_the_batch(
    room: PostingRoom,
) -> None:
    envelope, latest = submitted("ada"), GradePolicy(attempts=AttemptsPolicy.LATEST)
    payload = envelope.payload.model_copy(update={"source": Source.BATCH})
    record(room.gradebook, envelope.model_copy(update={"payload": payload}), graded(5), latest)
    room.post_until_quiet()
    assert room.state("ada") == "held"
    record(room.gradebook, submitted("ada", minutes=5), graded(5), latest)
    room.post_until_quiet()
    assert room.states("ada") == ["superseded", "sent"]
    assert room.lms.holds("ada") == 0.5


def test_what_staff_decide_goes_to_the_lms_and_so_does_taking_it_back(room: PostingRoom) -> None:
    room.grade("ada", 5)
    room.post_until_quiet()
    for points, fraction in ((9, 0.9), (None, 0.5)):
        decide_on(room, "ada", points)
        assert room.state("ada") == "queued"  # in the same transaction
        room.post_until_quiet()
        assert room.lms.holds("ada") == fraction


def test_a_grade_that_is_taken_back_is_not_sent_and_given_again_it_is(room: PostingRoom) -> None:
    running = room.loop()
    decide_on(room, "ada", 5)
    decide_on(room, "ada", None)
    with room.posting(running):
        wait_until(room.is_quiet)
    assert room.states("ada") == ["superseded"]
    assert room.lms.calls == 0
    decide_on(room, "ada", 5)
    room.post_until_quiet()
    assert room.state("ada") == "sent"
    assert room.lms.holds("ada") == 0.5


def test_a_grade_that_arrived_and_is_taken_back_is_taken_out_at_the_lms(room: PostingRoom) -> None:
    decide_on(room, "ada", 5)
    room.post_until_quiet()
    decide_on(room, "ada", None)
    (listed,) = postings(room.gradebook, Selection(every=True))
    assert (listed.score, listed.state, listed.sent) == (None, "queued", Score(5, 10))
    room.post_until_quiet()
    assert room.lms.seen["ada"] == [0.5, None]
    assert room.states("ada") == ["sent", "sent"]
    (listed,) = postings(room.gradebook, Selection(every=True), frozenset({State.SENT}))
    assert (listed.score, listed.state, listed.sent) == (None, "sent", None)
    assert listed.sent_at is not None
    # The same points as before are news to the LMS now.
    decide_on(room, "ada", 5)
    room.post_until_quiet()
    assert room.lms.seen["ada"] == [0.5, None, 0.5]
    (listed,) = postings(room.gradebook, Selection(every=True))
    assert (listed.score, listed.sent) == (Score(5, 10), Score(5, 10))


def test_a_grade_whose_answer_was_lost_is_taken_out_as_well(room: PostingRoom) -> None:
    room.lms.cuts_after_saving = 1
    decide_on(room, "ada", 5)
    with room.posting() as running:
        wait_until(lambda: room.lms.holds("ada") == 0.5)
        decide_on(room, "ada", None)
        running.ring()
        wait_until(lambda: room.is_quiet() and room.lms.holds("ada") is None)
    assert room.state("ada") == "sent"


@pytest.mark.parametrize("is_held", [False, True])
def test_a_grade_that_was_on_its_way_when_the_grader_was_killed_is_taken_out(
    room: PostingRoom, *, is_held: bool
) -> None:
    decide_on(room, "ada", 5)
    kill_as_it_sends(room)
    room.set_hold(is_held=is_held)
    decide_on(room, "ada", None)
    room.set_hold(is_held=False)
    room.post_until_quiet()
    assert room.lms.holds("ada") is None
    assert room.states("ada") == ["superseded", "sent"]


def test_a_grade_that_was_refused_after_its_first_answer_was_lost_is_taken_out(
    room: PostingRoom,
) -> None:
    decide_on(room, "ada", 5)
    kill_as_it_sends(room)
    room.lms.will_answer(CLOSED)
    room.post_until_quiet()
    decide_on(room, "ada", None)
    room.post_until_quiet()
    assert (room.states("ada"), room.lms.holds("ada")) == (["superseded", "sent"], None)


def kill_as_it_sends(room: PostingRoom) -> None:
    """The grade arrives, and nobody lives to write it down."""
    now = utc_now()
    with writing(room.gradebook, "test") as connection:
        (item,) = outbox.due(connection, [KEY], now, 1)
        assert outbox.begin(connection, item, now)
    assert [row.in_doubt_since for row in room.rows("ada")] == [now]
    room.lms.held["ada"] = (item.score.points / item.score.possible, item.graded_at)


@pytest.mark.parametrize("is_asked_for", [False, True])
def test_what_staff_hold_just_as_it_is_to_be_sent_stays_here(
    room: PostingRoom, monkeypatch: pytest.MonkeyPatch, *, is_asked_for: bool
) -> None:
    held: list[object] = []

    def just_before(*given: Any) -> object:
        found = recipient_of(*given)
        if not held:
            held.append(room.set_hold(is_held=True))
        return found

    monkeypatch.setattr(loop, "recipient_of", just_before)
    room.grade("ada", 5)
    if is_asked_for:
        room.send(student="ada")
    room.post_until_quiet()
    assert (room.state("ada"), room.lms.calls) == ("held", 0)


def test_an_lms_that_keeps_what_is_taken_back_leaves_it_to_staff(room: PostingRoom) -> None:
    decide_on(room, "ada", 5)
    room.post_until_quiet()
    room.lms.will_answer(cannot_withdraw())
    decide_on(room, "ada", None)
    room.post_until_quiet()
    assert (room.state("ada"), room.rows()[-1].cause) == ("failed", "unsupported")
    assert room.lms.holds("ada") == 0.5
    assert room.retry(student="ada").outcome is Outcome.DONE
    room.post_until_quiet()
    assert room.state("ada") == "sent"
    assert room.lms.holds("ada") is None


def test_what_is_taken_back_of_a_held_assignment_waits_and_staff_can_send_it(
    room: PostingRoom,
) -> None:
    decide_on(room, "ada", 5)
    room.post_until_quiet()
    room.set_hold(is_held=True)
    decide_on(room, "ada", None)
    room.post_until_quiet()
    assert (room.state("ada"), room.lms.holds("ada")) == ("held", 0.5)
    assert room.send(student="ada").outcome is Outcome.DONE
    room.post_until_quiet()
    assert room.lms.holds("ada") is None


def test_a_teachers_own_grade_at_the_lms_is_not_taken_out(room: PostingRoom) -> None:
    decide_on(room, "ada", 5)
    room.post_until_quiet()
    room.lms.held["ada"] = (0.9, utc_now() + timedelta(days=1))
    decide_on(room, "ada", 6)
    room.post_until_quiet()
    decide_on(room, "ada", None)
    room.post_until_quiet()
    assert room.lms.holds("ada") == 0.9
    assert room.lms.seen["ada"] == [0.5, 0.6]


def test_what_staff_dismiss_is_sent_no_more_until_the_grade_is_another(room: PostingRoom) -> None:
    room.lms.will_answer(CLOSED)
    room.grade("ada", 5)
    room.post_until_quiet()
    assert room.dismiss(student="ada") == (Outcome.DONE, "1 grade dismissed.")
    (row,) = room.rows()
    assert (row.state, row.cause) == ("superseded", "dismissed")
    assert row.message == f"Dismissed by ta. {CLOSED.text}"
    assert room.dismiss(student="ada").outcome is Outcome.REFUSED
    assert room.retry(student="ada").outcome is Outcome.REFUSED
    room.grade("ada", 5)
    room.post_until_quiet()
    assert room.lms.calls == 1
    room.grade("ada", 7)
    room.post_until_quiet()
    assert room.lms.holds("ada") == 0.7


def test_what_staff_took_out_by_hand_can_be_dismissed(room: PostingRoom) -> None:
    decide_on(room, "ada", 5)
    room.post_until_quiet()
    room.lms.will_answer(cannot_withdraw())
    decide_on(room, "ada", None)
    room.post_until_quiet()
    assert room.dismiss(student="ada").outcome is Outcome.DONE
    assert postings(room.gradebook, Selection(student="ada")) == []
    decide_on(room, "ada", 6)
    room.post_until_quiet()
    assert room.lms.holds("ada") == 0.6
    decide_on(room, "ada", None)
    room.post_until_quiet()
    assert room.lms.holds("ada") is None


def test_what_was_seen_to_by_hand_is_not_taken_out(room: PostingRoom) -> None:
    room.lms.will_answer(CLOSED)
    decide_on(room, "ada", 6)
    room.post_until_quiet()
    room.dismiss(student="ada")
    room.lms.held["ada"] = (0.6, utc_now())
    decide_on(room, "ada", None)
    room.post_until_quiet()
    assert room.lms.holds("ada") == 0.6
    assert room.lms.calls == 1


def is_read(room: PostingRoom) -> bool:
    row = room.rows("ada")[-1]
    return row.read_at is not None and bool(row.read_at >= row.read_asked_at)


def test_what_was_taken_out_can_be_read_and_a_grade_there_differs(room: PostingRoom) -> None:
    decide_on(room, "ada", 5)
    room.post_until_quiet()
    decide_on(room, "ada", None)
    room.post_until_quiet()
    for held, differs in ((None, False), (0.5, True)):
        room.lms.held["ada"] = (held, utc_now())
        outbox_requests.ask_to_read(room.gradebook, asked(), Selection(student="ada"))
        with room.posting():
            wait_until(lambda: is_read(room))
        assert room.posting_of("ada").read_fraction == held
        assert room.posting_of("ada").differs is differs


def test_who_is_not_in_the_roster_waits_for_it(room: PostingRoom) -> None:
    room.passback = posted(students=Names.ROSTER)
    room.grade("ada", 5)
    with room.posting() as running:
        wait_until(lambda: room.state("ada") == "parked")
        assert "roster import" in room.rows("ada")[0].message
        payload = RosterImportPayload(
            file="roster.csv", rows=(RosterRow(student="ada", user_id="lms-7"),)
        )
        request = asked(payload)
        told = import_rows(room.gradebook, request, payload, "1 student.")
        assert told == "1 student. 1 grade waited for it."
        kept = done_request(room.gradebook, request.id)
        assert kept is not None
        assert kept.message == told
        running.ring()
        wait_until(lambda: room.state("ada") == "sent")
    assert room.lms.holds("lms-7") == 0.5


def test_a_hold_keeps_what_staff_asked_to_be_sent_and_waits_for_the_roster(
    room: PostingRoom,
) -> None:
    room.passback = posted(students=Names.ROSTER)
    room.grade("ada", 5)
    room.send(student="ada")
    room.post_until_quiet()
    room.set_hold(is_held=True)
    payload = RosterImportPayload(
        file="roster.csv", rows=(RosterRow(student="ada", user_id="lms-7"),)
    )
    import_rows(room.gradebook, asked(payload), payload, "1 student.")
    room.post_until_quiet()
    assert (room.state("ada"), room.lms.calls) == ("held", 0)


def test_what_is_not_posted_is_parked_and_says_so(room: PostingRoom) -> None:
    room.grade("ada", 5, course="unposted")
    room.post_until_quiet()
    (row,) = room.rows()
    assert (row.state, row.cause) == ("parked", "not_posted")


def test_staff_are_told_of_grades_that_go_to_no_lms_and_only_the_others_are_sent(
    room: PostingRoom,
) -> None:
    room.grade("ada", 5, course="unposted")
    room.post_until_quiet()
    for ask in (room.send, room.retry):
        answer = ask(student="ada")
        assert answer.outcome is Outcome.REFUSED
        assert "1 grade cannot be sent: the course config does not say" in answer.message
        assert room.states("ada") == ["parked"]
    room.grade("bob", 5)
    both = room.send(section="fa26")
    assert both.outcome is Outcome.DONE
    assert "1 grade to be sent. 1 grade cannot be sent:" in both.message
    room.post_until_quiet()
    assert (room.states("ada"), room.state("bob")) == (["parked"], "sent")


def test_what_an_lms_holds_is_asked_and_told_apart(room: PostingRoom) -> None:
    for student in ("ada", "bob"):
        room.grade(student, 5)
    room.post_until_quiet()
    room.lms.held["bob"] = (0.9, room.lms.held["bob"][1])  # somebody changed it there
    answer = outbox_requests.ask_to_read(room.gradebook, asked(), Selection(course="demo101"))
    assert answer.outcome is Outcome.DONE
    with room.posting():
        wait_until(lambda: all(room.posting_of(s).read_at for s in ("ada", "bob")))
    assert not room.posting_of("ada").differs
    assert room.posting_of("bob").differs
    assert room.posting_of("bob").read_fraction == 0.9


def test_a_teachers_newer_grade_at_the_lms_is_not_fought_over(room: PostingRoom) -> None:
    room.grade("ada", 5)
    future = room.rows("ada")[0].graded_at + timedelta(days=1)
    room.lms.held["ada"] = (1.0, future)
    room.post_until_quiet()
    assert (room.state("ada"), room.lms.holds("ada")) == ("superseded", 1.0)
    assert room.rows("ada")[0].cause == "too_old"


def test_a_teachers_grade_stays_where_the_same_grade_is_only_made_anew(room: PostingRoom) -> None:
    decide_on(room, "ada", 5)
    teachers = (0.9, room.rows("ada")[0].graded_at + timedelta(milliseconds=1))
    room.lms.held["ada"] = teachers
    room.post_until_quiet()
    assert room.rows("ada")[0].cause == "too_old"
    decide_on(room, "ada", 5)  # another row of record, of the same points
    room.post_until_quiet()
    assert room.lms.held["ada"] == teachers
    decide_on(room, "ada", 6)
    room.post_until_quiet()
    assert (room.state("ada"), room.lms.holds("ada")) == ("sent", 0.6)


def test_who_comes_into_the_roster_just_as_a_grade_is_parked_is_not_left_there(
    room: PostingRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.passback = posted(students=Names.ROSTER)
    payload = RosterImportPayload(
        file="roster.csv", rows=(RosterRow(student="ada", user_id="lms-7"),)
    )
    imported: list[str] = []

    def just_before(*given: Any) -> object:
        found = recipient_of(*given)
        if not imported:
            imported.append(import_rows(room.gradebook, asked(payload), payload, "1 student."))
        return found

    monkeypatch.setattr(loop, "recipient_of", just_before)
    room.grade("ada", 5)
    room.post_until_quiet()
    assert (room.state("ada"), room.lms.holds("lms-7")) == ("sent", 0.5)


def test_what_is_released_just_as_it_is_held_goes_out(
    room: PostingRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.set_hold(is_held=True)
    holds = outbox_requests.holds
    released: list[object] = []

    def just_before(connection: Any) -> object:
        found = holds(connection)
        if not released:
            released.append(room.set_hold(is_held=False))
        return found

    monkeypatch.setattr(loop, "holds", just_before)
    room.grade("ada", 5)
    room.post_until_quiet()
    assert (room.state("ada"), room.lms.holds("ada")) == ("sent", 0.5)


def test_of_a_hold_and_a_release_the_one_asked_for_last_is_in_force(room: PostingRoom) -> None:
    first, second = asked(), asked()
    outbox_requests.set_hold(room.gradebook, second, [KEY], is_held=True)
    outbox_requests.set_hold(room.gradebook, first, [KEY], is_held=False)  # the disk was full
    room.grade("ada", 5)
    room.post_until_quiet()
    assert (room.state("ada"), room.lms.calls) == ("held", 0)


def test_a_gradebook_that_is_locked_delays_answers_and_loses_none(
    room: PostingRoom, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from shared.errors import GradebookError  # noqa: PLC0415
    from shared.gradebook import outbox  # noqa: PLC0415

    real, left = outbox.record_move, [1, 2, 3]

    def locked(*arguments: object) -> None:
        if left:
            left.pop()
            raise GradebookError("Locked.")
        real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(outbox, "record_move", locked)
    room.grade("ada", 5)
    room.post_until_quiet()
    assert (room.state("ada"), room.lms.calls) == ("sent", 1)
    assert [r.action for r in caplog.records if hasattr(r, "action")].count("passback_waits") == 1


@pytest.mark.parametrize("where", ["due", "record_move", "figures", "to_read", "has_elsewhere"])
def test_what_nobody_foresaw_is_logged_and_waited_out_and_passback_goes_on(
    room: PostingRoom,
    where: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    works, failures = getattr(outbox, where), iter(range(3))

    def fails_at_first(*given: object, **named: object) -> object:
        if next(failures, None) is not None:
            raise ZeroDivisionError("a mistake in Gofer")
        return works(*given, **named)

    monkeypatch.setattr(outbox, where, fails_at_first)
    room.grade("ada", 5)
    with room.posting() as running:
        wait_until(lambda: room.is_quiet() and running.outlook() is not None)
        room.grade("ben", 7)
        running.ring()
        wait_until(lambda: room.lms.holds("ben") == 0.7)
    assert room.lms.holds("ada") == 0.5
    broken = [one for one in caplog.records if vars(one).get("action") == "passback_turn_broke"]
    assert [vars(one)["times"] for one in broken] == [1, 2, 3]
    assert all(one.exc_info and one.exc_info[0] is ZeroDivisionError for one in broken)


def test_a_loop_that_fails_at_every_turn_is_patient_and_stops_when_asked(
    room: PostingRoom, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(loop, "BROKEN_WAIT_S", 3600.0)
    monkeypatch.setattr(decide, "LONGEST_PAUSE_S", 3600.0)
    monkeypatch.setattr(outbox, "has_elsewhere", lambda *_: 1 / 0)
    room.grade("ada", 5)
    with room.posting() as running:
        wait_until(lambda: "passback_turn_broke" in actions_of(caplog))
        for _ in range(100):
            running.ring()
    assert actions_of(caplog).count("passback_turn_broke") == 1


def test_one_grade_that_gofer_stumbles_over_holds_up_no_other(
    room: PostingRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decide, "MAX_TRIES", 3)
    works = recipient_of

    def stumbles(student: str, *rest: Any) -> object:
        if student == "ada":
            raise ZeroDivisionError("a mistake in Gofer")
        return works(student, *rest)

    monkeypatch.setattr(loop, "recipient_of", stumbles)
    room.grade("ada", 5)
    room.grade("ben", 7)
    room.post_until_quiet()
    assert room.lms.holds("ben") == 0.7
    assert (room.state("ada"), room.rows("ada")[0].cause) == ("failed", "internal")


def test_one_reading_that_gofer_stumbles_over_holds_up_no_grade(
    room: PostingRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.grade("ada", 5)
    room.post_until_quiet()
    monkeypatch.setattr(loop, "known_of", lambda *_: 1 / 0)
    outbox_requests.ask_to_read(room.gradebook, asked(), Selection(student="ada"))
    with room.posting():
        wait_until(lambda: is_read(room))
    assert room.posting_of("ada").read_message == "Gofer itself failed; its log says how."


def actions_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [vars(one).get("action", "") for one in caplog.records]


def test_a_course_without_an_lms_has_no_figures(room: PostingRoom) -> None:
    room.grade("ada", 5)
    running = loop.PassbackLoop(room.gradebook, [], holds_unless_told=True)
    with room.posting(running):
        wait_until(lambda: room.state("ada") == "parked")
    assert running.outlook() is None


def test_figures_tell_depth_and_age(room: PostingRoom) -> None:
    room.lms.gate.clear()
    room.grade("ada", 5)
    room.grade("bob", 5, course="unposted")
    with room.posting() as running:
        wait_until(lambda: (o := running.outlook()) is not None and o.parked == 1)
        outlook = running.outlook()
        assert outlook is not None
        assert (outlook.queued, outlook.parked, outlook.failed) == (1, 1, 0)
        assert outlook.oldest_queued_at is not None
        room.lms.gate.set()
