"""What the server makes of answers that a real Hub gives rarely or never."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from shared.spool import Spool
from tests.integration.hub.conftest import NOTEBOOK, make_folder
from tests.support.processes import LoggedProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ACCESS: Final = "access:services!service=gofer"


def saying(content: object, status: str = "200 OK", *, cut: int = 0) -> bytes:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body[: len(body) - cut]


def user(**more: Any) -> dict[str, Any]:
    return {"name": "ada", "kind": "user", "groups": [], "scopes": [ACCESS], "admin": True, **more}


UNUSABLE: Final[dict[str, bytes]] = {
    "cut": saying(user(), cut=7),
    "page": saying(b"<html>Welcome to the wrong port</html>"),
    "list": saying([user()]),
    "null": saying(None),
    "nobody": saying({}),
    "no-kind": saying({"name": "ada", "scopes": [ACCESS]}),
    "no-scopes": saying({"name": "ada", "kind": "user"}),
    "a-number": saying(user(name=7)),
    "odd-bytes": saying(b"\xff\xfe"),
    "broken": saying({"message": "at 10.0.0.7"}, "500 Internal Server Error"),
    "behind": saying({"message": "at 10.0.0.7"}, "502 Bad Gateway"),
    "elsewhere": saying({"message": "at 10.0.0.7"}, "404 Not Found"),
    "too-often": saying({"message": "at 10.0.0.7"}, "429 Too Many Requests"),
    "no-http": b"SSH-2.0-OpenSSH_9.2\r\n",
    "silence": b"",
}
KNOWN: Final[dict[str, bytes]] = {
    "accents": saying(user(name="jose\u0301")),
    "mail": saying(user(name="ada@example.edu")),
    "wide": saying(user(scopes=["access:services", "read:users"])),
    "long": saying(user(name="x" * 256)),
    "bidi": saying(user(name="a\u202eb")),
    "path": saying(user(name="../../etc")),
    "service": saying(user(kind="service")),
    "group": saying(user(kind="group")),
    "narrower": saying(user(scopes=[f"{ACCESS}!user=ada"])),
    "other": saying(user(scopes=["access:services!service=gofer2"])),
    "forbidden": saying({"message": "no"}, "403 Forbidden"),
}


class _Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        token = self.headers["Authorization"].removeprefix("token ")
        self.wfile.write({**UNUSABLE, **KNOWN}[token])
        self.close_connection = True

    def log_message(self, *words: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server whose Hub answers with what its token names, and its volume."""
    folder = tmp_path_factory.mktemp("answers")
    hub = ThreadingHTTPServer(("127.0.0.1", 0), _Answering)
    thread = threading.Thread(target=hub.serve_forever)
    thread.start()
    environment = {
        **make_folder(folder),
        "GOFER_PORT": "0",
        "JUPYTERHUB_API_URL": f"http://127.0.0.1:{hub.server_port}/hub/api",
        "JUPYTERHUB_SERVICE_NAME": "gofer",
    }
    with LoggedProcess("gofer_ingest.server", environment) as process:
        yield str(process.logged("listening")["url"]), folder / "volume"
        assert process.stop() == 0
        assert [line for line in process.lines if line["action"] == "http.failed"] == []
    hub.shutdown()
    hub.server_close()
    thread.join()


def post(server: tuple[str, Path], token: str) -> httpx.Response:
    headers = {
        "Authorization": f"Bearer {token}",
        "Accept": "application/json",
        "Content-Type": "application/json",
    }
    return httpx.post(server[0], content=NOTEBOOK, headers=headers, timeout=30)


def waiting(server: tuple[str, Path]) -> int:
    return len(Spool(server[1]).pending())


@pytest.mark.parametrize("token", [token for token in UNUSABLE if token != "null"])
def test_an_answer_that_is_none_is_our_failure_and_told_without_details(
    server: tuple[str, Path], token: str
) -> None:
    before = waiting(server)
    answer = post(server, token)
    assert (answer.status_code, answer.json()["code"]) == (503, "identity_unavailable")
    assert "10.0.0.7" not in answer.text
    assert waiting(server) == before


@pytest.mark.parametrize(
    ("token", "name"), [("accents", "jos\u00e9"), ("mail", "ada@example.edu"), ("wide", "ada")]
)
def test_names_are_taken_as_they_are_in_nfc(
    server: tuple[str, Path], token: str, name: str
) -> None:
    answer = post(server, token)
    assert (answer.status_code, answer.json()["student"]) == (202, name)


@pytest.mark.parametrize(
    ("token", "status"),
    [
        ("long", 400),
        ("bidi", 400),
        ("path", 400),
        ("service", 403),
        ("group", 403),
        ("narrower", 403),
        ("other", 403),
        ("forbidden", 401),
        ("null", 401),
    ],
)
def test_whom_the_hub_knows_and_we_do_not_take(
    server: tuple[str, Path], token: str, status: int
) -> None:
    before = waiting(server)
    assert post(server, token).status_code == status
    assert waiting(server) == before
