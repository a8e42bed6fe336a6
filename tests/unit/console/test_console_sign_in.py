"""Who gets past the sign-in, to pages and websockets, and what is behind it is told of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse

from gofer_console.web.choosing import chosen_way, make_sign_in
from gofer_console.web.local_sign_in import LocalSignIn
from gofer_console.web.person import Person, Role, Visit
from gofer_console.web.sign_in import SignedIn
from shared.errors import ConfigError
from tests.support.console_pages import settings_of

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import HTTPConnection, Request
    from starlette.websockets import WebSocket

ORIGIN: Final = "http://127.0.0.1:8501"
STREAM: Final = "ws://127.0.0.1:8501/_stcore/stream"
FORGED: Final = {
    "X-Console-User": "dean",
    "x-console-role": "editor",
    "X-Console_Visit": "local",
    "X_CONSOLE_USER": "dean",
}


async def tell(request: Request) -> JSONResponse:
    """Answer with what a page is told."""
    return JSONResponse(
        {name: value for name, value in request.headers.items() if "console" in name}
    )


async def echo(websocket: WebSocket) -> None:
    """Send what a page's session is told."""
    await websocket.accept()
    await websocket.send_json({k: v for k, v in websocket.headers.items() if "console" in k})
    await websocket.close()


@pytest.fixture
def sign_in() -> LocalSignIn:
    return LocalSignIn(name="ada", prefix="/", port=8501)


@pytest.fixture
def client(sign_in: LocalSignIn) -> TestClient:
    routes = [Route("/_stcore/health", tell), WebSocketRoute("/_stcore/stream", echo)]
    routes += [Route("/{path:path}", tell, methods=["GET", "POST", "PUT"])]
    app = SignedIn(
        Starlette(routes=routes),
        sign_in=sign_in,
        prefix="/",
        hosts=frozenset({"127.0.0.1", "grading.example.edu"}),
        origin="https://grading.example.edu",
    )
    return TestClient(app, base_url=ORIGIN)


def signed_in(client: TestClient, sign_in: LocalSignIn) -> TestClient:
    answer = client.get(f"/?{sign_in.query}", follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    return client


def websocket_answer(client: TestClient, **headers: str) -> int:
    """Try to open the session's websocket; return the status that refuses it, or 101."""
    try:
        with client.websocket_connect(STREAM, headers=headers) as websocket:
            websocket.receive_json()
            return 101
    except WebSocketDenialResponse as refusal:
        return refusal.status_code


@pytest.mark.parametrize(
    "path", ["/", "/grades", "/media/x.csv", "/_stcore/metrics", "/_stcore/host-config", "/nb/1"]
)
def test_nothing_is_shown_to_strangers(client: TestClient, path: str) -> None:
    for headers in ({}, FORGED, {"Cookie": "gofer_console_8501=guess"}):
        answer = client.get(path, headers=headers)
        assert answer.status_code == 403
        assert "open it with the link" in answer.text.lower()


def test_a_wrong_link_opens_nothing(client: TestClient) -> None:
    assert client.get("/?launch=guess").status_code == 403
    assert client.get("/?launch=").status_code == 403
    assert not client.cookies


def test_the_link_opens_the_console_and_leaves_the_address_bar(
    client: TestClient, sign_in: LocalSignIn
) -> None:
    answer = signed_in(client, sign_in).get("/grades")
    assert answer.json()["x-console-user"] == "ada"
    assert answer.json()["x-console-role"] == "editor"
    again = client.get(f"/?{sign_in.query}", follow_redirects=False)
    assert (again.status_code, again.headers["location"]) == (303, "/")


def test_the_cookie_is_for_this_console_alone(client: TestClient, sign_in: LocalSignIn) -> None:
    cookie = client.get(f"/?{sign_in.query}", follow_redirects=False).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert sign_in.query.partition("=")[2] not in cookie


def test_a_windows_link_works_once() -> None:
    sign_in = LocalSignIn(name="ada", prefix="/", port=8501, is_link_once=True)
    app = SignedIn(
        Starlette(routes=[Route("/", tell)]),
        sign_in=sign_in,
        prefix="/",
        hosts=frozenset({"127.0.0.1"}),
    )
    first, second = (TestClient(app, base_url=ORIGIN) for _ in range(2))
    assert signed_in(first, sign_in).get("/").json()["x-console-user"] == "ada"
    assert second.get(f"/?{sign_in.query}").status_code == 403
    assert first.get(f"/?{sign_in.query}").status_code == 200


def test_websockets_are_refused_bare_and_forged(client: TestClient) -> None:
    assert websocket_answer(client) == 403
    assert websocket_answer(client, origin=ORIGIN, **FORGED) == 403


def test_websockets_of_strange_pages_are_refused(client: TestClient, sign_in: LocalSignIn) -> None:
    signed_in(client, sign_in)
    assert websocket_answer(client, origin=ORIGIN) == 101
    assert websocket_answer(client, origin="https://grading.example.edu") == 101
    assert websocket_answer(client) == 403  # no browser leaves its page's origin out
    for origin in (
        "http://127.0.0.1:8888",
        "http://localhost:8501",
        "https://evil.example",
        "null",
    ):
        assert websocket_answer(client, origin=origin) == 403


def test_strange_pages_can_send_nothing(client: TestClient, sign_in: LocalSignIn) -> None:
    signed_in(client, sign_in)
    for method in ("POST", "PUT"):
        path = "/_stcore/upload_file/1/2"
        assert client.request(method, path, headers={"Origin": ORIGIN}).status_code == 200
        for headers in ({}, {"Origin": "http://127.0.0.1:8888"}):
            assert client.request(method, path, headers=headers).status_code == 403


def test_forged_headers_never_reach_a_page(client: TestClient, sign_in: LocalSignIn) -> None:
    told = signed_in(client, sign_in).get("/grades", headers=FORGED).json()
    assert told["x-console-user"] == "ada"
    assert not {"x_console_user", "x-console_visit"} & told.keys()
    assert client.get("/_stcore/health", headers=FORGED).json() == {}


def test_another_name_for_this_machine_opens_nothing(
    client: TestClient, sign_in: LocalSignIn
) -> None:
    signed_in(client, sign_in)
    answer = client.get("/grades", headers={"Host": "rebound.evil.example:8501"})
    assert answer.status_code == 400


@pytest.mark.parametrize("host", ["[", "[::1", "127.0.0.1]"])
def test_a_host_that_is_none_is_refused_and_breaks_nothing(client: TestClient, host: str) -> None:
    answer = client.get("/grades", headers={"Host": host})
    assert (answer.status_code, answer.text) == (400, "Unknown host")
    assert websocket_answer(client, host=host, origin=ORIGIN) == 403


def test_an_origin_that_is_none_is_refused_and_breaks_nothing(
    client: TestClient, sign_in: LocalSignIn
) -> None:
    signed_in(client, sign_in)
    assert client.put("/_stcore/upload_file/1/2", headers={"Origin": "http://["}).status_code == 403
    assert websocket_answer(client, origin="http://[") == 403


class ReaderSignIn(LocalSignIn):
    """Lets everybody in, to look."""

    async def admit(self, connection: HTTPConnection) -> Visit:
        del connection
        return Visit(Person("rita", Role.READER), "a visit")


def test_readers_upload_nothing() -> None:
    app = SignedIn(
        Starlette(routes=[Route("/{path:path}", tell, methods=["GET", "PUT", "DELETE"])]),
        sign_in=ReaderSignIn(name="rita", prefix="/", port=8501),
        prefix="/",
        hosts=frozenset({"127.0.0.1"}),
    )
    client = TestClient(app, base_url=ORIGIN, headers={"Origin": ORIGIN})
    assert client.get("/grades").json()["x-console-role"] == "reader"
    for method in ("PUT", "DELETE"):
        answer = client.request(method, "/_stcore/upload_file/1/2")
        assert (answer.status_code, "change nothing" in answer.text) == (403, True)


def test_health_is_told_to_everyone(client: TestClient) -> None:
    assert client.get("/_stcore/health", headers={"Host": "10.0.0.7:8501"}).status_code == 200


@pytest.mark.parametrize("name", ["ada", "josé@exämple.edu", 'a "b"; c=d', "名前", "x\ny"])
def test_a_visit_survives_its_headers(name: str) -> None:
    visit = Visit(Person(name, Role.READER), "an id")
    headers = {key.decode("ascii"): value.decode("ascii") for key, value in visit.headers()}
    assert all(value.isprintable() for value in headers.values())
    assert Visit.of(headers) == visit


@pytest.mark.parametrize("headers", [{}, {"x-console-user": "ada"}, {"x-console-role": "root"}])
def test_headers_that_do_not_say_all_are_nobody(headers: dict[str, str]) -> None:
    assert Visit.of(headers) is None


# --- which way it is ------------------------------------------------------------------------------

HUB: Final = {"console_hub_token": "t", "console_hub_service": "console", "staff": "ada"}


@pytest.mark.parametrize(
    ("said", "way"),
    [
        ({}, "local"),
        ({"console_address": "::1"}, "local"),
        ({"console_address": "localhost"}, "local"),
        ({**HUB, "hub_api_url": "http://hub:8081/hub/api"}, "hub"),
        ({"console_oidc_client_id": "gofer"}, "oidc"),
        ({"console_sign_in": "local", **HUB}, "local"),
    ],
)
def test_the_settings_say_how_people_sign_in(
    tmp_path: Path, said: dict[str, Any], way: str
) -> None:
    assert chosen_way(settings_of(tmp_path, **said)) == way


@pytest.mark.parametrize(
    ("said", "variable"),
    [
        ({"console_address": "0.0.0.0"}, "GOFER_CONSOLE_ADDRESS"),
        ({"console_address": "::"}, "GOFER_CONSOLE_ADDRESS"),
        ({"console_address": "grading.example.edu"}, "GOFER_CONSOLE_ADDRESS"),
        ({"console_url": "https://grading.example.edu/"}, "GOFER_CONSOLE_URL"),
        ({"console_address": "0.0.0.0", **HUB}, "GOFER_CONSOLE_URL"),
        ({"console_sign_in": "hub"}, "GOFER_STAFF"),
        ({"console_sign_in": "hub", "staff": "ada"}, "JUPYTERHUB_API_URL"),
        (
            {"console_sign_in": "hub", "staff": "ada", "hub_api_url": "http://h/"},
            "GOFER_CONSOLE_HUB_TOKEN",
        ),
        ({"console_sign_in": "oidc", "staff": "ada"}, "GOFER_CONSOLE_OIDC_URL"),
        (
            {"hub_api_url": "http://h/", "console_cookie_secret": "short", **HUB},
            "GOFER_CONSOLE_COOKIE_SECRET",
        ),
    ],
)
def test_there_is_no_console_without_a_sign_in(
    tmp_path: Path, said: dict[str, Any], variable: str
) -> None:
    with pytest.raises(ConfigError) as refusal:
        make_sign_in(settings_of(tmp_path, **said), port=8501)
    assert variable in str(refusal.value)
