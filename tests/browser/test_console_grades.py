"""The page of grades in a real browser: a filter, a row, a regrade of what is selected."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest
from playwright.sync_api import expect

from shared.spool import Spool
from tests.browser.conftest import DEADLINE_MS, Watch
from tests.support.processes import ROOT, wait_until
from tests.support.zips import autograder_zip, ok_test
from tests.unit.shared.gradebook_samples import fresh_gradebook, graded, record, submitted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.browser.conftest import OpenPage

LINK: Final = re.compile(r"The console answers at (\S+)")
EVIL: Final = "![x](http://evil.example/a.png) <img src=http://evil.example/b>"
ROW_PX: Final = 35
STANDS_STILL: Final = """() => {
    const at = document.querySelector('[data-testid="stDataFrame"] canvas');
    const runs = document.querySelector('[data-test-script-state="notRunning"]') === null;
    const place = at && !runs ? JSON.stringify(at.getBoundingClientRect()) : '';
    const now = performance.now();
    if (place === '' || at !== window.stoodBy || place !== window.stoodAt) {
        [window.stoodBy, window.stoodAt, window.stoodSince] = [at, place, now];
        return false;
    }
    return now - window.stoodSince > 300;
}"""


@pytest.fixture(autouse=True, scope="module")
def patience() -> Iterator[None]:
    """Streamlit's first page of a process takes seconds where the machine is busy."""
    expect.set_options(timeout=DEADLINE_MS)
    yield
    expect.set_options(timeout=None)


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    engine = fresh_gradebook(tmp_path)
    for student in ("ada", "bob", EVIL):
        for lab in ("lab01", "lab02"):
            record(engine, submitted(student, assignment=lab), graded(6))
    engine.dispose()
    Spool(tmp_path).prepare()
    course = 'timezone = "Europe/Berlin"\n[courses.demo101.sections.fa26.assignments.lab01]\n'
    course = f"[courses.demo101]\n{course}autograder = 'lab01.zip'\n"
    (tmp_path / "course.toml").write_text(course, "utf-8")
    (tmp_path / "lab01.zip").write_bytes(autograder_zip({"q1": ok_test("q1", "True")}))
    return tmp_path


@pytest.fixture
def link(volume: Path) -> Iterator[str]:
    """A console on the volume, and the link that it printed."""
    child = subprocess.Popen(
        [sys.executable, "-m", "gofer_console.cli", "console", "--port", "0"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "VOLUME_PATH": str(volume),
            "HOME": str(volume),
            "COURSE_CONFIG_PATH": str(volume / "course.toml"),
            "GOFER_AUTOGRADERS": str(volume),
        },
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None
    try:
        said = []
        for line in child.stderr:
            said.append(line)
            if found := LINK.search(line):
                yield found[1]
                break
        else:
            pytest.fail("".join(said))
    finally:
        child.terminate()
        child.wait(20)
        child.stderr.close()


def has_cell(page: Page, text: str) -> None:
    page.wait_for_function(
        "text => [...document.querySelectorAll('td')].some(td => td.textContent === text)",
        arg=text,
    )


def click_row(page: Page, row: int, x: int) -> None:
    """Click in a row of the table, which is drawn; rows count from 0.

    Nothing tells a drawn row from outside, so this waits until the page has run to its end and the
    table has stayed where it is for a while.
    """
    page.wait_for_function(STANDS_STILL)
    box = page.get_by_test_id("stDataFrame").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + x, box["y"] + ROW_PX * (row + 1) + ROW_PX // 2)


def test_grades_are_filtered_opened_and_regraded(
    link: str, volume: Path, open_page: OpenPage
) -> None:
    page = open_page()
    watch = Watch(page)
    origin = link.partition("/?")[0]
    page.goto(link)
    page.goto(f"{origin}/grades?assignment=lab01")
    has_cell(page, EVIL)
    expect(page.get_by_text("of 3 grades, filtered")).to_be_visible()

    click_row(page, 1, 15)
    expect(page.get_by_role("button", name="Regrade selected (1)")).to_be_enabled()
    page.get_by_role("button", name="Regrade selected (1)").click()
    expect(page.get_by_role("dialog", name="Regrade")).to_contain_text("ada")
    page.get_by_role("button", name="Regrade (1)").dblclick()
    expect(page.get_by_text("on the way to the grader")).to_be_visible()
    spool = Spool(volume)
    wait_until(lambda: bool(spool.pending()))
    (request,) = spool.pending()
    assert spool.read_request(request).payload.model_dump()["students"] == ("ada",)

    click_row(page, 1, 68)
    expect(page.get_by_role("heading", name="Submission")).to_be_visible()
    page.get_by_test_id("stMain").get_by_role("link", name="Grades").click()
    expect(page.get_by_text("of 3 grades, filtered")).to_be_visible()
    assert "assignment=lab01" in page.url
    assert watch.elsewhere(origin) == []


def test_links_lead_to_what_they_say_and_nothing_else_is_kept(
    link: str, open_page: OpenPage
) -> None:
    page = open_page()
    origin = link.partition("/?")[0]
    page.goto(link)
    for name, path in (
        ("Grades", "grades?course=demo101&section=fa26&assignment=lab01"),
        ("Passback", "passback?assignment=demo101%2Ffa26%2Flab01"),
        ("Regrades", "regrades?assignment=demo101%2Ffa26%2Flab01"),
    ):
        page.goto(f"{origin}/assignments?name=demo101/fa26/lab01")
        main = page.get_by_test_id("stMain")
        main.get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
        expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
        expect(page).to_have_url(f"{origin}/{path}")
    page.goto(f"{origin}/passback?q=ada&assignment=demo101/fa26/lab01")
    search = page.get_by_role("searchbox", name="Student")
    expect(search).to_have_value("ada")
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Grades", exact=True).click()
    expect(page.get_by_text("of 6 grades")).to_be_visible()
    expect(page).to_have_url(f"{origin}/grades")
