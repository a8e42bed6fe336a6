from __future__ import annotations

import re
from contextlib import contextmanager
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.integration.hub.conftest import BROWSER, NOTEBOOK
from tests.support.processes import DEADLINE_S, LoggedProcess, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.hub.conftest import Campus, Door

PAGE_MODE = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin"}
FETCH_MODE = {
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Site": "same-origin",
    "Content-Type": "application/json",
}


@contextmanager
def visiting(door: Door, name: str = "ada") -> Iterator[tuple[httpx.Client, str]]:
    """A browser of somebody's that has opened the page of a submission of theirs, and its URL."""
    page = f"{door.url}submissions/{door.post(door.token_of(name)).json()['id']}"
    with door.hub.signed_in(name) as browser:
        assert f"<bdi>{name}</bdi>" in browser.get(page, headers=BROWSER).text
        yield browser, page


def xsrf_of(browser: httpx.Client, door: Door) -> str:
    path = urlsplit(door.url).path
    return next(c.value or "" for c in browser.cookies.jar if (c.name, c.path) == ("_xsrf", path))


@contextmanager
def stranger() -> Iterator[httpx.Client]:
    """A browser that nobody has signed in on, which follows nothing by itself."""
    with httpx.Client(timeout=DEADLINE_S, headers=BROWSER) as browser:
        yield browser


def callback(door: Door, **query: str) -> httpx.URL:
    return httpx.URL(f"{door.url}oauth_callback", params=query)


def test_whoever_is_logged_in_at_the_hub_gets_the_page_they_asked_for(door: Door) -> None:
    with visiting(door) as (browser, page):
        answer = browser.get(page, headers={**BROWSER, **PAGE_MODE})
        assert answer.status_code == 200
        assert answer.history == []
        cookie = next(c for c in browser.cookies.jar if c.name == f"service-{door.name}")
        assert cookie.path == urlsplit(door.url).path
        assert cookie.has_nonstandard_attr("HttpOnly")
        assert not any("oauth-state" in cookie.name for cookie in browser.cookies.jar)


def test_whoever_is_not_logged_in_is_sent_to_the_hub_to_log_in(door: Door) -> None:
    with stranger() as browser:
        browser.follow_redirects = True
        answer = browser.get(f"{door.url}submissions/00000000-0000-7000-8000-000000000000")
        assert answer.url.path == "/hub/login"
        assert 'name="password"' in answer.text


def test_what_is_no_page_visit_is_refused_and_sent_nowhere(door: Door) -> None:
    url = f"{door.url}submissions/00000000-0000-7000-8000-000000000000"
    with stranger() as browser:
        for answer in (
            browser.get(url, headers=FETCH_MODE),
            browser.get(url, headers={"Accept": "*/*"}),
            browser.post(door.url, content=NOTEBOOK, headers=PAGE_MODE),
        ):
            assert answer.status_code == 401
            assert "Location" not in answer.headers
            assert "Set-Cookie" not in answer.headers


def test_a_cookie_alone_submits_nothing(door: Door) -> None:
    with visiting(door) as (browser, _), visiting(door, "ben") as (bens_browser, _):
        bens = xsrf_of(bens_browser, door)
        before = len(door.envelopes())
        for mode in ({}, FETCH_MODE, PAGE_MODE):
            for forged in ({}, {"X-XSRFToken": "x"}, {"X-XSRFToken": bens}):
                answer = browser.post(door.url, content=NOTEBOOK, headers={**mode, **forged})
                assert answer.status_code == 403, answer.text
                assert "Reload" in answer.text
        assert len(door.envelopes()) == before


def test_a_pages_own_requests_carry_the_pages_token(door: Door) -> None:
    with visiting(door) as (browser, page):
        token = {"X-XSRFToken": xsrf_of(browser, door)}
        answer = browser.post(door.url, content=NOTEBOOK, headers={**FETCH_MODE, **token})
        assert answer.status_code == 202
        assert [envelope.payload.student for envelope in door.envelopes()] == ["ada", "ada"]
        assert browser.get(page, headers=FETCH_MODE).status_code == 403
        assert browser.get(page, headers={**FETCH_MODE, **token}).status_code == 200


def test_a_page_brings_the_token_that_its_own_requests_need(door: Door) -> None:
    with visiting(door) as (browser, page):
        shown = browser.get(page, headers={**BROWSER, **PAGE_MODE}).text
        token = re.search(r'data-token="([^"]+)"', shown)
        assert token is not None
        fetched = {**FETCH_MODE, "Accept": "application/json", "X-XSRFToken": unescape(token[1])}
        for address in (page, f"{door.url}submissions?limit=15"):
            answer = browser.get(address, headers=fetched)
            assert answer.status_code == 200, answer.text
            assert '"student": "ada"' in answer.text


def test_logging_out_of_the_hub_signs_out_here(door: Door) -> None:
    with visiting(door) as (browser, page):
        browser.get(f"{door.hub.url}hub/logout")
        browser.follow_redirects = False
        wait_until(lambda: browser.get(page, headers=BROWSER).status_code == 302, within_s=10)


def test_the_hub_keeps_out_whom_the_door_is_not_open_to(door: Door) -> None:
    with door.hub.signed_in("eve") as browser:
        answer = browser.get(
            f"{door.url}submissions/00000000-0000-7000-8000-000000000000", headers=BROWSER
        )
        assert answer.status_code == 403
        assert answer.url.path == "/hub/api/oauth2/authorize"
        assert not any(cookie.name == f"service-{door.name}" for cookie in browser.cookies.jar)


def test_who_left_the_class_may_sign_in_again_once_they_are_back(door: Door) -> None:
    door.hub.make_user("gwen", "class")
    with visiting(door, "gwen") as (browser, page):
        browser.follow_redirects = False
        door.hub.call("DELETE", "groups/class/users", {"users": ["gwen"]})
        wait_until(
            lambda: browser.get(page, headers=BROWSER).status_code in {302, 403}, within_s=10
        )
        door.hub.make_user("gwen", "class")
        browser.follow_redirects = True
        assert "<bdi>gwen</bdi>" in browser.get(page, headers=BROWSER).text


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"code": "x"},
        {"code": "x", "state": ""},
        {"code": "x", "state": "rubbish"},
        {"code": "x", "state": "r\xfcbbish"},
        {"state": "x"},
        {"error": "access_denied", "error_description": "<script>alert(1)</script>"},
    ],
    ids=str,
)
def test_coming_back_without_having_begun_is_refused(door: Door, query: dict[str, str]) -> None:
    with stranger() as browser:
        answer = browser.get(callback(door, **query))
        assert answer.status_code == 403, answer.text
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "alert(1)" not in answer.text
        assert not browser.cookies.jar


def test_a_sign_in_that_somebody_else_began_is_refused(door: Door) -> None:
    with stranger() as mallory, door.hub.signed_in("ada") as browser:
        begun = mallory.get(f"{door.url}submissions/00000000-0000-7000-8000-000000000000")
        answer = browser.get(httpx.URL(door.hub.url).join(begun.headers["Location"]))
        assert answer.url.path.endswith("oauth_callback")
        assert answer.status_code == 403
        assert not any(cookie.name == f"service-{door.name}" for cookie in browser.cookies.jar)


@pytest.mark.parametrize(
    "asked", ["//evil.example/", "/\\evil.example/", "http://evil.example/services/", "/elsewhere"]
)
def test_a_sign_in_never_leads_to_another_place(external: Door, asked: str) -> None:
    """The address that is asked for travels in the state; a state of one's own making is none."""
    with stranger() as browser:
        answer = browser.get(
            external.direct_url + "submissions/00000000-0000-7000-8000-000000000000",
            extensions={"target": asked.encode()},
        )
        assert "Location" not in answer.headers
        assert answer.status_code in {400, 404}


def test_the_state_says_nothing_that_the_hub_or_its_log_could_use(external: Door) -> None:
    path = urlsplit(external.url).path + "submissions/00000000-0000-7000-8000-000000000000"
    with stranger() as browser:
        answer = browser.get(f"{external.url}submissions/00000000-0000-7000-8000-000000000000?a=b")
        query = parse_qs(urlsplit(answer.headers["Location"]).query)
        assert query["code_challenge_method"] == ["S256"]
        assert re.fullmatch(r"[\w-]{43}", query["code_challenge"][0])
        assert query["redirect_uri"] == ["/services/external/oauth_callback"]
        assert query["client_id"] == ["service-external"]
        assert path not in answer.headers["Location"]


def test_cookies_are_for_https_alone_where_the_front_speaks_it(external: Door) -> None:
    url = f"{external.direct_url}submissions/00000000-0000-7000-8000-000000000000"
    with stranger() as browser:
        by_https = browser.get(url, headers={"X-Forwarded-Proto": "https"})
        assert "Secure" in by_https.headers["Set-Cookie"]
        assert "Secure" not in browser.get(url).headers["Set-Cookie"]


def test_a_sign_in_begun_at_one_server_process_is_finished_at_another(
    campus: Campus, external: Door
) -> None:
    page = f"submissions/{external.post(external.token_of('ada')).json()['id']}"
    environment = {**campus.environment, "GOFER_PORT": "0"}
    with (
        LoggedProcess("gofer_ingest.server", environment) as another,
        campus.hub.signed_in("ada") as browser,
    ):
        begun = browser.get(
            str(another.logged("listening")["url"]) + page, headers=BROWSER, follow_redirects=False
        )
        assert begun.status_code == 302
        answer = browser.get(httpx.URL(campus.hub.url).join(begun.headers["Location"]))
        assert answer.url == external.url + page
        assert answer.json()["student"] == "ada"
        assert another.stop() == 0
        assert [line for line in another.lines if line["action"] == "unreadable"] == []


def test_no_secret_gets_into_the_log(campus: Campus, external: Door) -> None:
    token = external.token_of("ada")
    external.post(token)
    with visiting(external) as (browser, page):
        browser.get(page, headers=BROWSER)
        browser.post(external.url, content=NOTEBOOK)
        cookies = [cookie.value or "" for cookie in browser.cookies.jar]
    campus.server.logged("http.request", status=403)
    log = str(campus.server.lines)
    for secret in (token, campus.tokens["external"], campus.hub.admin_token, "code=", *cookies):
        assert secret not in log
