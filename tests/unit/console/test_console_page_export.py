"""The page Export: what is shown is what is downloaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from gofer_console.exports.layouts import Layout
from gofer_console.exports.url_query import from_query
from tests.support.console_pages import open_page
from tests.support.console_term import ConsoleTerm
from tests.support.told import HW02

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

    from gofer_console.exports.url_query import Wanted


@pytest.fixture
def term(tmp_path: Path) -> Iterator[ConsoleTerm]:
    made = ConsoleTerm(tmp_path)
    for student in ("ada", "ben"):
        made.graded(made.submitted(student))
    made.graded(made.submitted("ada", HW02))
    yield made
    made.close()


def cells(page: AppTest, column: str) -> list[Any]:
    assert not page.exception
    return list(page.dataframe[0].value[column])


def links(page: AppTest) -> list[Wanted]:
    found = []
    for element in page.get("html"):
        address = element.proto.body.split('href="')[1].split('"')[0].replace("&amp;", "&")
        assert urlsplit(address).path == "download/grades"
        found.append(from_query(parse_qsl(urlsplit(address).query)))
    return found


def test_the_links_ask_for_what_is_shown(term: ConsoleTerm) -> None:
    page = open_page("export", {"assignment": "hw02"})
    assert cells(page, "student") == ["ada"]
    as_csv, as_xlsx = links(page)
    assert as_csv.filter == as_xlsx.filter
    assert as_csv.filter.assignments == ("hw02",)
    assert (as_csv.format.value, as_xlsx.format.value) == ("csv", "xlsx")
    page.text_area(key="students").set_value("ada\nben & co\n").run()
    assert links(page)[0].filter.students == ("ada", "ben & co")


def test_every_layout_shows_its_first_rows_or_says_why_not(term: ConsoleTerm) -> None:
    for word in ("Wide", "Questions", "Canvas", "Moodle", "Classic"):
        page = open_page("export", {"layout": word})
        assert not page.exception
        assert len(page.dataframe) == 1, word
        assert links(page)[0].layout.value == word.lower()
        assert len(links(page)) == (1 if Layout(word.lower()).importer else 2)
    page = open_page("export", {"layout": "edX"})
    assert not page.dataframe
    assert any("one assignment at a time" in one.value for one in page.text)


def test_nothing_that_fits_says_why(term: ConsoleTerm) -> None:
    page = open_page("export")
    page.text_area(key="students").set_value("zoe").run()
    assert not page.exception
    assert any("No student 'zoe'" in one.value for one in page.text)
    assert links(page) == []


def test_a_range_that_is_none_is_told(term: ConsoleTerm) -> None:
    page = open_page("export")
    page.number_input(key="min_percent").set_value(80.0)
    page.number_input(key="max_percent").set_value(20.0).run()
    assert [one.value for one in page.error] == ["From percent is above to percent."]


def test_bad_parameters_are_passed_over(term: ConsoleTerm) -> None:
    bad = {
        "layout": "pdf",
        "assignment": "nope",
        "min_percent": "x",
        "from": "yesterday",
        "verdict": "fine",
        "old_zip": "perhaps",
    }
    assert len(cells(open_page("export", bad), "student")) == 3
