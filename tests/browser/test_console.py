"""The console in a real browser, with everything that the Procfile starts behind it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DEADLINE_MS, Watch
from tests.support.commands import run_gofer
from tests.support.hub import free_port
from tests.support.processes import ROOT, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.browser.conftest import OpenPage

PAGES: Final = {
    "": "Overview",
    "grades": "Grades",
    "submission": "Submission",
    "assignments": "Assignments",
    "regrades": "Regrades",
    "passback": "Passback",
    "failed": "Failed",
    "batch": "Batch",
    "export": "Export",
    "audit": "Audit",
}
SAMPLES: Final = ROOT / "examples" / "demo101"
LAUNCH: Final = re.compile(r"The console answers at (\S+)")


class Site:
    """All that `gofer up` starts, on free ports, and the link that it printed."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "VOLUME_PATH": str(folder / "volume"),
            "COURSE_CONFIG_PATH": str(SAMPLES / "course.toml"),
            "GOFER_AUTOGRADERS": str(SAMPLES / "autograders"),
            "GOFER_SANDBOX": "process",
            "GOFER_IDENTITY": "dev",
            "GOFER_PORT": str(self.port),
            "GOFER_URL": f"http://127.0.0.1:{self.port}/services/gofer_nb/",
            "GOFER_CONSOLE_PORT": str(free_port()),
        }
        self.said: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gofer_console.cli", "up"],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        wait_until(lambda: self.link != "" or self.process.poll() is not None)
        assert self.process.poll() is None, "".join(self.said)
        wait_until(self._is_up)

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.said.extend(iter(self.process.stdout.readline, ""))

    def _is_up(self) -> bool:
        try:
            return httpx.get(f"{self.origin}/_stcore/health").is_success
        except httpx.TransportError:
            return False

    @property
    def link(self) -> str:
        return next((found[1] for line in list(self.said) if (found := LAUNCH.search(line))), "")

    @property
    def origin(self) -> str:
        return self.link.partition("/?")[0]

    def submit(self, sample: str, student: str) -> None:
        notebook = SAMPLES / "submissions" / f"{sample}.ipynb"
        done = run_gofer(self.environment, "submit", str(notebook), "--as", student, "--wait")
        assert done.returncode == 0, done.stderr

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
            self._reader.join(20)
            assert self.process.stdout is not None
            self.process.stdout.close()


@pytest.fixture(autouse=True, scope="module")
def patience() -> Iterator[None]:
    """Streamlit's first page of a process takes seconds where the machine is busy."""
    expect.set_options(timeout=DEADLINE_MS)
    yield
    expect.set_options(timeout=None)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    running = Site(tmp_path_factory.mktemp("site"))
    yield running
    running.stop()


def at(site: Site, page: Page, path: str, title: str) -> None:
    """Open a page of the console and wait until Streamlit has shown it to its end."""
    page.goto(f"{site.origin}/{path}")
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_opens_and_asks_for_nothing_elsewhere(
    site: Site, open_page: OpenPage, scheme: str
) -> None:
    page = open_page(color_scheme=scheme)
    watch = Watch(page)
    page.goto(site.link)
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    assert page.url == f"{site.origin}/"  # the secret is gone from the address bar
    for path, title in PAGES.items():
        at(site, page, path, title)
        expect(page.get_by_test_id("stException")).to_have_count(0)
        expect(page).to_have_title(f"{title} · Gofer")
    elsewhere = [url for url in watch.elsewhere(site.origin) if not url.startswith("ws://")]
    assert elsewhere == []
    # Streamlit looks for its own base path under a page's, and does not find it there.
    assert [error for error in watch.errors if "404" not in error] == []


def test_the_overview_lives(site: Site, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(site.link)
    number = page.get_by_test_id("stMetric").filter(has_text="Graded in the last hour")
    expect(number).to_be_visible()
    before = int(number.get_by_test_id("stMetricValue").inner_text())
    site.submit("hidden_test_failed", "ben")
    expect(number.get_by_test_id("stMetricValue")).to_have_text(str(before + 1))
    page.get_by_role("link", name="Open failed").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Failed")


def test_nobody_gets_in_without_the_link(site: Site, open_page: OpenPage) -> None:
    page = open_page()
    answer = page.goto(f"{site.origin}/grades")
    assert answer is not None
    assert answer.status == 403
    expect(page.get_by_role("heading")).to_have_count(0)


def test_a_page_of_another_port_can_open_no_session(site: Site, open_page: OpenPage) -> None:
    """As a notebook server on the same machine could try, in the browser of who is signed in."""
    page = open_page()
    page.goto(site.link)
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    page.goto(f"http://127.0.0.1:{site.port}/services/gofer_nb/healthz")
    socket = site.origin.replace("http", "ws", 1) + "/_stcore/stream"
    opened: Any = page.evaluate(
        """url => new Promise(done => {
            const socket = new WebSocket(url, ["streamlit"]);
            socket.onopen = () => done("opened");
            socket.onerror = () => done("refused");
        })""",
        socket,
    )
    assert opened == "refused"
