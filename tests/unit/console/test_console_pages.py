"""Every page opens, with nothing there yet and nobody grading, and says what is so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gofer_console.views.places import PLACES
from gofer_console.web.person import Role
from tests.support.console_pages import furnish, open_page, settings_of

if TYPE_CHECKING:
    from pathlib import Path

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
