"""The page Assignments: the catalogue, what is wrong in it, how each goes, what can be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shared.catalogue import zip_sha256
from shared.gradebook.record import record_autograder
from shared.model import AutograderSpec, QuestionSpec
from shared.requests import PublishPayload, RegradeStartPayload
from tests.support.console_pages import open_page
from tests.support.console_term import ConsoleTerm
from tests.support.told import HW02, LAB01

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

PLACE = {"course": LAB01.course, "section": LAB01.section, "assignment": LAB01.assignment}


@pytest.fixture
def term(tmp_path: Path) -> Iterator[ConsoleTerm]:
    made = ConsoleTerm(tmp_path)
    for student in ("ada", "ben"):
        made.graded(made.submitted(student))
    yield made
    made.close()


def inspected(term: ConsoleTerm, *problems: str) -> None:
    sha256 = zip_sha256(term.room.catalogue().find(LAB01))
    assert sha256 is not None
    questions = () if problems else (QuestionSpec("q1", 2.0, hidden=False),)
    record_autograder(
        term.gradebook, AutograderSpec(sha256, questions, 2.0, problems=problems), "image"
    )


def cells(page: AppTest, column: str) -> list[Any]:
    assert not page.exception
    return list(page.dataframe[0].value[column])


def texts(page: AppTest) -> str:
    assert not page.exception
    return "\n".join(one.value for one in page.text)


def test_the_catalogue_is_listed_with_what_is_wrong(term: ConsoleTerm) -> None:
    page = open_page("assignments")
    assert cells(page, "Assignment") == ["demo101/1/hw02", "demo101/1/lab01"]
    assert [list(cell) for cell in cells(page, "State")] == [["No zip"], ["Not looked at yet"]]
    assert cells(page, "Submissions") == [0, 2]
    assert cells(page, "By another zip") == [0, 2]
    assert "There is no autograder zip" in texts(page)
    assert cells(page, "Results are shown") == ["not before staff publish them", "at once"]


def test_a_zip_that_was_looked_at_is_ready_and_a_broken_one_blocks(term: ConsoleTerm) -> None:
    inspected(term)
    assert list(cells(open_page("assignments"), "State")[1]) == ["Ready"]
    inspected(term, "The test file q1.py is broken.")
    page = open_page("assignments")
    assert list(cells(page, "State")[1]) == ["Blocked"]
    assert "The test file q1.py is broken." in texts(page)


def test_selecting_a_row_opens_the_assignment(term: ConsoleTerm) -> None:
    page = open_page("assignments")
    page.session_state["name"] = str(LAB01)
    page.run()
    assert not page.exception
    assert {one.label: one.value for one in page.metric} == {
        "Students": "2",
        "Submissions": "2",
        "Grades": "2",
        "Mean grade": "75 %",
        "By another zip": "2",
    }
    page.button(key="back").click().run()
    assert len(cells(page, "Assignment")) == 2


def test_a_regrade_is_asked_for_from_here_with_a_reason(term: ConsoleTerm) -> None:
    page = open_page("assignments", {"name": str(LAB01)})
    page.button(key="regrade_old_submit_0").click().run()
    assert term.requests() == []
    page.text_input(key="regrade_old_why_0").set_value("The zip was wrong.")
    page.button(key="regrade_old_submit_0").click().run()
    (request,) = term.requests()
    assert request.payload == RegradeStartPayload(**PLACE, old_zip=True)
    assert request.reason == "The zip was wrong."


def test_results_are_shown_and_hidden_by_hand(term: ConsoleTerm) -> None:
    page = open_page("assignments", {"name": str(LAB01)})
    page.button(key="publish_manual_submit_0").click().run()
    assert [one.payload for one in term.requests()] == [PublishPayload(**PLACE, rule="manual")]
    term.carried_out("Hidden.")
    page.run()
    assert "not before staff publish them (set by hand)" in texts(page)
    assert page.button(key="publish_manual_submit_1").disabled
    page.button(key="publish_None_submit_0").click().run()
    assert [one.payload for one in term.requests()] == [PublishPayload(**PLACE, rule=None)]


def test_an_assignment_without_submissions_and_an_unknown_one_are_no_failure(
    term: ConsoleTerm,
) -> None:
    page = open_page("assignments", {"name": str(HW02)})
    assert any("Nothing was handed in yet" in one.value for one in page.markdown)
    assert page.button(key="regrade_all_submit_0").disabled
    assert len(cells(open_page("assignments", {"name": "../etc"}), "State")) == 2
