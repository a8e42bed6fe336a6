from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from tests.integration.server.conftest import a_notebook
from tests.support.processes import DEADLINE_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.server.conftest import Server

BROWSER = {"Accept": "text/html,*/*;q=0.8"}
ELSEWHERE = [
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:8888"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Host": "evil.example"},
    {"Host": "127.0.0.1.evil.example:10101"},
]


@pytest.fixture
def browser(server: Server) -> Iterator[httpx.Client]:
    """A browser that follows nothing by itself."""
    with httpx.Client(base_url=server.url, headers=BROWSER, timeout=DEADLINE_S) as client:
        yield client


def sign_in(browser: httpx.Client, name: str, **more: str) -> httpx.Response:
    return browser.post("dev/sign-in", data={"student": name, **more})


def test_a_browser_without_a_name_is_asked_for_one(server: Server, browser: httpx.Client) -> None:
    answer = browser.get("")
    assert answer.status_code == 401
    assert "WWW-Authenticate" in answer.headers
    assert "Who are you?" in answer.text
    assert f'action="{server.prefix}dev/sign-in"' in answer.text
    assert '<label for="student">' in answer.text


@pytest.mark.parametrize("name", ["ada@example.edu", "Zoë Müller", "학생", 'a";,b\\', "x" * 255])
def test_whoever_gives_a_name_is_believed(server: Server, browser: httpx.Client, name: str) -> None:
    answer = sign_in(browser, name)
    assert answer.status_code == 303
    assert answer.headers["Location"] == server.prefix
    cookie = answer.headers["Set-Cookie"]
    for attribute in ("HttpOnly", "SameSite=Strict", f"Path={server.prefix}"):
        assert attribute in cookie
    shown = browser.get("")
    assert shown.status_code == 200
    assert "Your submissions" in shown.text
    receipt = browser.post("", json=a_notebook(), headers={"Accept": "application/json"}).json()
    assert receipt["student"] == name


def test_the_header_wins_over_the_cookie(server: Server, browser: httpx.Client) -> None:
    sign_in(browser, "ada")
    shown = browser.get("", headers={"X-Gofer-Student": "grace"})
    assert "<bdi>grace</bdi>" in shown.text
    assert "Sign out" not in shown.text  # it would not help
    assert "Sign out" in browser.get("").text


def test_signing_out_forgets_the_name(server: Server, browser: httpx.Client) -> None:
    sign_in(browser, "ada")
    answer = browser.post("dev/sign-out", data={"x": ""})
    assert answer.status_code == 303
    assert browser.get("").status_code == 401


def test_one_comes_back_to_the_page_that_was_asked_for(
    server: Server, browser: httpx.Client
) -> None:
    one = "submissions/01900000-0000-7000-8000-000000000000"
    path = f"{server.prefix}{one}"
    assert f'value="{path}"' in browser.get(one).text
    assert sign_in(browser, "ada", next=path).headers["Location"] == path


@pytest.mark.parametrize(
    "elsewhere",
    [
        "//evil.example/",
        "http://evil.example/",
        "/services/gofer_nb/../../evil",
        "/services/gofer_nb/\\evil",
        "/services/gofer_nb/submissions\r\nX: y",
        "javascript:alert(1)",
        "",
    ],
)
def test_signing_in_leads_to_no_other_place(
    server: Server, browser: httpx.Client, elsewhere: str
) -> None:
    assert sign_in(browser, "ada", next=elsewhere).headers["Location"] == server.prefix


@pytest.mark.parametrize("headers", ELSEWHERE, ids=str)
@pytest.mark.parametrize("path", ["dev/sign-in", "dev/sign-out"])
def test_other_sites_pages_can_sign_nobody_in_or_out(
    browser: httpx.Client, headers: dict[str, str], path: str
) -> None:
    answer = browser.post(path, data={"student": "mallory"}, headers=headers)
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("headers", ELSEWHERE, ids=str)
def test_other_sites_pages_cannot_use_the_cookie(
    browser: httpx.Client, headers: dict[str, str]
) -> None:
    sign_in(browser, "ada")
    assert browser.get("submissions", headers=headers).status_code == 403
    assert browser.post("", json=a_notebook(), headers=headers).status_code == 403


@pytest.mark.parametrize("name", ["", "  ", "..", "a\u202eb", "x" * 256, "a\x00b"])
def test_a_name_that_cannot_be_used_is_refused_with_a_page(
    browser: httpx.Client, name: str
) -> None:
    answer = sign_in(browser, name)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"student=ada", "text/plain", 415),
        (b'{"student": "ada"}', "application/json", 415),
        (b"student=%ff", "application/x-www-form-urlencoded", 400),
        (b"\xff", "application/x-www-form-urlencoded", 400),
        (b"&".join([b"a=b"] * 100), "application/x-www-form-urlencoded", 400),
        (b"student=" + b"a" * 10_000, "application/x-www-form-urlencoded", 413),
    ],
)
def test_what_is_no_form_is_refused(
    browser: httpx.Client, content: bytes, kind: str, status: int
) -> None:
    answer = browser.post("dev/sign-in", content=content, headers={"Content-Type": kind})
    assert answer.status_code == status


@pytest.mark.parametrize("cookie", ["%ff", "..", "", "a%00b", "x" * 300])
def test_a_cookie_that_names_nobody_is_as_good_as_none(browser: httpx.Client, cookie: str) -> None:
    headers = {"Cookie": f"gofer_dev_student={cookie}"}
    assert browser.get("", headers=headers).status_code == 401


def test_signing_in_takes_a_form_and_nothing_else(browser: httpx.Client) -> None:
    assert browser.get("dev/sign-in").status_code == 405
