"""Pages of other origins: those that the settings name may submit, and no others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.integration.server.conftest import running_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.server.conftest import Server

HUB = "https://hub.example.edu"
LAB = "http://localhost:8888"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with running_server(folder, GOFER_ALLOWED_ORIGINS=f"{HUB}, {LAB}") as running:
        yield running


def preflight(server: Server, origin: str | None, path: str = "") -> httpx.Response:
    headers = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    if origin is not None:
        headers["Origin"] = origin
    return httpx.options(server.url + path, headers=headers)


def leave_in(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("access-")}


@pytest.mark.parametrize("origin", [HUB, LAB])
@pytest.mark.parametrize("path", ["", "submissions/01900000-0000-7000-8000-000000000000"])
def test_a_preflight_is_answered_without_signing_in(server: Server, origin: str, path: str) -> None:
    answer = preflight(server, origin, path)
    assert answer.status_code == 204
    assert answer.content == b""
    assert leave_in(answer) == {
        "access-control-allow-origin": origin,
        "access-control-allow-methods": "GET, HEAD" if path else "GET, HEAD, POST",
        "access-control-allow-headers": "Authorization, Content-Type, Accept, X-Gofer-Student",
        "access-control-expose-headers": "Location, Retry-After",
        "access-control-max-age": "600",
    }
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://hub.example.edu.evil.example",
        "http://hub.example.edu",
        "https://hub.example.edu:8443",
        "https://HUB.example.edu",
        "null",
        "*",
        "",
    ],
)
def test_a_preflight_from_elsewhere_is_refused(server: Server, origin: str) -> None:
    answer = preflight(server, origin)
    assert answer.status_code == 403
    assert leave_in(answer) == {}
    assert "Origin" in answer.headers["vary"]


def test_options_that_is_no_preflight_is_a_method_like_any_other(server: Server) -> None:
    assert preflight(server, None).status_code == 405
    assert httpx.options(server.url, headers={"Origin": HUB}).status_code == 405


def test_a_page_that_may_gets_its_receipt(server: Server, notebook: dict[str, Any]) -> None:
    answer = server.post(notebook, Origin=HUB, Sec_Fetch_Site="cross-site")
    assert answer.status_code == 202
    assert leave_in(answer) == {
        "access-control-allow-origin": HUB,
        "access-control-expose-headers": "Location, Retry-After",
    }
    assert {word.strip() for word in answer.headers["vary"].split(",")} == {"Accept", "Origin"}


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"hello", 400),
        (json.dumps({"nb": 3}).encode(), 400),
        (b" " * (11 << 20), 413),
    ],
)
def test_a_page_that_may_can_read_why_it_was_refused(
    server: Server, content: bytes, status: int
) -> None:
    answer = server.post(content, Origin=HUB, Accept="application/json")
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == HUB


def test_so_can_it_where_nobody_is_signed_in_or_nothing_is_there(server: Server) -> None:
    for answer in (
        httpx.post(server.url, content=b"{}", headers={"Origin": HUB}),
        httpx.get(f"{server.url}nothing", headers={"Origin": HUB}),
        httpx.put(server.url, headers={"Origin": HUB}),
    ):
        assert answer.status_code in {401, 404, 405}
        assert answer.headers["access-control-allow-origin"] == HUB


def test_a_page_that_may_not_is_told_nothing(server: Server, notebook: dict[str, Any]) -> None:
    answer = server.post(notebook, Origin="https://evil.example")
    assert answer.status_code == 403
    assert leave_in(answer) == {}


def test_a_program_without_an_origin_is_not_concerned(
    server: Server, notebook: dict[str, Any]
) -> None:
    answer = server.post(notebook)
    assert answer.status_code == 202
    assert leave_in(answer) == {}


def test_cookies_are_never_allowed_along(server: Server) -> None:
    for answer in (preflight(server, HUB), server.get("", Origin=HUB)):
        assert "access-control-allow-credentials" not in answer.headers
