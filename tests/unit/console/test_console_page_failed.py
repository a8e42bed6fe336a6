"""The page Failed: what was set aside, and asking for it to be retried or given up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gofer_console.views import requesting
from gofer_console.web.person import Role
from shared.gradebook.staff_requests import Outcome
from shared.requests import DiscardPayload, RetryPayload
from tests.support.console_pages import open_page
from tests.support.console_term import ConsoleTerm
from tests.support.told import HW02, LAB01

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

HOSTILE = "![x](http://evil.example/a.png) <script>alert(1)</script>"


@pytest.fixture
def term(tmp_path: Path) -> Iterator[ConsoleTerm]:
    made = ConsoleTerm(tmp_path)
    yield made
    made.close()


def failed(term: ConsoleTerm, number: int = 3) -> list[str]:
    ids = []
    for index in range(number):
        student = "ada" if index == 0 else f"student{index}"
        ids.append(term.submitted(student, LAB01 if index % 2 == 0 else HW02))
        term.spool.bury(ids[-1], f"the engine was away {index}")
    return list(ids)


def select_rows(page: AppTest, *rows: int) -> AppTest:
    key = str(page.dataframe[0].key)
    page.session_state[key] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}
    return page.run()


def press(page: AppTest, key: str, *, turn: int = 0, **typed: str) -> AppTest:
    for field, value in typed.items():
        page.text_input(key=f"{key}_{field}_{turn}").set_value(value)
    return page.button(key=f"{key}_submit_{turn}").click().run()


def labels(page: AppTest) -> list[str]:
    return [button.label for button in page.button]


def cells(page: AppTest, column: str) -> list[Any]:
    return list(page.dataframe[0].value[column])


def test_what_was_set_aside_is_there_with_its_reason(term: ConsoleTerm) -> None:
    failed(term)
    page = open_page("failed")
    assert not page.exception
    assert cells(page, "Student") == ["ada", "student1", "student2"]
    assert cells(page, "Reason")[1] == "the engine was away 1"
    shown = select_rows(page, 1)
    assert any(code.value == "the engine was away 1" for code in shown.code)


def test_selected_ones_are_asked_for_once_and_shown_until_they_are_done(term: ConsoleTerm) -> None:
    ids = failed(term)
    page = press(select_rows(open_page("failed"), 0, 2), "retry_selected", why="Engine is back.")
    assert not page.exception
    asked = term.requests()
    assert [request.payload for request in asked] == [
        RetryPayload(entry=ids[0]),
        RetryPayload(entry=ids[2]),
    ]
    assert {(request.requested_by, request.reason) for request in asked} == {
        ("ta1", "Engine is back.")
    }
    assert cells(page, "State") == [["Retry asked for"], ["Set aside"], ["Retry asked for"]]
    assert "Retry all (1)" in labels(page)
    term.carried_out("It is graded again.")
    told = " ".join(text.value for text in page.run().text)
    assert "It is graded again." in told
    assert term.requests() == []


def test_a_refusal_is_told(term: ConsoleTerm) -> None:
    failed(term, 1)
    page = press(open_page("failed"), "retry_all")
    term.carried_out("It is not there any more.", Outcome.REFUSED)
    page.run()
    assert "It is not there any more." in " ".join(text.value for text in page.text)


def test_discarding_needs_a_reason(term: ConsoleTerm) -> None:
    (one,) = failed(term, 1)
    page = press(open_page("failed"), "discard_all")
    assert term.requests() == []
    assert "Say why" in " ".join(text.value for text in page.text)
    press(page, "discard_all", why="A test of ours.")
    assert [request.payload for request in term.requests()] == [DiscardPayload(entry=one)]


def test_many_are_done_once_their_number_was_typed(
    term: ConsoleTerm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requesting, "LARGE", 3)
    failed(term, 4)
    page = press(open_page("failed"), "retry_all", typed="3")
    assert term.requests() == []
    assert "type 4" in " ".join(text.value for text in page.text)
    press(page, "retry_all", typed="4")
    assert len(term.requests()) == 4


def test_a_click_on_an_old_form_and_the_same_request_again_ask_for_nothing(
    term: ConsoleTerm,
) -> None:
    (one,) = failed(term, 1)
    first, second = open_page("failed"), open_page("failed")
    press(first, "retry_all")
    press(second, "retry_all")  # somebody else's page, not yet reloaded
    assert [request.payload for request in term.requests()] == [RetryPayload(entry=one)]


def test_filters_of_the_url_narrow_the_list_and_bad_ones_are_passed_over(term: ConsoleTerm) -> None:
    failed(term)
    page = open_page("failed", {"assignment": str(HW02)})
    assert cells(page, "Student") == ["student1"]
    page = open_page("failed", {"q": "AWAY 2"})
    assert cells(page, "Student") == ["student2"]
    for query in ({"assignment": "nope/nope"}, {"page": "-7"}, {"page": "x"}, {"page": "9" * 30}):
        page = open_page("failed", query)
        assert not page.exception
        assert len(page.dataframe[0].value) == 3


def test_a_reader_can_ask_for_nothing(tmp_path: Path) -> None:
    term = ConsoleTerm(tmp_path, role=Role.READER)
    failed(term)
    page = open_page("failed")
    assert all(button.disabled for button in page.button if "submit" in str(button.key))
    term.close()


def test_hostile_words_are_text(term: ConsoleTerm) -> None:
    one = term.submitted(HOSTILE)
    term.spool.bury(one, HOSTILE)
    page = select_rows(open_page("failed"), 0)
    assert not page.exception
    assert cells(page, "Student") == [HOSTILE]
    for kind in (page.markdown, page.caption, page.header, page.subheader):
        assert all("evil" not in element.value for element in kind)
