"""The page Regrades: starting one, watching it, who would move, applying and cancelling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gofer_console.regrade.questions import QuestionSummary, by_question
from shared.model import SubmissionId, new_submission_id
from shared.requests import (
    Choice,
    RegradeApplyPayload,
    RegradeCancelPayload,
    RegradeStartPayload,
)
from tests.support.console_pages import open_page
from tests.support.console_term import ConsoleTerm
from tests.unit.shared.gradebook_samples import graded, record, submitted
from tests.unit.shared.regrade_samples import preview, regraded, started

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

    from shared.model import RegradeId

COURSES = """
[courses.demo101.sections.fa26.assignments.lab01]
autograder = "lab01.zip"
"""
NAME = "demo101/fa26/lab01"
PLACE = {"course": "demo101", "section": "fa26", "assignment": "lab01"}


class Regraded:
    """Ada goes up by a regrade, ben down, cy stays."""

    def __init__(self, folder: Path) -> None:
        self.term = ConsoleTerm(folder, courses=COURSES)
        self.ids: dict[str, SubmissionId] = {}
        for student in ("ada", "ben", "cy"):
            envelope = submitted(student)
            self.ids[student] = envelope.id
            record(self.term.gradebook, envelope, graded(5.0))
        self.regrade: RegradeId = started(self.term.gradebook)

    def through(self, *students: str) -> None:
        points = {"ada": 8.0, "ben": 4.0, "cy": 5.0}
        results = {self.ids[name]: graded(points[name]) for name in students}
        regraded(self.term.gradebook, results)

    def page(self) -> AppTest:
        page = open_page("regrades", {"regrade": self.regrade})
        assert not page.exception
        return page


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Regraded]:
    found = Regraded(tmp_path)
    yield found
    found.term.close()


def cells(page: AppTest, column: str, table: int = 0) -> list[Any]:
    assert not page.exception
    return list(page.dataframe[table].value[column])


def press(page: AppTest, key: str, why: str = "") -> AppTest:
    page.text_input(key=f"{key}_why_0").set_value(why)
    return page.button(key=f"{key}_submit_0").click().run()


def test_regrades_are_listed_with_how_far_they_are(made: Regraded) -> None:
    made.through("ada")
    page = open_page("regrades")
    assert [list(cell) for cell in cells(page, "State")] == [["Running"]]
    assert cells(page, "Progress") == [pytest.approx(1 / 3)]
    assert cells(page, "Time left") == ["not being graded"]
    assert cells(page, "Why") == ["q1 was wrong"]
    for query in ({"regrade": "nope"}, {"assignment": "nope"}):
        assert len(cells(open_page("regrades", query), "Id")) == 1


def test_who_moves_is_shown_question_by_question(made: Regraded) -> None:
    made.through("ada", "ben", "cy")
    page = made.page()
    assert {one.label: one.value for one in page.metric} == {
        "Up": "1",
        "Down": "1",
        "Beneath an override": "0",
        "Stay": "1",
        "Could not be regraded": "0",
    }
    assert cells(page, "Student") == ["ada", "ben"]
    assert cells(page, "Before") == ["5.00/10.00", "5.00/10.00"]
    assert cells(page, "Change") == [3.0, -1.0]
    assert cells(page, "Questions")[0].startswith("q2 5")
    assert cells(page, "Question", 1) == ["q2"]
    assert cells(page, "Points", 1) == [2.0]


def test_what_was_shown_is_applied(made: Regraded) -> None:
    made.through("ada", "ben", "cy")
    page = press(made.page(), "apply")
    assert made.term.requests() == []  # it needs a reason
    page = press(page, "apply", "The key was wrong.")
    (request,) = made.term.requests()
    assert request.payload == RegradeApplyPayload(
        regrade=SubmissionId(made.regrade),
        fingerprint=preview(made.term.gradebook, made.regrade).fingerprint,
    )
    assert request.reason == "The key was wrong."
    assert page.button(key="apply_submit_1").disabled
    assert page.button(key="cancel_submit_0").disabled
    assert any("waits for the grader" in one.value for one in page.caption)


def test_a_running_one_can_be_cancelled_and_not_applied(made: Regraded) -> None:
    made.through("ada")
    page = made.page()
    assert page.button(key="apply_submit_0").disabled
    press(page, "cancel", "Another way.")
    assert [one.payload for one in made.term.requests()] == [
        RegradeCancelPayload(regrade=SubmissionId(made.regrade))
    ]


def test_a_regrade_is_started_for_what_was_chosen(made: Regraded) -> None:
    page = open_page("regrades", {"assignment": NAME})
    page.selectbox(key="choice").select("Each student's latest")
    page.checkbox(key="old").check()
    page.multiselect(key="questions").select("q2")
    page.text_area(key="students").set_value("ada\n\n ada \nben").run()
    press(page, "start", "A new zip.")
    (request,) = made.term.requests()
    assert request.payload == RegradeStartPayload(
        **PLACE,
        choice=Choice.LATEST,
        students=("ada", "ben"),
        questions=("q2",),
        old_zip=True,
    )


def test_a_name_that_cannot_be_one_is_told(made: Regraded) -> None:
    page = open_page("regrades", {"assignment": NAME})
    page.text_area(key="students").set_value("a\x01b").run()
    assert not page.exception
    assert any("cannot be a name" in one.value for one in page.caption)


def test_questions_are_summed_up_over_students(made: Regraded) -> None:
    made.through("ada", "ben", "cy")
    found = preview(made.term.gradebook, made.regrade)
    assert by_question(found.changes) == (QuestionSummary("q2", up=1, down=1, points=2.0),)
    assert by_question(()) == ()


def test_no_regrade_is_no_failure(tmp_path: Path) -> None:
    term = ConsoleTerm(tmp_path, courses=COURSES)
    page = open_page("regrades", {"regrade": new_submission_id()})
    assert not page.exception
    assert any("No regrades yet" in one.value for one in page.markdown)
    term.close()


def test_one_whose_assignment_left_the_catalogue_can_be_cancelled(made: Regraded) -> None:
    made.through("ada", "ben", "cy")
    config = made.term.volume.parent / "courses.toml"
    config.write_text(COURSES.replace("lab01]", "lab02]"), "utf-8")
    page = made.page()
    assert any("no longer has demo101/fa26/lab01" in one.value for one in page.text)
    assert not any(button.label.startswith("Apply") for button in page.button)
    press(page, "cancel", "It is from last term.")
    (request,) = made.term.requests()
    assert request.payload == RegradeCancelPayload(regrade=SubmissionId(made.regrade))
