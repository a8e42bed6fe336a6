"""Screenshots of the console's pages, light and dark, on a made-up course: `make screenshots`.

The grader is not started: what it would say of its queue is written down, so that all looks the
same whenever it is made.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from playwright.sync_api import expect, sync_playwright

from tests.browser.conftest import ARGUMENTS
from tests.support.console_process import ConsoleProcess
from tests.support.processes import ROOT
from tests.support.sample_course import SampleCourse

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FOLDER: Final = ROOT / "docs" / "img"
SIZE: Final = {"width": 1280, "height": 800}
_PATIENCE_MS: Final = 40_000
_SPEAK_EVERY_S: Final = 5.0
PAGES: Final = {
    "overview": "overview",
    "grades": "grades",
    "submission": "submission?id={shown}",
    "assignments": "assignments",
    "assignment": "assignments?name=stat20/fa26/hw02",
    "regrades": "regrades",
    "regrade": "regrades?regrade={regrade}",
    "passback": "passback",
    "failed": "failed",
    "batch": "batch",
    "export": "export",
    "audit": "audit",
}


def take(names: list[str], folder: Path) -> None:
    """Make the course, start a console on it, and take the screenshots.

    Args:
        names: of the pages, as in `PAGES`.
        folder: where the files go, as `console-NAME-light.png` and `-dark.png`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gofer-screenshots-") as place:
        course = SampleCourse(Path(place))
        course.fill()
        over = threading.Event()
        speaker = threading.Thread(target=_speak, args=(course, over), daemon=True)
        speaker.start()
        try:
            with (
                ConsoleProcess(course.volume, course.environment) as console,
                sync_playwright() as playwright,
            ):
                path = shutil.which("chromium")
                browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
                for scheme in ("light", "dark"):
                    page = _signed_in(browser, scheme, console.link)
                    for name in names:
                        address = PAGES[name].format(
                            regrade=course.regrade_id, shown=course.shown_id
                        )
                        _visit(page, f"{console.direct_url}{address}")
                        page.screenshot(path=folder / f"console-{name}-{scheme}.png")
                    page.context.close()
                browser.close()
        finally:
            over.set()
            speaker.join()


def _speak(course: SampleCourse, over: threading.Event) -> None:
    while not over.wait(_SPEAK_EVERY_S):
        course.speak()


def _signed_in(browser: Browser, scheme: str, link: str) -> Page:
    context = browser.new_context(
        viewport={"width": SIZE["width"], "height": SIZE["height"]},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    context.set_default_timeout(_PATIENCE_MS)
    page = context.new_page()
    page.goto(link)
    return page


def _visit(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("heading", level=1).first.wait_for()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=_PATIENCE_MS)
    page.wait_for_load_state("networkidle")


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", nargs="*", choices=[*PAGES, []], help="only these")
    parser.add_argument("--into", type=Path, default=FOLDER)
    chosen = parser.parse_args()
    take(chosen.pages or list(PAGES), chosen.into)


if __name__ == "__main__":
    main()
