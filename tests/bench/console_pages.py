"""The staff console as the benchmark drives it: its process, its Grades page, its overview."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import psutil

from tests.bench.browsing import (
    PATIENCE_MS,
    Timed,
    cpu_s,
    forget_drawn,
    repeated,
    spent_by,
    wait_drawn,
    wait_said,
    write_down,
)
from tests.support.processes import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

SESSIONS: Final = 10
_WATCHED_S: Final = 30.0
_ROWS: Final = 100
_LINK: Final = re.compile(r"(http://\S+)")
_VIEWPORT: Final = {"width": 1280, "height": 800}


@contextmanager
def console_on(volume: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Run `gofer console` on a volume; give the link that it prints, and its process."""
    child = subprocess.Popen(
        [sys.executable, "-m", "gofer_console.cli", "console", "--port", "0"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "VOLUME_PATH": str(volume), "HOME": str(volume)},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None
    said: list[str] = []
    try:
        found = None
        while found is None:
            line = child.stderr.readline()
            if not line:
                raise SystemExit("The console did not start:\n" + "".join(said))
            said.append(line)
            found = _LINK.search(line)
        yield found[1], psutil.Process(child.pid)
    finally:
        child.terminate()
        child.wait(30)
        child.stderr.close()


def measure_grades(
    browser: Browser, link: str, process: psutil.Process, students: int, assignments: int
) -> dict[str, Timed]:
    """Open Grades, turn its pages, search, and filter, again and again in one session.

    Args:
        browser: that is to open it.
        link: that the console printed.
        process: that serves it.
        students: how many there are, each with a grade for every assignment.
        assignments: how many there are.
    """
    context = browser.new_context(viewport=_VIEWPORT)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    write_down(page)
    page.goto(link)
    grades = f"{link.partition('?')[0]}grades"

    def opened(_number: int) -> None:
        page.goto(grades, wait_until="commit")
        wait_drawn(page, _name(0))

    def by_student(_number: int) -> None:
        page.goto(f"{grades}?view=By+student", wait_until="commit")
        wait_drawn(page, "Mean")
        wait_drawn(page, _name(0))

    opened(0)  # the first of a process and of a browser is not warm
    found = {}
    if assignments > 1:
        by_student(0)
        found["by student"] = repeated(by_student, spent_by(process))
    found["opened"] = repeated(opened, spent_by(process))
    found |= _changed(page, process, students, assignments)
    context.close()
    return found


def _changed(
    page: Page, process: psutil.Process, students: int, assignments: int
) -> dict[str, Timed]:
    grades = students * assignments
    wait_said(page, f"of {grades:,} grades")
    following = page.get_by_role("button", name="Next page")

    def turned(number: int) -> None:
        first = (number + 1) * _ROWS
        forget_drawn(page)
        following.click()
        wait_drawn(page, _name(first // assignments))
        wait_said(page, f"{first + 1:,}\u2013")

    search = page.get_by_label("Search students")

    def searched(number: int) -> None:
        forget_drawn(page)
        name = _name(students // 2 + number)
        search.fill(name)
        search.press("Enter")
        wait_drawn(page, name)
        wait_said(page, f"{assignments:,} grades" if assignments > 1 else "1 grade,")

    found = {
        "paged": repeated(turned, spent_by(process)),
        "searched": repeated(searched, spent_by(process)),
    }
    if assignments > 1:
        search.fill("")
        search.press("Enter")
        wait_said(page, f"of {grades:,} grades")
        choice = page.get_by_role("combobox", name="Assignment", exact=True)

        def filtered(number: int) -> None:
            assignment = f"lab{number:03d}"
            forget_drawn(page)
            choice.fill(assignment)
            choice.press("Enter")
            wait_drawn(page, assignment)
            wait_said(page, f"of {(number + 1) * students:,} grades, filtered")

        found["filtered"] = repeated(filtered, spent_by(process))
    return found


def watch_overview(browser: Browser, link: str, process: psutil.Process) -> float:
    """Return how much of a core the console takes while ten sessions have the overview open."""
    context = browser.new_context(viewport=_VIEWPORT)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    first = context.new_page()
    first.goto(link)
    pages = [context.new_page() for _ in range(SESSIONS)]
    for page in pages:
        page.goto(link.partition("?")[0])
        wait_said(page, "This page looks again by itself")
    first.close()
    pages[0].wait_for_timeout(5000)  # until the last of them is at rest
    before, begun = cpu_s(process), time.monotonic()
    pages[0].wait_for_timeout(_WATCHED_S * 1000)
    share = (cpu_s(process) - before) / (time.monotonic() - begun)
    context.close()
    return share


def _name(number: int) -> str:
    return f"student{number:06d}@example.edu"
