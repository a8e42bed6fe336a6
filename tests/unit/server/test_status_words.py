from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gofer_ingest.server.status import QuestionsTold, State, Status
from gofer_ingest.server.status_words import (
    as_json,
    duration_text,
    grade_sentence,
    label,
    late_text,
    look,
    points_text,
    sentence,
)
from shared.gradebook.history import GradeTold
from shared.model import QuestionScore, Score, SubmissionId, Verdict
from tests.unit.server.test_status import SUBMITTED

WAITING = Status(SUBMITTED, State.WAITING, position=4, expected_wait_s=100.0)
GRADED = Status(
    SUBMITTED,
    State.RECORDED,
    is_published=True,
    verdict=Verdict.GRADED,
    score=Score(7.5, 10),
    student_text="Your notebook was graded.",
    graded_at=datetime(2026, 9, 1, 12, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "a few seconds"),
        (9.9, "a few seconds"),
        (12, "about 10 seconds"),
        (54, "about 50 seconds"),
        (56, "about a minute"),
        (100, "about 2 minutes"),
        (54 * 60, "about 54 minutes"),
        (56 * 60, "about an hour"),
        (100 * 60, "about 2 hours"),
        (26 * 3600, "about 26 hours"),
    ],
)
def test_durations_are_told_roughly(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("points", "text"),
    [(8, "8"), (8.5, "8.5"), (1 / 3, "0.33"), (0, "0"), (100, "100"), (0.001, "0")],
)
def test_points_have_two_decimals_at_most(points: float, text: str) -> None:
    assert points_text(points) == text


def test_a_wait_is_told_in_words() -> None:
    assert sentence(WAITING) == "Yours is number 4 in line; its turn comes in about 2 minutes."
    first = replace(WAITING, position=1, expected_wait_s=3.0)
    assert sentence(first) == "Yours is next in line; its turn comes in a few seconds."
    assert sentence(replace(WAITING, expected_wait_s=None)) == "Yours is number 4 in line."


def test_a_run_is_told_with_its_usual_time_if_that_is_known() -> None:
    running = Status(SUBMITTED, State.RUNNING)
    assert sentence(running) == "It is being graded right now."
    assert sentence(replace(running, typical_s=7.0)).endswith("usually takes a few seconds.")


def test_a_score_is_told_in_one_sentence() -> None:
    assert sentence(GRADED) == "Graded: 7.5 of 10 points."


def test_every_verdict_has_a_label_and_a_look() -> None:
    statuses = [replace(GRADED, verdict=verdict) for verdict in Verdict]
    assert len({label(status) for status in statuses}) == len(Verdict)
    assert {look(status) for status in statuses} == {"graded", "no_score"}
    assert [look(Status(SUBMITTED, state)) for state in State] == [*State]


def test_a_held_score_is_told_as_one_that_teachers_look_at_first() -> None:
    held = Status(SUBMITTED, State.RECORDED, is_published=True, is_held=True)
    assert label(held) == "With your teachers"
    assert look(held) == "recorded"
    assert "Your teachers look at this submission before it counts" in sentence(held)
    read = as_json(held, "/")
    assert (read["held"], read["is_open"]) == (True, False)
    assert (read["verdict"], read["score"], read["student_text"]) == (None, None, "")


def test_a_program_reads_the_receipt_and_what_may_be_told() -> None:
    assert as_json(WAITING, "/services/gofer/") == {
        "id": SUBMITTED.id,
        "short_id": SUBMITTED.id[-8:],
        "state": "waiting",
        "label": "Waiting",
        "message": "Yours is number 4 in line; its turn comes in about 2 minutes.",
        "is_open": True,
        "sha256": "b" * 64,
        "received_at": "2026-09-01T12:00:00+00:00",
        "student": "ada",
        "course": "demo101",
        "section": "1",
        "assignment": "lab01",
        "attempt": 1,
        "position": 4,
        "expected_wait_s": 100.0,
        "published": False,
        "publishes_at": None,
        "held": False,
        "verdict": None,
        "score": None,
        "points_possible": None,
        "student_text": "",
        "graded_at": None,
        "questions": None,
        "hidden_questions": None,
        "grade": None,
        "grade_points_possible": None,
        "grade_text": "",
        "status_url": f"/services/gofer/submissions/{SUBMITTED.id}",
    }


def test_a_program_reads_scores_and_questions() -> None:
    told = QuestionsTold((QuestionScore("q1", 1.5, 2.0),), Score(3.0, 4.0))
    read = as_json(replace(GRADED, questions=told), "/")
    assert (read["score"], read["points_possible"], read["verdict"]) == (7.5, 10, "graded")
    assert read["questions"] == [{"question": "q1", "score": 1.5, "points_possible": 2.0}]
    assert read["hidden_questions"] == {"score": 3.0, "points_possible": 4.0}
    alone = as_json(replace(GRADED, questions=QuestionsTold((), None)), "/")
    assert (alone["questions"], alone["hidden_questions"]) == ([], None)


OTHER = SubmissionId("01900000-0000-7000-8000-000000000000")


@pytest.mark.parametrize(
    ("grade", "text"),
    [
        (None, ""),
        (
            GradeTold(Score(7.5, 10), is_override=False, submission_id=SUBMITTED.id),
            "Your grade for this assignment is 7.5 of 10 points, from this submission.",
        ),
        (
            GradeTold(Score(9, 10), is_override=False, submission_id=OTHER),
            "Your grade for this assignment is 9 of 10 points, from another submission.",
        ),
        (
            GradeTold(
                Score(6, 10),
                is_override=False,
                submission_id=SUBMITTED.id,
                earned=Score(7.5, 10),
                penalty=0.2,
                late_s=26 * 3600,
            ),
            (
                "Your grade for this assignment is 6 of 10 points, from this submission. It came "
                "26 hours late, which took 20 percent off the 7.5 points that it earned."
            ),
        ),
        (
            GradeTold(
                Score(7.5, 10),
                is_override=False,
                submission_id=OTHER,
                earned=Score(7.5, 10),
                late_s=30,
            ),
            (
                "Your grade for this assignment is 7.5 of 10 points, from another submission. It "
                "came 1 minute late, which took nothing off."
            ),
        ),
        (
            GradeTold(Score(10, 10), is_override=True, comment="Question 3 was ambiguous."),
            (
                "Your teachers set your grade for this assignment: 10 of 10 points. They say: "
                "Question 3 was ambiguous."
            ),
        ),
        (
            GradeTold(Score(0, 10), is_override=True),
            "Your teachers set your grade for this assignment: 0 of 10 points.",
        ),
    ],
)
def test_a_grade_tells_what_made_it(grade: GradeTold | None, text: str) -> None:
    told = replace(GRADED, grade=grade)
    assert grade_sentence(told) == text
    read = as_json(told, "/")
    assert read["grade_text"] == text
    assert read["grade"] == (grade and grade.score.points)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1, "1 minute"), (61, "2 minutes"), (2 * 3600, "120 minutes"), (2 * 3600 + 1, "3 hours"),
     (2 * 86_400 + 1, "3 days")],
)  # fmt: skip
def test_lateness_is_never_told_as_less_than_it_is(seconds: float, text: str) -> None:
    assert late_text(seconds) == text
