"""Overrides, extensions and recomputing: what staff ask for is done whole, and nothing is lost."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from gofer_ingest.grader.outdated import tell_outdated
from gofer_ingest.grader.staff_actions import ACTIONS, Answer, Means
from shared.catalogue import Assignment, Catalogue
from shared.grade_policy import GradePolicy, LateRule
from shared.gradebook.grade_history import grade_history
from shared.gradebook.grades import Origin
from shared.gradebook.publishing import published_by_hand
from shared.gradebook.queries import grades_of_record
from shared.gradebook.recompute import made_by_other_rules, moves
from shared.gradebook.staff_requests import Outcome, is_request_recorded, record_request
from shared.model import (
    AssignmentKey,
    AttemptsPolicy,
    Limits,
    PublishRule,
    Score,
    new_submission_id,
    utc_now,
)
from shared.requests import (
    ExtendPayload,
    Extension,
    OverridePayload,
    PublishPayload,
    RecomputePayload,
    StaffPayload,
    StaffRequest,
)
from shared.spool import Spool
from tests.unit.shared.gradebook_samples import (
    NOON,
    fresh_gradebook,
    graded,
    record,
    sql,
    submitted,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

NOWHERE = Path("nowhere")
KEY = AssignmentKey("demo101", "fa26", "lab01")
OTHER = AssignmentKey("demo101", "fa26", "lab02")
PLACE = {"course": KEY.course, "section": KEY.section, "assignment": KEY.assignment}
POLICY = GradePolicy(due_at=NOON, late=LateRule(percent=10))


@dataclass
class Office:
    """Where requests are carried out, with the rules of the moment."""

    means: Means

    def rules(self, policy: GradePolicy) -> None:
        self.means = replace(self.means, catalogue=catalogue_with(policy))

    def ask(self, payload: StaffPayload, why: str = "because") -> tuple[StaffRequest, Answer]:
        request = StaffRequest(
            id=new_submission_id(),
            action=payload.action,
            payload=payload,
            requested_by="ta",
            received_at=utc_now(),
            reason=why,
        )
        return request, ACTIONS[request.action](self.means, request, payload)

    def override(self, score: float | None, *, student: str = "ada", **more: Any) -> Answer:
        payload = OverridePayload(student=student, score=score, **PLACE, **more)
        return self.ask(payload)[1]

    def extend(self, *extensions: tuple[str, AssignmentKey, float]) -> Answer:
        payload = ExtendPayload(
            extensions=tuple(
                Extension(
                    student=student,
                    course=key.course,
                    section=key.section,
                    assignment=key.assignment,
                    until=NOON + timedelta(days=days),
                )
                for student, key, days in extensions
            )
        )
        return self.ask(payload)[1]

    @property
    def scores(self) -> dict[str, float]:
        found = grades_of_record(self.means.gradebook, assignment=KEY.assignment)
        return {grade.student: grade.score.points for grade in found}


def catalogue_with(policy: GradePolicy) -> Catalogue:
    def assignment(key: AssignmentKey, rules: GradePolicy) -> Assignment:
        return Assignment(key, NOWHERE, None, None, Limits(), None, policy=rules)

    return Catalogue([assignment(KEY, policy), assignment(OTHER, GradePolicy())])


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    spool = Spool(tmp_path)
    spool.prepare()
    gradebook = fresh_gradebook(tmp_path)
    record(gradebook, submitted("ada", minutes=0), graded(7), POLICY)
    record(gradebook, submitted("ben", minutes=60 * 30), graded(10), POLICY)
    yield Office(Means(spool, gradebook, catalogue_with(POLICY)))
    gradebook.dispose()


def test_an_override_counts_and_the_autograde_stays_beneath(office: Office) -> None:
    answer = office.override(9.5, comment="Question 3 was ambiguous.")
    assert answer.outcome is Outcome.DONE
    assert answer.message == "9.5 of 10 counts from now on. Beneath it: the autograde, 7 of 10."
    (grade,) = grades_of_record(office.means.gradebook, student="ada")
    assert (grade.score, grade.origin) == (Score(9.5, 10), Origin.OVERRIDE)
    assert grade.autograde == Score(7, 10)
    assert grade.submission_id is not None


def test_what_is_handed_in_later_lies_beneath_and_is_restored(office: Office) -> None:
    office.override(2)
    record(office.means.gradebook, submitted("ada", minutes=-5), graded(8), POLICY)
    assert office.scores["ada"] == 2
    answer = office.override(None)
    assert answer.message == "The autograde counts again: 8 of 10."
    assert office.scores["ada"] == 8
    assert office.override(None).outcome is Outcome.REFUSED
    history = grade_history(office.means.gradebook, "ada", KEY)
    assert [grade.score.points for grade in history.grades] == [7, 2, 2, 8]
    assert [grade.made_by for grade in history.grades] == ["", "ta", "ta", ""]
    assert [grade.superseded_at is None for grade in history.grades] == [False] * 3 + [True]


def test_of_several_overrides_the_last_one_asked_for_holds(office: Office) -> None:
    office.override(3)
    office.override(4)
    assert office.scores["ada"] == 4
    assert sql(office.means.gradebook, "SELECT score FROM overrides ORDER BY id") == [(3,), (4,)]


def test_who_handed_nothing_in_can_have_a_grade(office: Office) -> None:
    answer = office.override(5, student="cyd")
    assert answer.message == (
        "5 of 10 counts from now on. Beneath it: nothing, for no notebook of this student has a "
        "grade here. Is the name right?"
    )
    assert office.override(4, student="cyd").message.endswith("Beneath it: no autograde.")
    office.override(5, student="cyd")
    (grade,) = grades_of_record(office.means.gradebook, student="cyd")
    assert (grade.autograde, grade.submission_id, grade.received_at, grade.flags) == (
        None,
        None,
        None,
        (),
    )
    office.override(None, student="cyd")
    assert "cyd" not in office.scores


def test_where_nobody_has_a_grade_the_points_have_to_be_said(office: Office) -> None:
    nobody = {"student": "ada", "course": "demo101", "section": "fa26", "assignment": "lab02"}
    _, answer = office.ask(OverridePayload(score=1, **nobody))
    assert answer.outcome is Outcome.REFUSED
    assert "out of how many points" in answer.message
    _, answer = office.ask(OverridePayload(score=1, points_possible=4, **nobody))
    assert answer.outcome is Outcome.DONE


def test_an_override_of_an_unknown_assignment_is_refused(office: Office) -> None:
    unknown = {"student": "ada", "course": "demo101", "section": "fa26", "assignment": "hw99"}
    request, answer = office.ask(OverridePayload(score=1, **unknown))
    assert answer == (Outcome.REFUSED, "The catalogue has no demo101/fa26/hw99.")
    assert not is_request_recorded(office.means.gradebook, request.id)


def test_an_extension_makes_a_late_grade_anew(office: Office) -> None:
    assert office.scores == {"ada": 7, "ben": 8}
    answer = office.extend(("ben", KEY, 1), ("cyd", KEY, 3))
    assert answer == (Outcome.DONE, "2 due dates set.")
    assert office.scores["ben"] == 9
    office.extend(("ben", KEY, 2))
    assert office.scores["ben"] == 10
    history = grade_history(office.means.gradebook, "ben", KEY)
    assert [extension.until for extension in history.extensions] == [
        NOON + timedelta(days=days) for days in (1, 2)
    ]
    assert history.extensions[0].reason == "because"


def test_an_extension_before_the_submission_is_known_to_its_run(office: Office) -> None:
    office.extend(("dee", KEY, 30))
    record(office.means.gradebook, submitted("dee", minutes=60 * 24 * 29), graded(10), POLICY)
    assert office.scores["dee"] == 10


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (AssignmentKey("demo101", "fa26", "hw99"), "The catalogue has no demo101/fa26/hw99."),
        (OTHER, "There is no due date to extend of demo101/fa26/lab02."),
    ],
)
def test_extensions_are_made_all_or_none(office: Office, key: AssignmentKey, message: str) -> None:
    assert office.extend(("ben", KEY, 2), ("ada", key, 2)) == (Outcome.REFUSED, message)
    assert sql(office.means.gradebook, "SELECT * FROM extensions") == []
    assert office.scores["ben"] == 8


def test_other_rules_move_nothing_until_staff_ask(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    kinder = replace(POLICY, late=LateRule(percent=5))
    office.rules(kinder)
    gradebook = office.means.gradebook
    before = sql(gradebook, "SELECT * FROM grades")
    with caplog.at_level(logging.WARNING):
        tell_outdated(gradebook, office.means.catalogue, threading.Event())
    (told,) = caplog.records
    assert (told.__dict__["assignment"], told.__dict__["would_move"]) == (str(KEY), 1)
    assert sql(gradebook, "SELECT * FROM grades") == before

    (move,) = moves(gradebook, KEY, kinder)
    assert (move.student, move.before, move.after) == ("ben", Score(8, 10), Score(9, 10))
    _, answer = office.ask(RecomputePayload(**PLACE))
    assert answer.message == "1 grade changed."
    assert office.scores == {"ada": 7, "ben": 9}
    assert moves(gradebook, KEY, kinder) == ()
    caplog.clear()
    tell_outdated(gradebook, office.means.catalogue, threading.Event())
    assert caplog.records == []
    assert office.ask(RecomputePayload(**PLACE))[1].message == "No grade changed."


def test_the_same_rules_and_those_of_other_assignments_are_passed_over(office: Office) -> None:
    gradebook = office.means.gradebook
    assert made_by_other_rules(gradebook, {KEY: POLICY, OTHER: GradePolicy()}) == ()
    assert made_by_other_rules(gradebook, {OTHER: POLICY}) == ()
    assert made_by_other_rules(gradebook, {KEY: GradePolicy()}) == (KEY,)


def test_biggest_moves_come_first_and_a_grade_may_go(office: Office) -> None:
    strict = replace(POLICY, late=LateRule(cutoff_s=60), attempts=AttemptsPolicy.LATEST)
    record(office.means.gradebook, submitted("ada", minutes=1), graded(6), POLICY)
    found = moves(office.means.gradebook, KEY, strict)
    assert [(move.student, move.after) for move in found] == [("ben", None), ("ada", Score(6, 10))]
    office.rules(strict)
    office.ask(RecomputePayload(**PLACE))
    assert office.scores == {"ada": 6}


def test_a_request_that_fails_on_the_way_leaves_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bool:
        raise OSError(5, "Input/output error")

    for name in ("recompute_grade", "recompute_grades"):
        monkeypatch.setattr(f"shared.gradebook.staff_decisions.{name}", fail)
    before = sql(office.means.gradebook, "SELECT * FROM grades")
    with pytest.raises(Exception, match="could not record"):
        office.override(1)
    with pytest.raises(Exception, match="could not record"):
        office.extend(("ben", KEY, 2))
    for table in ("overrides", "extensions", "requests"):
        assert sql(office.means.gradebook, f"SELECT * FROM {table}") == []
    assert sql(office.means.gradebook, "SELECT * FROM grades") == before


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("immediately", "Students see results."),
        ("manual", "Students see no results until you publish them."),
        ("2999-01-01T01:00:00+01:00", "Students see results from 2999-01-01 00:00 UTC on."),
    ],
)
def test_the_last_word_on_publishing_is_in_force_until_staff_take_it_back(
    office: Office, rule: str, said: str
) -> None:
    gradebook = office.means.gradebook
    for asked, told in ((rule, said), ("manual", None), (rule, said)):
        request, answer = office.ask(PublishPayload(**PLACE, rule=asked))
        assert told in {None, answer.message}
        record_request(gradebook, request, *answer)
    assert published_by_hand(gradebook) == {KEY: PublishRule.parse(rule)}
    request, answer = office.ask(PublishPayload(**PLACE, rule=None))
    assert answer.message == "As the course config says: Students see results."
    record_request(gradebook, request, *answer)
    assert published_by_hand(gradebook) == {}


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+05:00"])
def test_a_moment_at_the_ends_of_the_calendar_is_no_request(moment: str) -> None:
    with pytest.raises(ValidationError, match="too far away"):
        PublishPayload(**PLACE, rule=moment)
    with pytest.raises(ValidationError, match="too far away"):
        Extension(**PLACE, student="ada", until=datetime.fromisoformat(moment))


def test_publishing_what_the_catalogue_has_not_is_refused(office: Office) -> None:
    request, answer = office.ask(
        PublishPayload(course="demo101", section="fa26", assignment="lab99", rule="immediately")
    )
    assert answer.outcome is Outcome.REFUSED
    record_request(office.means.gradebook, request, *answer)
    assert published_by_hand(office.means.gradebook) == {}


@pytest.mark.parametrize("rule", ["soon", "2026-12-01T10:00:00", "", "9" * 65])
def test_what_is_no_rule_cannot_be_asked_for(rule: str) -> None:
    with pytest.raises(ValueError, match="rule"):
        PublishPayload(**PLACE, rule=rule)
