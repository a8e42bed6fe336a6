"""The Submit button as students press it: real JupyterLab and Notebook under a real JupyterHub.

The wheel is built and installed beside the Hub's environment; Gofer's server is a service of the
Hub's, and grades are recorded as the grader records them.
"""

from __future__ import annotations

import json
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import nbformat
import pytest
from playwright.sync_api import expect

from shared.gradebook.engine import open_gradebook
from shared.spool import Spool
from tests.browser.conftest import Watch
from tests.integration.server.conftest import make_catalogue
from tests.support.hub import Hub, environment_of_hub, free_port
from tests.support.processes import ROOT
from tests.support.submit_button import build_wheel, install_wheel
from tests.unit.shared.gradebook_samples import graded, record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Locator, Page

    from shared.requests import Envelope
    from tests.browser.conftest import OpenPage

SLOW_MS: Final = 60_000
"""For JupyterLab to come up on a busy machine, and for a score to be asked for again."""

CONFIG: Final = """
scope = "access:services!service=gofer_nb"
service = json.loads(os.environ["TEST_SERVICE"])
origin = _ours["bind_url"].rstrip("/")
service["environment"]["GOFER_ALLOWED_ORIGINS"] = origin
addresses = {"abroad": service["url"] + "/services/gofer_nb/"}
c.JupyterHub.services = [service]
c.JupyterHub.load_groups = {"students": {"users": ["alice", "abroad", "teacher"]}}
c.JupyterHub.load_roles = [
    {"name": "submit", "groups": ["students"], "scopes": [scope]},
    {"name": "teacher", "users": ["teacher"], "scopes": ["access:servers!user=alice"]},
]
c.Spawner.oauth_client_allowed_scopes = [scope]
c.Spawner.environment = {
    **json.loads(os.environ["TEST_BUTTON"]),
    "GOFER_URL": lambda spawner: addresses.get(spawner.user.name, ""),
}
"""


def a_notebook(**metadata: str) -> dict[str, Any]:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cell: dict[str, Any] = {
        "cell_type": "code",
        "id": "answer",
        "metadata": {},
        "execution_count": None,
        "outputs": [],
        "source": "answer = 4",
    }
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": kernel, **metadata},
        "cells": [cell],
    }


LAB01: Final = {"course": "demo101", "section": "1", "assignment": "lab01"}
NOTEBOOKS: Final = {
    "lab01.ipynb": a_notebook(**LAB01),
    "nameless.ipynb": a_notebook(),
    "unknown.ipynb": a_notebook(**{**LAB01, "assignment": "<b>lab99</b>"}),
}


@dataclass(frozen=True)
class Campus:
    """A Hub with Gofer as its service, and what Gofer keeps."""

    hub: Hub
    volume: Path

    @property
    def submissions(self) -> list[Envelope]:
        """What lies in the spool, oldest first."""
        spool = Spool(self.volume)
        return [spool.read(entry).envelope for entry in spool.pending()]

    def home_of(self, name: str) -> Path:
        return self.hub.folder / "homes" / name

    def log_in(self, page: Page, name: str) -> None:
        page.goto(f"{self.hub.url}hub/login?next={self.hub.base_url}hub/home")
        page.fill("#username_input", name)
        page.fill("#password_input", "any")
        page.click("#login_submit")
        page.wait_for_url("**/hub/home")

    def open_lab(self, page: Page, notebook: str, owner: str, lab: str = "lab/tree") -> None:
        """Open a notebook in a user's server, and wait until it can be submitted."""
        query = "?reset" if lab.startswith("lab") else ""
        page.goto(f"{self.hub.url}user/{owner}/{lab}/{notebook}{query}")
        if "oauth2/authorize" in page.url:  # somebody else's server: the Hub asks first
            page.get_by_role("button", name="Authorize").click()
        expect(submit_button(page)).to_be_visible(timeout=SLOW_MS)
        expect(submit_button(page)).to_be_enabled()


@pytest.fixture(scope="module")
def campus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campus]:
    folder = tmp_path_factory.mktemp("campus")
    make_catalogue(folder)
    python = environment_of_hub(6) / "bin" / "python"
    button = install_wheel(build_wheel(folder / "wheel"), folder / "button", python)
    volume = folder / "volume"
    service = {
        "name": "gofer_nb",
        "url": f"http://127.0.0.1:{free_port()}",
        "command": [sys.executable, "-m", "gofer_ingest.server"],
        "cwd": str(ROOT),
        "oauth_no_confirm": True,
        "environment": {
            "VOLUME_PATH": str(volume),
            "GOFER_AUTOGRADERS": str(folder / "autograders"),
            "GOFER_IDENTITY": "hub",
            "GOFER_MIN_FREE_DISK": "1m",
        },
    }
    environment = {"TEST_SERVICE": json.dumps(service), "TEST_BUTTON": json.dumps(button)}
    with Hub(folder / "hub", CONFIG, environment=environment) as hub:
        campus = Campus(hub, volume)
        hub.wait_for_service("gofer_nb")
        for name in ("alice", "narrow", "abroad", "teacher"):
            hub.make_user(name)
            campus.home_of(name).mkdir(parents=True)
            for path, content in NOTEBOOKS.items():
                (campus.home_of(name) / path).write_text(json.dumps(content), "utf-8")
        with ThreadPoolExecutor() as threads:
            list(threads.map(hub.start_server, ("alice", "narrow", "abroad")))
        yield campus


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    return open_page(locale="en-GB", timezone_id="UTC", permissions=["clipboard-read"])


@pytest.fixture
def alice(page: Page, campus: Campus) -> Page:
    """A page on which alice is logged in at the Hub."""
    campus.log_in(page, "alice")
    return page


def submit_button(page: Page) -> Locator:
    return page.locator(".gofer-submit-button").get_by_role("button").filter(visible=True)


def dialog(page: Page, title: str) -> Locator:
    return page.get_by_role("dialog").filter(has=page.get_by_text(title, exact=True))


def receipt(page: Page) -> Locator:
    return dialog(page, "Submitted")


def refusal(page: Page) -> Locator:
    return dialog(page, "Not submitted")


def read_notebook(content: bytes) -> dict[str, Any]:
    """Read a notebook as its format sees it, whatever way it is written down."""
    read: dict[str, Any] = nbformat.reads(content.decode("utf-8"), as_version=4)  # type: ignore[no-untyped-call]
    for cell in read["cells"]:
        cell["metadata"].pop("trusted", None)  # Jupyter keeps this out of files
    return read


def open_file_menu(page: Page) -> None:
    page.get_by_role("menuitem", name="File", exact=True).click()


def menu_entry(page: Page) -> Locator:
    return page.locator(".lm-Menu-item[data-command='gofer-submit:submit']")


def typed_into(page: Page, text: str) -> None:
    """Type at the end of the notebook's cell."""
    page.locator(".jp-Cell .cm-content").filter(visible=True).click()
    page.keyboard.press("Control+End")
    page.keyboard.type(text)


def grade(campus: Campus, envelope: Envelope, points: float) -> None:
    """Record a grade and settle the submission, as the grader does."""
    engine = open_gradebook(campus.volume)
    record(engine, envelope, graded(points))
    engine.dispose()
    Spool(campus.volume).settle(envelope.id)


def test_a_press_saves_and_submits_and_shows_the_receipt_and_then_the_score(
    alice: Page, campus: Campus
) -> None:
    watch = Watch(alice)
    campus.open_lab(alice, "lab01.ipynb", "alice")
    before = len(campus.submissions)
    typed_into(alice, "2")
    submit_button(alice).click()

    expect(receipt(alice)).to_contain_text("Your notebook for lab01 was received")
    (envelope,) = campus.submissions[before:]
    assert (envelope.payload.student, envelope.payload.source) == ("alice", "hub")
    expect(receipt(alice)).to_contain_text(envelope.id[-8:])
    expect(receipt(alice)).to_contain_text("Submitted asalice")
    receipt(alice).get_by_role("button", name="Copy").click()
    expect(receipt(alice).get_by_role("button", name="Copied")).to_be_visible()
    assert envelope.id in alice.evaluate("navigator.clipboard.readText()")
    stored = read_notebook(Spool(campus.volume).read(envelope.id).notebook())
    assert stored == read_notebook((campus.home_of("alice") / "lab01.ipynb").read_bytes())
    assert stored["cells"][0]["source"] == "answer = 42"

    grade(campus, envelope, 8.5)
    expect(receipt(alice)).to_contain_text("Graded: 8.5 of 10 points.", timeout=SLOW_MS)
    assert watch.elsewhere(campus.hub.origin) == []
    assert [error for error in watch.errors if "gofer-submit" in error] == []


def test_a_second_press_meanwhile_submits_nothing(alice: Page, campus: Campus) -> None:
    campus.open_lab(alice, "lab01.ipynb", "alice")
    posted: list[str] = []
    service = f"{campus.hub.url}services/gofer_nb/"
    alice.route(service, lambda route: posted.append(route.request.method))  # never answered
    with alice.expect_request(service):
        submit_button(alice).evaluate("button => { button.click(); button.click(); }")
    busy = alice.get_by_role("button", name="Submitting…")
    expect(busy).to_be_disabled()
    open_file_menu(alice)
    expect(menu_entry(alice)).to_have_class(re.compile("lm-mod-disabled"))
    assert posted == ["POST"]


def test_the_file_menu_and_the_command_palette_submit_as_well(alice: Page, campus: Campus) -> None:
    campus.open_lab(alice, "lab01.ipynb", "alice")
    open_file_menu(alice)
    menu_entry(alice).click()
    expect(receipt(alice)).to_be_visible()
    alice.keyboard.press("Escape")
    expect(receipt(alice)).to_be_hidden()

    alice.keyboard.press("Control+Shift+C")
    alice.keyboard.type("Submit Notebook")
    alice.keyboard.press("Enter")
    expect(receipt(alice)).to_be_visible()


def test_in_notebook_7_the_keyboard_alone_submits_and_the_score_comes_later(
    alice: Page, campus: Campus
) -> None:
    campus.open_lab(alice, "lab01.ipynb", "alice", lab="notebooks")
    before = {one.id for one in campus.submissions}
    typed_into(alice, " + 1")  # the same bytes again would be the same submission
    submit_button(alice).focus()
    alice.keyboard.press("Enter")
    expect(receipt(alice)).to_be_visible()
    alice.keyboard.press("Enter")
    expect(receipt(alice)).to_be_hidden()
    assert alice.evaluate("document.activeElement.closest('.jp-Notebook') !== null")

    (envelope,) = (one for one in campus.submissions if one.id not in before)
    grade(campus, envelope, 7)
    note = alice.locator(".jp-toast-message", has_text=f"Submission {envelope.id[-8:]}")
    expect(note).to_contain_text("Graded: 7 of 10 points.", timeout=SLOW_MS)
    with alice.context.expect_page() as opened:
        alice.get_by_role("button", name="Details").click()
    assert opened.value.url.endswith(f"/services/gofer_nb/submissions/{envelope.id}")


@pytest.mark.parametrize(
    ("notebook", "sentence"),
    [
        ("nameless.ipynb", "does not say which course and section and assignment it belongs to"),
        ("unknown.ipynb", "Check that you opened this term's notebook"),
    ],
)
def test_what_gofer_says_against_a_notebook_is_shown(
    alice: Page, campus: Campus, notebook: str, sentence: str
) -> None:
    campus.open_lab(alice, notebook, "alice")
    before = len(campus.submissions)
    submit_button(alice).click()
    expect(refusal(alice)).to_contain_text(sentence)
    expect(refusal(alice)).to_contain_text("Your notebook is saved here.")
    assert len(campus.submissions) == before


def test_a_token_that_may_not_use_the_service_is_told_with_the_way_to_mend_it(
    page: Page, campus: Campus
) -> None:
    campus.log_in(page, "narrow")
    campus.open_lab(page, "lab01.ipynb", "narrow")
    before = len(campus.submissions)
    submit_button(page).click()
    expect(refusal(page)).to_contain_text("stop your server, log out, log in again, and start it")
    assert len(campus.submissions) == before

    # The administrator mends the roles, and the student does what was said.
    campus.hub.make_user("narrow", "students")
    with page.context.expect_page() as opened:
        refusal(page).get_by_role("link", name="Open the Hub control panel").click()
    panel = opened.value
    panel.locator("#stop").click()
    expect(panel.locator("#start")).to_contain_text("Start My Server", timeout=SLOW_MS)
    panel.locator("#logout").click()
    campus.log_in(panel, "narrow")
    campus.hub.start_server("narrow")
    campus.open_lab(panel, "lab01.ipynb", "narrow")
    submit_button(panel).click()
    expect(receipt(panel)).to_contain_text("Submitted asnarrow")


def test_a_teacher_in_a_students_server_submits_as_the_teacher(page: Page, campus: Campus) -> None:
    campus.log_in(page, "teacher")
    campus.open_lab(page, "lab01.ipynb", "alice")
    submit_button(page).click()
    expect(receipt(page)).to_contain_text("Submitted asteacher")
    assert campus.submissions[-1].payload.student == "teacher"


def test_a_service_on_another_host_takes_notebooks_of_the_pages_it_was_told_of(
    page: Page, campus: Campus
) -> None:
    watch = Watch(page)
    campus.log_in(page, "abroad")
    campus.open_lab(page, "lab01.ipynb", "abroad")
    submit_button(page).click()
    expect(receipt(page)).to_contain_text("Submitted asabroad")
    assert watch.elsewhere(campus.hub.origin) != []


def test_a_lost_connection_claims_nothing_and_the_next_press_brings_the_receipt(
    alice: Page, campus: Campus
) -> None:
    campus.open_lab(alice, "lab01.ipynb", "alice")
    service = f"{campus.hub.url}services/gofer_nb/"
    alice.route(service, lambda route: route.abort())
    submit_button(alice).click()
    told = dialog(alice, "No receipt")
    expect(told).to_contain_text("did not answer", timeout=SLOW_MS)
    alice.unroute(service)
    told.get_by_role("button", name="Try again").click()
    expect(receipt(alice)).to_be_visible()


def test_jupyterlabs_settings_say_where_notebooks_go_and_a_wrong_address_is_named(
    alice: Page, campus: Campus
) -> None:
    folder = campus.home_of("alice") / ".jupyter" / "lab" / "user-settings" / "gofer-submit"
    folder.mkdir(parents=True)
    setting = folder / "plugin.jupyterlab-settings"
    setting.write_text('{"serviceUrl": "/services/elsewhere"}', "utf-8")
    try:
        campus.open_lab(alice, "lab01.ipynb", "alice")
        submit_button(alice).click()
        expect(refusal(alice)).to_contain_text(f"at {campus.hub.url}services/elsewhere/")
    finally:
        setting.unlink()


def test_a_notebook_that_cannot_be_saved_is_not_submitted(alice: Page, campus: Campus) -> None:
    campus.open_lab(alice, "lab01.ipynb", "alice")
    before = len(campus.submissions)
    alice.route(
        re.compile("/api/contents/lab01.ipynb"),
        lambda route: route.abort() if route.request.method == "PUT" else route.fallback(),
    )
    submit_button(alice).click()
    first = dialog(alice, "File Save Error for lab01.ipynb")  # JupyterLab's own word about it
    first.get_by_role("button").click()
    expect(refusal(alice)).to_contain_text("could not be saved, so it was not submitted")
    assert len(campus.submissions) == before
