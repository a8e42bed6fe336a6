"""The student page behind a real JupyterHub: signing in by OAuth, in a real browser, and out again.

What the page looks like and does is tested without a Hub in `test_student_pages`. Here it is about
who sees what: the Hub signs people in, and the page's own requests go through its proxy.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import expect

from shared.model import SubmissionId
from tests.browser.conftest import Watch
from tests.integration.server.conftest import make_catalogue
from tests.support.hub import Hub, free_port
from tests.support.processes import DEADLINE_S, ROOT, wait_until
from tests.support.told import NOTEBOOK, Term

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from tests.browser.conftest import OpenPage

SERVICE: Final = "gofer_nb"
CONFIG: Final = f"""
c.JupyterHub.services = [json.loads(os.environ["TEST_SERVICE"])]
c.JupyterHub.load_groups = {{"students": {{"users": ["ada", "ben"]}}}}
c.JupyterHub.load_roles = [
    {{"name": "submit", "groups": ["students"], "scopes": ["access:services!service={SERVICE}"]}},
]
"""
LAB01: Final = {
    **json.loads(NOTEBOOK),
    "metadata": {"course": "demo101", "section": "1", "assignment": "lab01"},
}
CACHE_S: Final = 1


@dataclass(frozen=True)
class Campus:
    """A Hub with Gofer as its service, and a grader that is played."""

    hub: Hub
    term: Term

    @property
    def url(self) -> str:
        """The student page; ends with a slash."""
        return f"{self.hub.url}services/{SERVICE}/"

    def submitted(self, student: str) -> SubmissionId:
        """Submit a notebook as the button does, with a token of the student's."""
        token = self.hub.token_of(student, [f"access:services!service={SERVICE}"])
        answer = httpx.post(
            self.url,
            json={"nb": LAB01},
            headers={"Authorization": f"token {token}", "Accept": "application/json"},
            timeout=DEADLINE_S,
        )
        assert answer.status_code == HTTPStatus.ACCEPTED, answer.text
        return SubmissionId(answer.json()["id"])


@pytest.fixture(scope="module", params=[5, 6], ids=["hub5", "hub6"])
def campus(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Campus]:
    folder = tmp_path_factory.mktemp(f"hub{request.param}")
    make_catalogue(folder)
    volume = folder / "volume"
    term = Term(volume)
    service = {
        "name": SERVICE,
        "url": f"http://127.0.0.1:{free_port()}",
        "command": [sys.executable, "-m", "gofer_ingest.server"],
        "cwd": str(ROOT),
        "oauth_no_confirm": True,
        "environment": {
            "VOLUME_PATH": str(volume),
            "GOFER_AUTOGRADERS": str(folder / "autograders"),
            "GOFER_IDENTITY": "hub",
            "GOFER_IDENTITY_CACHE_S": str(CACHE_S),
            "GOFER_MIN_FREE_DISK": "1m",
            "GOFER_RATE": "off",
            "GOFER_REPEAT_WINDOW_S": "0",
        },
    }
    environment = {"TEST_SERVICE": json.dumps(service)}
    with Hub(folder / "hub", CONFIG, version=request.param, environment=environment) as hub:
        hub.wait_for_service(SERVICE)
        for name in ("ada", "ben", "eve"):
            hub.make_user(name)
        yield Campus(hub, term)
    term.close()


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    return open_page(locale="en-GB", timezone_id="UTC")


def log_in(page: Page, name: str) -> None:
    """Fill the Hub's form in, which the page was sent to."""
    page.wait_for_url("**/hub/login?*")
    page.fill("#username_input", name)
    page.fill("#password_input", "any")
    page.click("#login_submit")


def arrive(page: Page, campus: Campus, name: str, path: str = "") -> None:
    """Open the student page as a stranger, log in at the Hub, and be back where one wanted to."""
    page.goto(campus.url + path)
    log_in(page, name)
    page.wait_for_url(campus.url + path)


def test_a_student_logs_in_at_the_hub_and_sees_their_own_submissions_alone(
    campus: Campus, page: Page
) -> None:
    campus.submitted("ben")
    mine = campus.submitted("ada")
    watch = Watch(page)
    arrive(page, campus, "ada")
    expect(page.locator("li.row").first).to_contain_text("lab01")
    expect(page.get_by_text("ada", exact=True)).to_be_visible()
    links = page.locator("li.row a").evaluate_all("all => all.map(one => one.pathname)")
    assert f"{urlsplit(campus.url).path}submissions/{mine}" in links
    shown = {link.rpartition("/")[2] for link in links}
    spool = campus.term.spool
    assert {spool.envelope_of(SubmissionId(one)).payload.student for one in shown} == {"ada"}
    assert watch.errors == []
    assert watch.elsewhere(campus.hub.origin) == []


def test_a_page_that_was_asked_for_before_signing_in_is_the_one_that_is_shown(
    campus: Campus, page: Page
) -> None:
    mine = campus.submitted("ada")
    arrive(page, campus, "ada", f"submissions/{mine}")
    expect(page.get_by_role("heading", name="lab01")).to_be_visible()
    cookies = {cookie["name"]: cookie for cookie in page.context.cookies(campus.url)}
    assert cookies[f"service-{SERVICE}"]["httpOnly"] is True
    assert page.evaluate("document.cookie").find(f"service-{SERVICE}") == -1


def test_what_becomes_of_a_submission_shows_through_the_hubs_proxy_without_a_reload(
    campus: Campus, page: Page
) -> None:
    arrive(page, campus, "ada")
    page.evaluate("window.isTheSame = true")
    watch = Watch(page)
    mine = campus.submitted("ada")  # in another tab, by the button
    row = page.locator("li.row").filter(has=page.locator(f"a[href$='{mine}']"))
    expect(row.locator("[data-part=label]")).to_have_text("Waiting")
    campus.term.announced(mine)
    expect(row.locator("[data-part=label]")).to_have_text("Being graded")
    campus.term.graded(mine)
    expect(row.locator("[data-part=label]")).to_have_text("Graded")
    expect(row.locator("[data-part=score]")).to_have_text("7.5 of 10")
    assert page.evaluate("window.isTheSame === true")
    assert watch.errors == []


def test_another_students_submission_is_refused(campus: Campus, page: Page) -> None:
    bens = campus.submitted("ben")
    arrive(page, campus, "ada")
    answer = page.goto(f"{campus.url}submissions/{bens}")
    assert answer is not None
    assert answer.status in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}
    expect(page.locator("body")).not_to_contain_text("ben")
    fetched = page.evaluate(
        """async address => {
            const token = document.querySelector('[data-token]')?.dataset.token ?? '';
            const headers = {Accept: 'application/json', 'X-XSRFToken': token};
            const answer = await fetch(address, {headers});
            return [answer.status, await answer.text()];
        }""",
        f"{campus.url}submissions/{bens}",
    )
    assert fetched[0] in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}
    assert "ben" not in fetched[1]


def test_who_logs_out_of_the_hub_sees_nothing_more_and_the_next_one_sees_their_own(
    campus: Campus, page: Page
) -> None:
    adas = campus.submitted("ada")
    bens = campus.submitted("ben")
    arrive(page, campus, "ada")
    expect(page.locator(f"li.row a[href$='{adas}']")).to_be_visible()
    page.goto(f"{campus.hub.url}hub/logout")

    def is_signed_out() -> bool:
        page.goto(campus.url)
        return urlsplit(page.url).path == "/hub/login"

    wait_until(is_signed_out, within_s=10 * CACHE_S)
    log_in(page, "ben")
    page.wait_for_url(campus.url)
    expect(page.locator(f"li.row a[href$='{bens}']")).to_be_visible()
    expect(page.locator(f"li.row a[href$='{adas}']")).to_have_count(0)


def test_who_may_not_use_the_service_is_kept_out_by_the_hub(campus: Campus, page: Page) -> None:
    page.goto(campus.url)
    log_in(page, "eve")
    page.wait_for_url("**/hub/api/oauth2/authorize?*")
    expect(page.get_by_role("heading", name="403")).to_be_visible()
    assert not any(c["name"] == f"service-{SERVICE}" for c in page.context.cookies(campus.url))
