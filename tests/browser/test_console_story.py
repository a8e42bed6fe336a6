"""The console from end to end, in a browser and with the real grader.

Two students' notebooks are handed in and graded with a zip whose key is wrong. The zip is mended,
they are regraded, and the regrade is looked at and applied; their grades go to an LMS, and out as
CSV. All of it is done on the console's pages.
"""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DEADLINE_MS, Watch
from tests.support.commands import run_gofer
from tests.support.console_process import ConsoleProcess
from tests.support.edx_outcomes import Edx, serving
from tests.support.processes import LoggedProcess, wait_until
from tests.support.zips import autograder_zip, ok_test

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page

    from tests.browser.conftest import OpenPage

KEY: Final = {"course": "demo101", "section": "fa26", "assignment": "lab01"}
NAME: Final = "demo101/fa26/lab01"
GRADED_MS: Final = 180_000
"""Grading takes seconds for each notebook, and several times that where the machine is busy."""


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    expect.set_options(timeout=3 * DEADLINE_MS)  # with grader and browser on the same two cores
    yield
    expect.set_options(timeout=None)


@pytest.fixture
def edx() -> Iterator[Edx]:
    with serving() as server:
        yield server


class Course:
    """A classic course config with one assignment, whose zip can be put there anew."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.volume = folder / "volume"
        section = {"course_id": "c", "subpath_to_zips": "zips", "assignments": {"lab01": "6333"}}
        config = folder / "course-config.json"
        config.write_text(json.dumps({"demo101": {"fa26": section}}), "utf-8")
        (folder / "zips").mkdir()
        self.environment = {
            "VOLUME_PATH": str(self.volume),
            "COURSE_CONFIG_PATH": str(config),
            "GOFER_AUTOGRADERS": str(folder),
            "GOFER_SWEEP_S": "0.5",
        }

    def put_zip(self, expected: int) -> None:
        content = autograder_zip({"q1": ok_test("q1", f"x == {expected}")})
        (self.folder / "zips" / "lab01-autograder.zip").write_bytes(content)

    def notebook(self, student: str, x: int) -> Path:
        cell: dict[str, object] = {
            "cell_type": "code",
            "source": f"x = {x}",
            "metadata": {},
            "outputs": [],
            "execution_count": None,
        }
        content = {"cells": [cell], "metadata": KEY, "nbformat": 4, "nbformat_minor": 4}
        path = self.folder / f"{student}_lab01.ipynb"
        path.write_text(json.dumps(content), "utf-8")
        return path


def at(page: Page, console: ConsoleProcess, path: str, title: str) -> None:
    page.goto(f"{console.direct_url}{path}")
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def ask(page: Page, label: str, why: str) -> None:
    """Open a button's form, give the reason, and press it twice as hurried people do."""
    page.get_by_test_id("stPopover").get_by_role("button", name=label).click()
    form = page.get_by_test_id("stPopoverBody")
    form.get_by_role("textbox", name=re.compile("^Reason")).fill(why)
    form.get_by_role("button", name=label).dblclick()


def metric(page: Page, label: str) -> Locator:
    return page.get_by_test_id("stMetric").filter(has_text=label).get_by_test_id("stMetricValue")


def test_from_a_batch_to_the_lms_and_a_file(open_page: OpenPage, edx: Edx, tmp_path: Path) -> None:
    course = Course(tmp_path)
    course.put_zip(expected=2)
    notebooks = [course.notebook("ada", 1), course.notebook("ben", 2)]
    grading = {**course.environment, "GOFER_SANDBOX": "process"}
    with (
        LoggedProcess("gofer_ingest.grader", grading) as grader,
        ConsoleProcess(course.volume, course.environment) as console,
    ):
        grader.logged("started")
        page = open_page(accept_downloads=True)
        watch = Watch(page)
        page.goto(console.link)
        hand_in(page, console, notebooks)
        course.put_zip(expected=1)
        regrade_and_apply(page, console, course)
        assert grader.stop() == 0
        # A grader that may post: secrets are kept from notebooks that run without a container.
        posting = {
            **course.environment,
            "EDX_URL": edx.url,
            "LTI_CONSUMER_KEY": "the-key",
            "LTI_CONSUMER_SECRET": "sesame-open-wide",
            "POST_GRADE": "true",
        }
        with LoggedProcess("gofer_ingest.grader", posting) as poster:
            poster.logged("started")
            post(page, console, edx)
            assert poster.stop() == 0
        export(page, console)
        what_happened_is_told(page, console)
        assert [url for url in watch.elsewhere(console.direct_url[:-1]) if url[:3] != "ws:"] == []


def hand_in(page: Page, console: ConsoleProcess, notebooks: list[Path]) -> None:
    at(page, console, "batch", "Batch")
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(notebooks)
    pattern = page.get_by_role("textbox", name="Name pattern (optional)")
    pattern.fill(r"(?P<student>[a-z]+)_.*")
    pattern.press("Enter")
    page.get_by_role("button", name="Look through, and change nothing").click()
    expect(metric(page, "Will be graded")).to_have_text("2")
    page.get_by_role("textbox", name="Reason (optional)").fill("An exam without a network")
    page.get_by_role("button", name="Hand in 2 notebooks").dblclick()
    expect(page.get_by_text("2 of 2 graded")).to_be_visible(timeout=GRADED_MS)


def regrade_and_apply(page: Page, console: ConsoleProcess, course: Course) -> None:
    at(page, console, f"assignments?name={NAME}", "Assignments")
    expect(metric(page, "By another zip")).to_have_text("2")
    ask(page, "Regrade what another zip graded (2)", "The key was wrong")
    wait_until(lambda: len(regrades(course)) > 0)
    expect(page.get_by_text("Start a regrade: demo101/fa26/lab01")).to_have_count(1)
    (regrade,) = regrades(course)
    assert regrade["reason"] == "The key was wrong"
    at(page, console, f"regrades?regrade={regrade['id']}", "Regrades")
    expect(page.get_by_text("Ready to apply")).to_be_visible(timeout=GRADED_MS)
    expect(metric(page, "Up")).to_have_text("1")
    expect(metric(page, "Down")).to_have_text("1")
    assert scores(course) == {"ada": 0.0, "ben": 1.0}
    ask(page, "Apply (2)", "I looked at both")
    expect(page.get_by_text("Applied", exact=True)).to_be_visible()
    assert scores(course) == {"ada": 1.0, "ben": 0.0}
    assert len(regrades(course)) == 1  # of two clicks one was enough


def post(page: Page, console: ConsoleProcess, edx: Edx) -> None:
    at(page, console, f"passback?assignment={NAME}", "Passback")
    ask(page, "Post all (2)", "The regrade is through")
    wait_until(lambda: edx.scores() == {"ada": "1", "ben": "0"})
    page.reload()
    expect(metric(page, "Posted")).to_have_text("2")


def export(page: Page, console: ConsoleProcess) -> None:
    at(page, console, "export", "Export")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV (2 grades)").click()
    path = download.value.path()
    rows = csv.DictReader(io.StringIO(Path(path).read_text("utf-8-sig")))
    assert {row["student"]: float(row["score"]) for row in rows} == {"ada": 1.0, "ben": 0.0}


def what_happened_is_told(page: Page, console: ConsoleProcess) -> None:
    at(page, console, "audit?show=Requests", "Audit")
    table = page.get_by_test_id("data-grid-canvas")
    for words in ("Apply a regrade", "Start a regrade", "Post grades"):
        expect(table).to_contain_text(words)


def regrades(course: Course) -> list[dict[str, str]]:
    done = run_gofer(course.environment, "regrade", "list", "--json")
    found: list[dict[str, str]] = json.loads(done.stdout)
    return found


def scores(course: Course) -> dict[str, float]:
    done = run_gofer(course.environment, "grades", "list", "--json")
    return {row["student"]: row["score"] for row in json.loads(done.stdout)}
