"""A regrade is one transaction to start, shown at leisure, and one to apply or cancel."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, insert

from shared.grade_policy import GradePolicy, LateRule
from shared.gradebook import facts, tables
from shared.gradebook.flagged import accept_run, flagged_runs
from shared.gradebook.grades import recompute_grades
from shared.gradebook.regrades import ending, on_record
from shared.gradebook.regrades.comparison import Effect
from shared.gradebook.regrades.items import (
    begin_item_try,
    give_up_item,
    item_tries,
    items_left,
    open_regrades,
    record_regrade_run,
)
from shared.gradebook.regrades.progress import last_ends, regrades, seconds_left
from shared.gradebook.staff_requests import Outcome, done_request, insert_request
from shared.gradebook.transactions import writing
from shared.model import AttemptsPolicy, RegradeId, RunReason, SubmissionId, Verdict
from shared.requests import AcceptFlaggedPayload
from tests.unit.shared.gradebook_samples import (
    NOON,
    ended,
    fresh_gradebook,
    graded,
    record,
    sql,
    submitted,
    ungraded,
)
from tests.unit.shared.regrade_samples import (
    NEW_ZIP,
    apply,
    cancel,
    find,
    grades_dump,
    of_record,
    preview,
    regraded,
    request,
    start,
    started,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine


@pytest.fixture
def engine(tmp_path: Path, database_url: str | None) -> Iterator[Engine]:
    opened = fresh_gradebook(tmp_path, database_url)
    yield opened
    opened.dispose()


def hand_in(engine: Engine, student: str, points: float, minutes: float = 0) -> SubmissionId:
    envelope = submitted(student, minutes=minutes)
    record(engine, envelope, graded(points))
    return envelope.id


def override(engine: Engine, student: str, points: float) -> None:
    """Staff's own score stands above the autograde from now on."""
    asked = request(AcceptFlaggedPayload(run=submitted().id))  # any request will do
    with writing(engine, "override") as connection:
        insert_request(connection, asked, Outcome.REFUSED, "", NOON)
        connection.execute(
            insert(tables.overrides).values(
                request_id=asked.id,
                student=student,
                course="demo101",
                section="fa26",
                assignment="lab01",
                score=points,
                points_possible=10.0,
                comment="",
                made_by="ana",
                made_at=NOON,
            )
        )


# --- starting -------------------------------------------------------------------------------------


def test_what_a_regrade_takes_is_frozen_when_it_starts(engine: Engine) -> None:
    ada, bob = hand_in(engine, "ada", 5), hand_in(engine, "bob", 6)
    regrade_id = started(engine)
    hand_in(engine, "cyd", 7)
    assert [item.submission_id for item in items_left(engine)] == [ada, bob]
    assert {item.autograder_sha256 for item in items_left(engine)} == {NEW_ZIP}
    found = find(engine, regrade_id)
    assert (found.state, found.submissions, found.left) == ("running", 2, 2)
    assert (found.requested_by, found.reason) == ("ana", "q1 was wrong")
    assert open_regrades(engine) == {regrade_id}


def test_the_answer_says_how_many_and_is_on_record(engine: Engine) -> None:
    hand_in(engine, "ada", 5)
    hand_in(engine, "ada", 6, minutes=1)
    regrade_id, outcome, message = start(engine)
    assert outcome is Outcome.DONE
    assert "2 submissions of 1 student" in message
    done = done_request(engine, SubmissionId(regrade_id))
    assert done is not None
    assert (done.outcome, done.message) == (outcome, message)


def test_nothing_to_regrade_is_refused_and_leaves_no_regrade(engine: Engine) -> None:
    hand_in(engine, "ada", 5)
    _, outcome, _ = start(engine, students=("nobody",))
    assert outcome is Outcome.REFUSED
    assert regrades(engine) == ()


def test_submissions_of_another_assignment_are_not_taken(engine: Engine) -> None:
    ada = hand_in(engine, "ada", 5)
    for other in (submitted(assignment="lab02"), submitted(section="sp27")):
        record(engine, other, graded(1))
    started(engine)
    assert [item.submission_id for item in items_left(engine)] == [ada]


def test_a_classic_grade_has_no_notebook_and_is_not_taken(engine: Engine) -> None:
    ada = hand_in(engine, "ada", 5)
    bob = hand_in(engine, "bob", 5)
    sql(
        engine,
        "UPDATE submissions SET source = 'classic', sha256 = NULL, size_bytes = NULL"
        f" WHERE id = '{bob}'",
    )
    started(engine)
    assert [item.submission_id for item in items_left(engine)] == [ada]


def test_questions_and_old_zips_are_looked_up(engine: Engine) -> None:
    short, full = hand_in(engine, "ada", 5), hand_in(engine, "bob", 10)
    started(engine, questions=("q2",))
    assert [item.submission_id for item in items_left(engine)] == [short]
    sql(engine, f"UPDATE grading_runs SET autograder_sha256 = '{NEW_ZIP}'")
    assert start(engine, old_zip=True)[1] is Outcome.REFUSED
    sql(
        engine,
        f"UPDATE grading_runs SET autograder_sha256 = '{'d' * 64}' WHERE submission_id = '{full}'",
    )
    started(engine, old_zip=True)
    assert {item.submission_id for item in items_left(engine)} == {short, full}


def test_a_submission_is_in_one_open_regrade_at_most(engine: Engine) -> None:
    hand_in(engine, "ada", 5)
    hand_in(engine, "bob", 5)
    first = started(engine, students=("ada",))
    started(engine, students=("bob",))
    _, outcome, message = start(engine)
    assert outcome is Outcome.REFUSED
    assert first[-8:] in message
    cancel(engine, first)
    assert start(engine, students=("ada",))[1] is Outcome.DONE


# --- running --------------------------------------------------------------------------------------


def test_a_regrades_run_changes_nothing_before_it_is_applied(engine: Engine) -> None:
    ada = hand_in(engine, "ada", 5)
    before = grades_dump(engine)
    regrade_id = started(engine)
    regraded(engine, {ada: graded(9)})
    assert grades_dump(engine) == before
    assert find(engine, regrade_id).state == "ready"
    assert items_left(engine) == ()


def test_a_run_is_recorded_once(engine: Engine) -> None:
    hand_in(engine, "ada", 5)
    started(engine)
    (item,) = items_left(engine)
    run = ended(graded(9), RunReason.REGRADE, item.regrade_id)
    assert record_regrade_run(engine, item, run)
    again = ended(graded(1), RunReason.REGRADE, item.regrade_id)
    assert not record_regrade_run(engine, item, again)


def test_a_run_that_ends_after_its_regrade_was_cancelled_is_dropped(engine: Engine) -> None:
    hand_in(engine, "ada", 5)
    regrade_id = started(engine)
    (item,) = items_left(engine)
    cancel(engine, regrade_id)
    run = ended(graded(9), RunReason.REGRADE, item.regrade_id)
    assert not record_regrade_run(engine, item, run)
    assert sql(engine, "SELECT 1 FROM grading_runs WHERE reason = 'regrade'") == []


def test_tries_are_counted_and_what_is_given_up_is_named(engine: Engine) -> None:
    ada, bob = hand_in(engine, "ada", 5), hand_in(engine, "bob", 5)
    regrade_id = started(engine)
    of_ada, _ = items_left(engine)
    assert [begin_item_try(engine, of_ada.id) for _ in range(2)] == [1, 2]
    assert item_tries(engine, of_ada.id) == 2
    give_up_item(engine, of_ada.id, "The engine is away.")
    assert [item.submission_id for item in items_left(engine)] == [bob]
    regraded(engine, {bob: graded(7)})
    found = preview(engine, regrade_id)
    assert [(one.submission_id, one.why) for one in found.not_regraded] == [
        (ada, "The engine is away.")
    ]
    assert (found.regrade.given_up, found.regrade.left) == (1, 0)
    assert apply(engine, regrade_id)[0] is Outcome.DONE
    assert of_record(engine) == {"ada": 5.0, "bob": 7.0}


def test_how_long_it_takes_is_told_by_the_pace_of_its_last_runs(engine: Engine) -> None:
    ids = [hand_in(engine, f"student {number}", 5) for number in range(8)]
    regrade_id = started(engine)
    for number, item in enumerate(items_left(engine)[:6]):
        run = ended(graded(9), RunReason.REGRADE, item.regrade_id)
        at = NOON + timedelta(seconds=10 * number)
        record_regrade_run(engine, item, replace(run, finished_at=at))
    ends = last_ends(engine, regrade_id)
    assert ends == tuple(NOON + timedelta(seconds=10 * number) for number in range(6))
    assert seconds_left(len(ids) - 6, ends) == 20.0
    assert seconds_left(2, ends[:2]) is None
    assert seconds_left(0, ()) == 0.0


# --- showing --------------------------------------------------------------------------------------


def test_who_moves_goes_by_the_attempts_policy(engine: Engine) -> None:
    first, second = hand_in(engine, "ada", 8), hand_in(engine, "ada", 5, minutes=1)
    regrade_id = started(engine)
    regraded(engine, {first: graded(2), second: graded(6)})
    for attempts, after in ((AttemptsPolicy.BEST, 6), (AttemptsPolicy.FIRST, 2)):
        (change,) = preview(engine, regrade_id, GradePolicy(attempts=attempts)).changes
        assert change.before is not None
        assert change.after is not None
        assert (change.before.score.points, change.after.score.points) == (8, after)


def test_what_being_late_costs_is_taken_off_before_and_after(engine: Engine) -> None:
    half = GradePolicy(due_at=NOON, late=LateRule(percent=50))
    ada = submitted("ada", minutes=60)
    record(engine, ada, graded(4), half)
    regrade_id = started(engine)
    regraded(engine, {ada.id: graded(8)})
    (change,) = preview(engine, regrade_id, half).changes
    assert (change.points, change.effect) == (2, Effect.MOVES)
    apply(engine, regrade_id, policy=half)
    assert of_record(engine) == {"ada": 4.0}


def test_rules_that_were_changed_move_whom_they_move_by_it_and_are_shown(engine: Engine) -> None:
    ada = hand_in(engine, "ada", 8, minutes=60)
    regrade_id = started(engine)
    regraded(engine, {ada: graded(8)})
    assert preview(engine, regrade_id).of(Effect.MOVES) == ()
    half = GradePolicy(due_at=NOON, late=LateRule(percent=50))
    (change,) = preview(engine, regrade_id, half).of(Effect.MOVES)
    assert change.points == -4
    assert apply(engine, regrade_id, policy=half)[0] is Outcome.DONE
    assert of_record(engine) == {"ada": 4.0}


def test_an_override_hides_the_move_and_goes_on_counting(engine: Engine) -> None:
    ada = hand_in(engine, "ada", 4)
    override(engine, "ada", 10)
    regrade_id = started(engine)
    regraded(engine, {ada: graded(8)})
    (change,) = preview(engine, regrade_id).of(Effect.HIDDEN)
    assert (change.student, change.points) == ("ada", 4)
    assert apply(engine, regrade_id)[0] is Outcome.DONE
    assert of_record(engine) == {"ada": 10.0}
    (change,) = preview(engine, regrade_id).of(Effect.HIDDEN)
    assert (change.student, change.points) == ("ada", 4)


def test_a_run_without_a_score_lowers_nothing_and_is_named(engine: Engine) -> None:
    ada = hand_in(engine, "ada", 4)
    regrade_id = started(engine)
    regraded(engine, {ada: ungraded(Verdict.TIMED_OUT)})
    found = preview(engine, regrade_id)
    assert [one.effect for one in found.changes] == [Effect.STAYS]
    assert [(one.student, one.why) for one in found.without_score] == [("ada", "timed_out")]
    apply(engine, regrade_id)
    assert of_record(engine) == {"ada": 4.0}


def test_a_run_without_a_score_may_get_one(engine: Engine) -> None:
    envelope = submitted("ada")
    record(engine, envelope, ungraded())
    regrade_id = started(engine, choice="failed")
    regraded(engine, {envelope.id: graded(7)})
    (change,) = preview(engine, regrade_id).of(Effect.MOVES)
    assert change.before is None
    apply(engine, regrade_id)
    assert of_record(engine) == {"ada": 7.0}


def test_a_run_that_is_flagged_counts_only_once_staff_accept_it(engine: Engine) -> None:
    ada = hand_in(engine, "ada", 4)
    regrade_id = started(engine)
    tampered = replace(graded(10), flags=frozenset({"tampered"}), staff_text="Tests were changed.")
    regraded(engine, {ada: tampered})
    found = preview(engine, regrade_id)
    assert [(one.student, one.why) for one in found.held] == [("ada", "Tests were changed.")]
    assert found.changes[0].after is None
    apply(engine, regrade_id)
    assert of_record(engine) == {}
    (held,) = flagged_runs(engine)
    asked = request(AcceptFlaggedPayload(run=SubmissionId(held.run_id)))
    accept_run(engine, asked, held, GradePolicy(), "")
    assert of_record(engine) == {"ada": 10.0}


# --- applying and cancelling ----------------------------------------------------------------------


def test_applying_moves_exactly_who_was_shown_to_move(engine: Engine) -> None:
    ids = {student: hand_in(engine, student, 5) for student in ("ada", "bob", "cyd")}
    regrade_id = started(engine)
    results = {ids["ada"]: graded(9), ids["bob"]: graded(5), ids["cyd"]: graded(3)}
    regraded(engine, results)
    shown = preview(engine, regrade_id)
    outcome, message = apply(engine, regrade_id, shown.fingerprint)
    assert outcome is Outcome.DONE, message
    assert "2 grades moved, 1 stayed" in message
    assert of_record(engine) == {"ada": 9.0, "bob": 5.0, "cyd": 3.0}
    after = preview(engine, regrade_id)
    assert after.regrade.state == "applied"
    assert [(one.student, one.points) for one in after.of(Effect.MOVES)] == [
        (one.student, one.points) for one in shown.of(Effect.MOVES)
    ]
    assert open_regrades(engine) == frozenset()


def test_only_grades_that_moved_go_to_the_lms_and_only_once_it_is_applied(engine: Engine) -> None:
    def sent() -> dict[str, int]:
        return dict(sql(engine, "SELECT student, count(*) FROM passbacks GROUP BY student"))

    ids = {student: hand_in(engine, student, 5) for student in ("ada", "bob", "cyd")}
    override(engine, "cyd", 10)
    regrade_id = started(engine)
    results = {ids["ada"]: graded(9), ids["bob"]: graded(5), ids["cyd"]: graded(5)}
    regraded(engine, results)
    assert sent() == {"ada": 1, "bob": 1, "cyd": 1}
    override(engine, "cyd", 5)
    apply(engine, regrade_id)
    assert sent() == {"ada": 2, "bob": 1, "cyd": 1}


def test_a_move_that_was_not_shown_stops_it(engine: Engine) -> None:
    first = hand_in(engine, "ada", 5)
    bob = hand_in(engine, "bob", 5)
    regrade_id = started(engine)
    regraded(engine, {first: graded(7), bob: graded(6)})
    shown = preview(engine, regrade_id).fingerprint
    hand_in(engine, "ada", 9, minutes=5)  # she would no longer move: her new attempt is better
    before = grades_dump(engine)
    outcome, message = apply(engine, regrade_id, shown)
    assert outcome is Outcome.REFUSED
    assert message.startswith("Changed, look again")
    assert grades_dump(engine) == before
    assert find(engine, regrade_id).state == "ready"
    assert apply(engine, regrade_id)[0] is Outcome.DONE
    assert of_record(engine) == {"ada": 9.0, "bob": 6.0}


def test_what_changes_for_those_who_stay_does_not_stop_it(engine: Engine) -> None:
    ada, bob = hand_in(engine, "ada", 5), hand_in(engine, "bob", 5)
    regrade_id = started(engine)
    regraded(engine, {ada: graded(7), bob: graded(5)})
    shown = preview(engine, regrade_id).fingerprint
    hand_in(engine, "bob", 8, minutes=5)
    hand_in(engine, "cyd", 3)
    assert apply(engine, regrade_id, shown)[0] is Outcome.DONE
    assert of_record(engine) == {"ada": 7.0, "bob": 8.0, "cyd": 3.0}


def test_what_is_not_through_cannot_be_applied(engine: Engine) -> None:
    ada = hand_in(engine, "ada", 5)
    hand_in(engine, "bob", 5)
    regrade_id = started(engine)
    regraded(engine, {ada: graded(7)})
    outcome, message = apply(engine, regrade_id)
    assert (outcome, "1 of 2" in message) == (Outcome.REFUSED, True)
    assert of_record(engine) == {"ada": 5.0, "bob": 5.0}


def test_cancelling_leaves_every_row_of_the_grades_as_it_was(engine: Engine) -> None:
    ada = hand_in(engine, "ada", 5)
    hand_in(engine, "ada", 6, minutes=1)
    before = grades_dump(engine)
    regrade_id = started(engine)
    regraded(engine, {ada: graded(9)})
    outcome, _ = cancel(engine, regrade_id)
    assert outcome is Outcome.DONE
    assert grades_dump(engine) == before
    assert find(engine, regrade_id).state == "cancelled"
    assert items_left(engine) == ()


@pytest.mark.parametrize("first", [apply, cancel])
@pytest.mark.parametrize("second", [apply, cancel])
def test_a_regrade_ends_once(engine: Engine, first: object, second: object) -> None:
    ada = hand_in(engine, "ada", 5)
    regrade_id = started(engine)
    regraded(engine, {ada: graded(9)})
    assert callable(first)
    assert callable(second)
    assert first(engine, regrade_id)[0] is Outcome.DONE
    before = grades_dump(engine)
    outcome, message = second(engine, regrade_id)
    assert (outcome, "already" in message) == (Outcome.REFUSED, True)
    assert grades_dump(engine) == before


def test_a_regrade_that_is_not_there_is_refused(engine: Engine) -> None:
    nobodys = RegradeId(submitted().id)
    assert cancel(engine, nobodys)[0] is Outcome.REFUSED
    assert ending_of_nothing(engine, nobodys) is Outcome.REFUSED


def ending_of_nothing(engine: Engine, regrade_id: RegradeId) -> Outcome:
    return apply(engine, regrade_id, "0" * 12)[0]


def test_an_assignment_that_is_gone_from_the_catalogue_cannot_be_applied(engine: Engine) -> None:
    ada = hand_in(engine, "ada", 5)
    regrade_id = started(engine)
    regraded(engine, {ada: graded(9)})
    assert apply(engine, regrade_id, policy=None)[0] is Outcome.REFUSED
    assert of_record(engine) == {"ada": 5.0}


def test_a_later_regrade_takes_the_place_of_an_earlier_one_also_with_the_clock_put_back(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = hand_in(engine, "ada", 5)
    for points, moment in ((8, datetime(2030, 1, 1, tzinfo=UTC)), (6, NOON)):
        regrade_id = started(engine)
        regraded(engine, {ada: graded(points)})
        monkeypatch.setattr(on_record, "utc_now", lambda moment=moment: moment)
        assert apply(engine, regrade_id)[0] is Outcome.DONE
        assert of_record(engine) == {"ada": float(points)}


def test_grades_that_do_not_become_what_was_shown_are_all_taken_back(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = hand_in(engine, "ada", 5), hand_in(engine, "bob", 5)
    regrade_id = started(engine)
    regraded(engine, {ada: graded(9), bob: graded(8)})
    before = grades_dump(engine)

    def forgetful(connection: Connection, students: list[str], *rest: Any) -> int:
        return recompute_grades(connection, [one for one in students if one != "bob"], *rest)

    monkeypatch.setattr(ending, "recompute_grades", forgetful)
    outcome, message = apply(engine, regrade_id)
    assert (outcome, "taken back" in message) == (Outcome.REFUSED, True)
    assert grades_dump(engine) == before
    assert find(engine, regrade_id).state == "ready"


def test_a_class_is_looked_at_and_applied_in_some_queries_and_not_some_for_each_student(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "AT_ONCE", 10)
    few = [hand_in(engine, f"s{number}", 5) for number in range(10)]
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))

    def queries(ids: list[SubmissionId], points: int) -> tuple[int, int]:
        regrade_id = started(engine)
        regraded(engine, {one: graded(points) for one in ids})
        statements.clear()
        shown = preview(engine, regrade_id)
        looked = len(statements)
        assert len(shown.of(Effect.MOVES)) == len(ids)
        statements.clear()
        assert apply(engine, regrade_id, shown.fingerprint)[0] is Outcome.DONE
        return looked, len(statements)

    of_ten = queries(few, 9)
    assert max(of_ten) < 40
    many = few + [hand_in(engine, f"t{number}", 5) for number in range(10)]
    of_twenty = queries(many, 7)
    # One more lot of ten: some queries more, however many students are in it.
    assert all(more - less < 15 for less, more in zip(of_ten, of_twenty, strict=True))
    assert set(of_record(engine).values()) == {7.0}
