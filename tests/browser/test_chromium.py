from __future__ import annotations

from typing import TYPE_CHECKING

from tests.browser.conftest import Watch

if TYPE_CHECKING:
    from tests.browser.conftest import OpenPage


def test_the_watch_hears_of_errors_and_of_requests(open_page: OpenPage) -> None:
    page = open_page()
    watch = Watch(page)
    page.set_content("<script>console.error('loud'); undefined_function()</script>")
    page.wait_for_function("true")
    assert any("loud" in error for error in watch.errors)
    assert any("undefined_function" in error for error in watch.errors)
