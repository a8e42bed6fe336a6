"""The page of grades: what filters show, and what is asked for about many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gofer_console.grade_bulk import TYPED_ABOVE
from gofer_console.web.person import Role
from shared.model import Verdict
from shared.spool import Spool
from tests.support.console_pages import furnish, open_page, settings_of
from tests.unit.shared.gradebook_samples import fresh_gradebook, graded, record, submitted, ungraded

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

    from shared.requests import StaffPayload

EVIL = "![x](http://evil/a.png) <script>alert(1)</script>"


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    engine = fresh_gradebook(tmp_path)
    for at, student in enumerate(("ada", "bob", EVIL)):
        for lab, points in (("lab01", 4.0 + at), ("lab02", 9.0)):
            record(engine, submitted(student, assignment=lab, minutes=at), graded(points))
    record(engine, submitted("bob", minutes=60), ungraded(Verdict.TIMED_OUT))
    engine.dispose()
    Spool(tmp_path).prepare()
    furnish(settings_of(tmp_path))
    return tmp_path


def table(page: AppTest, column: str = "student") -> list[object]:
    assert not page.exception
    return list(page.dataframe[0].value[column])


def select(page: AppTest, *rows: int) -> AppTest:
    key = page.dataframe[0].key
    assert key is not None
    page.session_state[key] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}
    return page.run()


def asked_for(volume: Path) -> list[StaffPayload]:
    spool = Spool(volume)
    return [spool.read_request(one).payload for one in spool.pending()]


def test_grades_come_by_student(volume: Path) -> None:
    assert table(open_page("grades")) == [EVIL, EVIL, "ada", "ada", "bob", "bob"]


def test_no_name_is_read_as_markdown(volume: Path) -> None:
    page = select(open_page("grades"), 0)
    page.button(key="regrade_selected").click().run()
    texts = [one.value for one in (*page.markdown, *page.caption)]
    texts += [one.label for one in page.button]
    assert not any("evil" in text for text in texts)
    assert any("evil" in one.value for one in page.text)


@pytest.mark.parametrize(
    ("query", "students"),
    [
        ({"assignment": "lab01"}, [EVIL, "ada", "bob"]),
        ({"q": "ADA"}, ["ada", "ada"]),
        ({"q": "%"}, []),
        ({"student": "bob"}, ["bob", "bob"]),
        ({"verdict": "Timed out"}, ["bob"]),
        ({"passback": "Queued", "q": "bob"}, ["bob", "bob"]),
        ({"passback": "Never queued"}, []),
        ({"passback": "Posted"}, []),
        ({"min": "50", "max": "55"}, ["bob"]),
        ({"flag": "cell_timeout", "assignment": "lab02"}, [EVIL, "ada", "bob"]),
        ({"flag": "tampered"}, []),
        ({"from": "2200-01-01"}, []),
        ({"to": "2200-01-01", "q": "ada"}, ["ada", "ada"]),
        ({"assignment": "lab01", "sort": "Score", "desc": "true"}, [EVIL, "bob", "ada"]),
        ({"assignment": "lab01", "sort": "Percent"}, ["ada", "bob", EVIL]),
    ],
)
def test_a_link_says_what_is_shown(
    query: Mapping[str, str], students: list[str], volume: Path
) -> None:
    page = open_page("grades", query)
    assert not page.exception
    if students:
        assert table(page) == students
    else:
        assert not page.dataframe
        assert any("Nothing fits these filters" in one.value for one in page.markdown)


@pytest.mark.parametrize(
    "query",
    [
        {"page": "99"},
        {"page": "-1"},
        {"page": "x"},
        {"page": "9" * 400},
        {"view": "nothing", "sort": "evil", "desc": "perhaps", "cols": "none"},
        {"min": "abc", "max": "nan", "from": "yesterday", "to": "9999-12-31", "old_zip": "2"},
        {"verdict": "lost", "flag": "<script>", "passback": "gone", "assignment": "no such"},
        {"from": "0001-01-01", "q": "", "student": ""},
    ],
)
def test_parameters_that_make_no_sense_are_ignored(query: Mapping[str, str], volume: Path) -> None:
    page = open_page("grades", query)
    assert not page.exception
    assert [title.value for title in page.title] == ["Grades"]


def test_students_have_a_column_for_each_assignment(volume: Path) -> None:
    page = open_page("grades", {"view": "By student"})
    assert table(page) == [EVIL, "ada", "bob"]
    assert table(page, "a0") == [6.0, 4.0, 5.0]
    assert table(page, "a1") == [9.0, 9.0, 9.0]


def test_submissions_are_shown_that_make_no_grade_newest_first(volume: Path) -> None:
    page = open_page("grades", {"view": "Submissions"})
    assert table(page)[0] == "bob"
    assert table(page, "state")[0] == ["Timed out"]
    assert len(table(page)) == 7
    ended = open_page("grades", {"view": "Submissions", "verdict": "Timed out"})
    assert table(ended) == ["bob"]


def test_what_is_selected_is_regraded_once(volume: Path) -> None:
    page = select(open_page("grades", {"assignment": "lab01"}), 1, 2)
    page.button(key="regrade_selected").click().run()
    assert not asked_for(volume)
    confirm = page.button(key="bulk_confirm")
    assert confirm.label == "Regrade (2)"
    confirm.click().run()
    assert not page.exception
    (payload,) = asked_for(volume)
    assert payload.model_dump(include={"action", "assignment", "students"}) == {
        "action": "regrade_start",
        "assignment": "lab01",
        "students": ("ada", "bob"),
    }


def test_a_selection_of_students_means_those_of_their_grades_that_match(volume: Path) -> None:
    page = select(open_page("grades", {"view": "By student", "assignment": "lab02"}), 1)
    page.button(key="post_selected").click().run()
    page.button(key="bulk_confirm").click().run()
    (payload,) = asked_for(volume)
    assert payload.model_dump(include={"action", "assignment", "student"}) == {
        "action": "post_send",
        "assignment": "lab02",
        "student": "ada",
    }


def test_all_that_match_are_whole_assignments_where_nothing_else_is_filtered(volume: Path) -> None:
    page = open_page("grades")
    assert page.button(key="regrade_all").label == "Regrade all that match (6)"
    page.button(key="regrade_all").click().run()
    page.button(key="bulk_confirm").click().run()
    found = [one.model_dump(include={"assignment", "students"}) for one in asked_for(volume)]
    assert found == [
        {"assignment": "lab01", "students": ()},
        {"assignment": "lab02", "students": ()},
    ]


def test_all_that_match_are_named_where_more_is_filtered(volume: Path) -> None:
    page = open_page("grades", {"assignment": "lab01", "min": "50"})
    page.button(key="regrade_all").click().run()
    page.button(key="bulk_confirm").click().run()
    (payload,) = asked_for(volume)
    assert set(payload.model_dump()["students"]) == {"bob", EVIL}


def test_holding_is_for_whole_assignments(volume: Path) -> None:
    page = select(open_page("grades"), 2)
    page.button(key="hold_selected").click().run()
    assert any("Holding is for whole assignments" in one.value for one in page.caption)
    page.button(key="bulk_confirm").click().run()
    (payload,) = asked_for(volume)
    assert payload.action == "post_hold"


def test_cancelling_asks_for_nothing(volume: Path) -> None:
    page = open_page("grades")
    page.button(key="post_all").click().run()
    page.button(key="bulk_cancel").click().run()
    assert not asked_for(volume)
    assert "bulk_confirm" not in [button.key for button in page.button]


def test_many_are_confirmed_by_typing_their_number(tmp_path: Path) -> None:
    engine = fresh_gradebook(tmp_path)
    for at in range(TYPED_ABOVE + 1):
        record(engine, submitted(f"student{at:03}"), graded(5))
    engine.dispose()
    Spool(tmp_path).prepare()
    furnish(settings_of(tmp_path))
    page = open_page("grades")
    page.button(key="post_all").click().run()
    assert page.button(key="bulk_confirm").disabled
    page.text_input(key="bulk_typed").set_value("50").run()
    assert page.button(key="bulk_confirm").disabled
    page.text_input(key="bulk_typed").set_value("51").run()
    assert not page.button(key="bulk_confirm").disabled


def test_who_may_only_look_is_offered_nothing_but_the_export(volume: Path) -> None:
    furnish(settings_of(volume), role=Role.READER)
    page = open_page("grades")
    keys = {button.key for button in page.button}
    assert not {key for key in keys if key and key.endswith(("_selected", "_all"))}
    assert "view_save" not in keys


def test_nothing_is_asked_for_once_the_sign_in_is_over(volume: Path) -> None:
    _, visitors = furnish(settings_of(volume))
    page = open_page("grades")
    page.button(key="post_all").click().run()
    visitors.still = None
    page.button(key="bulk_confirm").click().run()
    assert not page.exception
    assert not asked_for(volume)
    assert any("no longer signed in" in one.value for one in page.text)


def test_a_view_is_saved_for_all_opened_and_deleted(volume: Path) -> None:
    page = open_page("grades", {"assignment": "lab01"})
    page.text_input(key="view_name").set_value("![x](http://evil/) `mine`")
    page.button(key="view_save").click().run()
    assert not page.exception
    again = open_page("grades")
    again.button(key="view_delete_0").click().run()
    assert "view_delete_0" not in [button.key for button in again.button]
