"""The page Submission in a real browser: the notebook in its frame, the keyboard, the download."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.browser.conftest import Watch
from tests.support.console_process import ConsoleProcess
from tests.support.told import NOTEBOOK, Term

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.browser.conftest import OpenPage


_FIRST_NOTEBOOK_MS: Final = 60_000
"""The process that draws notebooks is started for it, which takes long where much else goes on."""


@pytest.fixture
def term(tmp_path: Path) -> Iterator[Term]:
    made = Term(tmp_path / "volume")
    yield made
    made.close()


def test_staff_go_from_student_to_student_and_download_a_notebook(
    term: Term, open_page: OpenPage, tmp_path: Path
) -> None:
    first, second = term.submitted("ada"), term.submitted("![x](http://evil.example/a.png)")
    for submission_id in (first, second):
        term.graded(submission_id)
    with ConsoleProcess(term.volume) as console:
        page = open_page()
        watch = Watch(page)
        page.goto(console.link)
        page.goto(f"{console.direct_url}submission?id={second}")
        page.get_by_text("![x](http://evil.example/a.png)", exact=True).wait_for()
        page.get_by_role("button", name="Next student").wait_for()
        page.keyboard.press("n")
        page.get_by_text("ada", exact=True).wait_for()
        page.wait_for_url(f"**/submission?id={first}")
        frame = page.frame_locator(f'iframe[src$="nb/{first}"]')
        frame.get_by_text("This notebook is empty.").wait_for(timeout=_FIRST_NOTEBOOK_MS)
        with page.expect_download() as download:
            page.get_by_text("Download notebook").click()
        download.value.save_as(tmp_path / "saved.ipynb")
        assert (tmp_path / "saved.ipynb").read_bytes() == NOTEBOOK
        assert watch.elsewhere(console.direct_url.removesuffix("/")) == []
