"""The page Passback: how far grades got, and what staff can ask for about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, update

from gofer_console.views import paging, requesting
from shared.errors import SpoolFull
from shared.gradebook.passback_tables import passbacks
from shared.model import utc_now
from shared.queue_snapshot import PassbackOutlook
from shared.requests import (
    PostDismissPayload,
    PostHoldPayload,
    PostReconcilePayload,
    PostReleasePayload,
    PostRetryPayload,
    PostSendPayload,
    PostTestPayload,
    StaffRequest,
)
from shared.spool import Spool
from tests.support.console_pages import open_page
from tests.support.console_term import ConsoleTerm
from tests.support.told import HW02, LAB01

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

PLACE = {"course": LAB01.course, "section": LAB01.section, "assignment": LAB01.assignment}


def in_outbox(term: ConsoleTerm, student: str, state: str) -> None:
    """Let a student's grade of lab01 be in a state, as the grader leaves it."""
    values: dict[str, Any] = {"state": state, "message": f"It is {state}.", "tries": 1}
    if state == "sent":
        values["sent_at"] = utc_now()
    its = (passbacks.c.student == student, passbacks.c.assignment == LAB01.assignment)
    with term.gradebook.begin() as connection:
        connection.execute(update(passbacks).where(*its).values(**values))


@pytest.fixture
def term(tmp_path: Path) -> Iterator[ConsoleTerm]:
    """Four grades of lab01 in four states, and one of hw02 that waits its turn."""
    made = ConsoleTerm(tmp_path)
    for student in ("ada", "ben", "cy", "dee"):
        made.graded(made.submitted(student))
    made.graded(made.submitted("ada", HW02))
    for student, state in (("ada", "sent"), ("ben", "failed"), ("cy", "held"), ("dee", "parked")):
        in_outbox(made, student, state)
    yield made
    made.close()


def cells(page: AppTest, column: str) -> list[Any]:
    assert not page.exception
    return list(page.dataframe[0].value[column])


def states(page: AppTest) -> list[list[str]]:
    return [list(cell) for cell in cells(page, "State")]


def select_rows(page: AppTest, *rows: int) -> AppTest:
    key = str(page.dataframe[0].key)
    page.session_state[key] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}
    return page.run()


def test_states_are_told_and_counted(term: ConsoleTerm) -> None:
    page = open_page("passback")
    assert cells(page, "Student") == ["ada", "ada", "ben", "cy", "dee"]
    assert states(page) == [["Queued"], ["Posted"], ["Refused"], ["Held"], ["No address"]]
    assert cells(page, "Why")[2] == "It is failed."
    assert {one.label: one.value for one in page.metric} == {
        "Queued": "1",
        "Posted": "1",
        "Held": "1",
        "Refused": "1",
        "No address": "1",
        "Changed since": "0",
    }


@pytest.mark.parametrize(
    ("query", "students"),
    [
        ({"state": "Refused"}, ["ben"]),
        ({"state": "Posted"}, ["ada"]),
        ({"assignment": "demo101/1/hw02"}, ["ada"]),
        ({"q": "E"}, ["ben", "dee"]),
        ({"state": "nonsense", "assignment": "x"}, ["ada", "ada", "ben", "cy", "dee"]),
    ],
)
def test_the_url_narrows_it(term: ConsoleTerm, query: dict[str, str], students: list[str]) -> None:
    assert cells(open_page("passback", query), "Student") == students


def test_a_grade_that_changed_since_is_stale(term: ConsoleTerm) -> None:
    assert not open_page("passback", {"state": "Changed since"}).dataframe
    with term.gradebook.begin() as connection:
        connection.execute(
            update(passbacks)
            .where(passbacks.c.student == "ada", passbacks.c.sent_at.is_not(None))
            .values(score=passbacks.c.score - 1)
        )
    page = open_page("passback", {"state": "Changed since"})
    assert cells(page, "Student") == ["ada"]
    assert states(page) == [["Posted", "Changed since"]]


def test_selected_grades_are_posted_by_name(term: ConsoleTerm) -> None:
    page = select_rows(open_page("passback"), 2, 3)
    page.button(key="post_selected_submit_0").click().run()
    assert [request.payload for request in term.requests()] == [
        PostSendPayload(**PLACE, student="ben"),
        PostSendPayload(**PLACE, student="cy"),
    ]


def test_selected_grades_that_are_stuck_are_dismissed_by_name_with_a_reason(
    term: ConsoleTerm,
) -> None:
    page = select_rows(open_page("passback"), 1, 2)
    page.text_input(key="post_dismiss_why_0").set_value("typed in at the LMS")
    page.button(key="post_dismiss_submit_0").click().run()
    assert [(request.payload, request.reason) for request in term.requests()] == [
        (PostDismissPayload(**PLACE, student="ben"), "typed in at the LMS")
    ]


@pytest.mark.parametrize(
    ("button", "payload"),
    [
        ("post_all", PostSendPayload(**PLACE)),
        ("post_retry", PostRetryPayload(**PLACE)),
        ("post_hold", PostHoldPayload(**PLACE)),
        ("post_release", PostReleasePayload(**PLACE)),
        ("post_test", PostTestPayload(**PLACE)),
        ("post_compare", PostReconcilePayload(**PLACE)),
    ],
)
def test_an_assignment_is_asked_about_as_a_whole(
    term: ConsoleTerm, button: str, payload: object
) -> None:
    page = open_page("passback", {"assignment": str(LAB01)})
    page.button(key=f"{button}_submit_0").click().run()
    assert [request.payload for request in term.requests()] == [payload]


def test_without_an_assignment_all_are_meant_and_said(term: ConsoleTerm) -> None:
    page = open_page("passback")
    assert any("of all assignments" in one.value for one in page.text)
    page.button(key="post_all_submit_0").click().run()
    assert [request.payload for request in term.requests()] == [PostSendPayload(every=True)]


def post_button(page: AppTest) -> str:
    return page.button(key="post_all_submit_0").label


def test_what_was_taken_back_at_the_lms_is_not_among_those_to_post(term: ConsoleTerm) -> None:
    with term.gradebook.begin() as connection:
        connection.execute(
            insert(passbacks).values(
                **PLACE,
                student="eve",
                score=0,
                points_possible=0,
                is_withdrawal=1,
                state="sent",
                tries=1,
                **dict.fromkeys(("graded_at", "queued_at", "not_before", "sent_at"), utc_now()),
            )
        )
    page = open_page("passback", {"assignment": str(LAB01), "q": "e"})
    assert cells(page, "Student") == ["ben", "dee", "eve"]
    assert post_button(page) == "Post found (2)"


def test_where_the_disk_fills_up_half_way_it_is_told_what_was_asked_for(
    term: ConsoleTerm, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver = Spool.deliver

    def until_full(spool: Spool, request: StaffRequest) -> None:
        if spool.pending():
            raise SpoolFull("The disk is full.")
        deliver(spool, request)

    monkeypatch.setattr(Spool, "deliver", until_full)
    page = select_rows(open_page("passback"), 2, 3)
    page.button(key="post_selected_submit_0").click().run()
    assert [one.value for one in page.error] == ["1 of 2 were asked for."]
    assert len(term.requests()) == 1


def test_whoever_searched_posts_those_found_alone(term: ConsoleTerm) -> None:
    page = open_page("passback", {"assignment": str(LAB01), "q": "e"})
    assert post_button(page) == "Post found (2)"
    assert any("find: 2 grades of demo101/1/lab01 will be sent" in one.value for one in page.text)
    page.button(key="post_all_submit_0").click().run()
    assert [request.payload for request in term.requests()] == [
        PostSendPayload(**PLACE, student="ben"),
        PostSendPayload(**PLACE, student="dee"),
    ]


def test_those_found_are_posted_from_all_pages_of_the_table(
    term: ConsoleTerm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "ROWS", 1)
    page = open_page("passback", {"q": "e"})
    assert cells(page, "Student") == ["ben"]
    page.button(key="post_all_submit_0").click().run()
    assert [request.payload for request in term.requests()] == [
        PostSendPayload(**PLACE, student="ben"),
        PostSendPayload(**PLACE, student="dee"),
    ]


@pytest.mark.parametrize(
    ("query", "label", "students"),
    [
        ({"q": "be"}, "Retry refused (1)", ["ben"]),
        ({"state": "No address"}, "Retry refused (1)", ["dee"]),
        ({"state": "Held"}, "Retry refused (0)", []),
        ({"state": "Posted", "q": "be"}, "Retry refused (0)", []),
    ],
)
def test_retrying_is_about_those_found_that_are_stuck(
    term: ConsoleTerm, query: dict[str, str], label: str, students: list[str]
) -> None:
    page = open_page("passback", query)
    button = page.button(key="post_retry_submit_0")
    assert button.label == label
    assert button.disabled is not bool(students)
    if students:
        button.click().run()
    assert [request.payload for request in term.requests()] == [
        PostRetryPayload(**PLACE, student=student) for student in students
    ]


def test_more_than_can_be_named_are_refused_and_it_is_said_what_to_do(
    term: ConsoleTerm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requesting, "MOST_AT_ONCE", 1)
    page = open_page("passback", {"q": "e"})
    assert post_button(page) == "Post found (2)"
    page.button(key="post_all_submit_0").click().run()
    assert not term.requests()
    assert any("Nothing was asked for" in one.value for one in page.error)
    assert any("clear the search and choose All" in one.value for one in page.text)


def test_without_a_search_or_a_state_it_is_said_that_all_are_posted(term: ConsoleTerm) -> None:
    page = open_page("passback", {"assignment": str(LAB01), "q": "  ", "state": "All"})
    assert post_button(page) == "Post all (4)"


def test_an_lms_that_does_not_answer_is_named(term: ConsoleTerm) -> None:
    term.at_work(passback=PassbackOutlook(troubled=("lms.example.edu",)))
    page = open_page("passback")
    assert any("does not answer" in one.value for one in page.warning)
    assert "lms.example.edu" in [one.value for one in page.text]


def test_grades_of_nobody_are_said(tmp_path: Path) -> None:
    term = ConsoleTerm(tmp_path)
    page = open_page("passback")
    assert not page.exception
    assert any("No such grades" in one.value for one in page.markdown)
    term.close()
