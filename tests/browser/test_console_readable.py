"""What can be read on the console's pages, in the colours that a browser gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser.accessibility import faint_texts
from tests.browser.conftest import DEADLINE_MS
from tests.support.console_process import ConsoleProcess
from tests.support.told import Term

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.conftest import OpenPage


def test_every_tab_can_be_read_chosen_or_not(tmp_path: Path, open_page: OpenPage) -> None:
    term = Term(tmp_path / "volume")
    submission_id = term.submitted("ada")
    term.graded(submission_id)
    with ConsoleProcess(term.volume) as console:
        for scheme in ("light", "dark"):
            page = open_page(color_scheme=scheme)
            page.goto(console.link)
            page.goto(f"{console.direct_url}submission?id={submission_id}")
            tab = page.get_by_role("tab", name="Log", exact=True)
            expect(tab).to_have_attribute("aria-selected", "false", timeout=3 * DEADLINE_MS)
            assert faint_texts(page, "[role=tab]") == []
            tab.click()
            expect(tab).to_have_attribute("aria-selected", "true")
            assert faint_texts(page, "[role=tab]") == []
    term.close()
