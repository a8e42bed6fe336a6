"""Every page opens, with nothing there yet and nobody grading, and says what is so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from gofer_console.views import room
from gofer_console.views.parameters import OF_PAGES
from gofer_console.views.places import PLACES
from gofer_console.web.person import Role
from tests.support.console_pages import furnish, open_page, settings_of, visit_of
from tests.support.console_term import ConsoleTerm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

LOOKS = {"view", "sort", "desc", "cols"}
"""Parameters that choose nothing, and are kept when another page is opened."""
NAMES = [place.name for places in PLACES.values() for place in places]


@pytest.mark.parametrize("name", NAMES)
def test_a_page_opens_where_there_is_nothing_yet(name: str, tmp_path: Path) -> None:
    furnish(settings_of(tmp_path))
    page = open_page(name)
    assert not page.exception
    assert [title.value for title in page.title] == [
        place.title for places in PLACES.values() for place in places if place.name == name
    ]
    assert "The grader is not running" in page.warning[0].value


def test_nobody_sees_a_page_without_being_signed_in(tmp_path: Path) -> None:
    _, visitors = furnish(settings_of(tmp_path))
    visitors.visit = None
    page = open_page("grades")
    assert not page.exception
    assert not page.title
    assert [text.value for text in page.text] == ["Nobody is signed in."]


def test_an_open_page_shows_nothing_more_once_the_sign_in_is_over(tmp_path: Path) -> None:
    _, visitors = furnish(settings_of(tmp_path))
    page = open_page("grades")
    assert page.title
    visitors.still = None
    page.run()
    assert not page.title
    assert any("no longer signed in" in text.value for text in page.text)


def test_an_open_page_of_who_became_a_reader_is_a_readers(tmp_path: Path) -> None:
    _, visitors = furnish(settings_of(tmp_path), name="tess")
    page = open_page("grades")
    visitors.still = visit_of("tess", Role.READER)
    page.run()
    assert any("change nothing" in caption.value for caption in page.caption)


def test_an_open_page_stays_while_nobody_can_say_who_is_signed_in(tmp_path: Path) -> None:
    _, visitors = furnish(settings_of(tmp_path))
    page = open_page("grades")
    visitors.is_away = True
    page.run()
    assert page.title
    asked = visitors.asked
    page.run()
    assert page.title
    assert visitors.asked == asked  # each try may take seconds


def test_a_reader_is_told_that_nothing_can_be_changed(tmp_path: Path) -> None:
    furnish(settings_of(tmp_path), name="[red](x) ![](http://evil/)", role=Role.READER)
    page = open_page("grades")
    assert "[red](x) ![](http://evil/)" in [text.value for text in page.text]
    assert any("change nothing" in caption.value for caption in page.caption)


def test_a_course_config_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    config = tmp_path / "course.toml"
    config.write_text("[courses", "utf-8")
    furnish(settings_of(tmp_path, course_config_path=config))
    page = open_page("grades")
    assert not page.exception


@pytest.fixture
def term(tmp_path: Path) -> Iterator[ConsoleTerm]:
    """Two submissions: one graded, one set aside."""
    made = ConsoleTerm(tmp_path)
    made.graded(made.submitted("ada"))
    made.spool.bury(made.submitted("ben"), "The engine was away.")
    yield made
    made.close()


def parameters(page: AppTest) -> set[str]:
    """Return the parameters of the URL that widgets of a page are bound to."""
    widgets = [*page.selectbox, *page.multiselect, *page.text_input, *page.number_input]
    widgets += [*page.date_input, *page.toggle, *page.button_group]
    return {one.proto.query_param_key for one in widgets} - {""}


@pytest.mark.parametrize("name", OF_PAGES)
def test_what_a_page_may_be_asked_is_forgotten_on_another(name: str, term: ConsoleTerm) -> None:
    page = open_page(name)
    assert not page.exception
    assert parameters(page) - LOOKS <= set(OF_PAGES[name])
    assert "page" in OF_PAGES[name] or name in {"assignments", "export"}


def test_a_search_does_not_follow_to_another_page(term: ConsoleTerm) -> None:
    page = open_page("grades", {"q": "nobody"})
    assert page.text_input(key="q").value == "nobody"
    del page.query_params["q"]  # as the browser's address loses it
    page.switch_page("failed.py").run()
    assert not page.exception
    assert page.text_input(key="q").value == ""
    assert list(page.dataframe[0].value["Student"]) == ["ben"]


def test_a_page_is_as_it_was_left_after_one_that_filters_nothing(term: ConsoleTerm) -> None:
    page = open_page("grades", {"q": "nobody"})
    del page.query_params["q"]
    page.switch_page("overview.py").run()
    page.switch_page("grades.py").run()
    assert page.text_input(key="q").value == "nobody"


@pytest.mark.parametrize("number", ["9" * 5000, "-1", "²"])
def test_a_page_number_that_makes_no_sense_is_none(number: str, term: ConsoleTerm) -> None:
    page = open_page("audit", {"page": number})
    assert not page.exception
    assert len(page.dataframe[0].value)


def test_a_gradebook_that_was_put_in_the_place_of_another_is_looked_at(
    term: ConsoleTerm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a newer Gofer's grader leaves it, or a restore, while the console goes on."""
    monkeypatch.setattr(room, "_GRADEBOOK_FOR_S", 0.0)
    assert len(open_page("grades").dataframe[0].value) == 1
    with term.gradebook.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    page = open_page("grades")
    assert not page.dataframe
    assert any("written by a newer Gofer" in one.value for one in page.text)
    for file in term.volume.glob("gradebook.db*"):
        file.unlink()
    page = open_page("grades")
    assert any("No grades yet" in one.value for one in page.markdown)
