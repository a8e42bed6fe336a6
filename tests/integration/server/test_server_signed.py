"""The signed identity on real processes, with the front that the documentation shows."""

from __future__ import annotations

import hashlib
import json
import re
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import jwt
import pytest

from shared.model import SubmissionId
from tests.integration.server.conftest import a_notebook, running_server
from tests.integration.server.test_server_starting import refusal
from tests.support.processes import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.integration.server.conftest import Server

SECRET = "hunter2 hunter2 hunter2 hunter2 hunter2"
SIGNED = {"GOFER_IDENTITY": "signed", "GOFER_IDENTITY_SECRET": SECRET, "GOFER_STAFF": "prof"}


@pytest.fixture(scope="module")
def signed_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the tests that leave it as they found it."""
    with running_server(tmp_path_factory.mktemp("signed"), **SIGNED) as running:
        yield running


def a_token(**changes: object) -> str:
    claims = {"aud": "gofer", "sub": "ada", "exp": int(time.time()) + 60, "jti": str(uuid.uuid4())}
    return jwt.encode(claims | changes, SECRET, algorithm="HS256")


def post(server: Server, token: str, content: bytes | None = None) -> httpx.Response:
    return httpx.post(
        server.url,
        content=content or json.dumps(a_notebook()).encode(),
        headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
        timeout=20,
    )


def check_refused(server: Server, answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status
    assert answer.json()["code"] == code
    if status == 401:
        assert answer.headers["www-authenticate"] == 'Bearer realm="gofer"'
    assert server.is_spool_empty()


def documented_front() -> str:
    """The example of the page, as it stands there."""
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    section = page.split("### A trusted front")[1].split("\n## ")[0]
    (example,) = re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return str(example)


def test_the_front_of_the_documentation_submits_for_a_student(
    start: Callable[..., Server], notebook: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start(**SIGNED)
    monkeypatch.setenv("GOFER_IDENTITY_SECRET", SECRET)
    monkeypatch.setenv("GOFER_URL", server.url)
    front: dict[str, Any] = {}
    exec(compile(documented_front(), "operations.md", "exec", dont_inherit=True), front)
    content = json.dumps(notebook).encode()
    answers = [front["submit"]("josé", content) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    (entry,) = server.spool.pending()  # the second is a repeat, with a token of its own
    payload = server.spool.read(entry).envelope.payload
    assert (payload.student, payload.source) == ("josé", "signed")
    assert server.spool.read(entry).notebook() == content


def test_a_token_is_good_once_across_processes_and_restarts(start: Callable[..., Server]) -> None:
    servers = [start(**SIGNED), start(**SIGNED)]
    token = a_token()
    with ThreadPoolExecutor(30) as threads:
        answers = list(threads.map(lambda number: post(servers[number % 2], token), range(30)))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(202), statuses.count(401)) == (1, 29)
    (entry,) = servers[0].spool.pending()
    servers[0].spool.settle(entry)
    assert servers[0].stop() == 0
    restarted = start(**SIGNED)
    answer = post(restarted, token)
    check_refused(restarted, answer, 401, "not_signed_in")
    assert answer.json()["message"].startswith("This sign-in has been used already.")
    assert restarted.logged("identity.refused")["reason"] == "used before"


def test_another_body_than_the_signed_one_is_refused(start: Callable[..., Server]) -> None:
    server = start(**SIGNED)
    content = json.dumps(a_notebook()).encode()
    sha256 = hashlib.sha256(content).hexdigest()
    for other in (content + b" ", b'{"nb": %b}' % content, b"no notebook"):
        answer = post(server, a_token(body_sha256=sha256), other)
        check_refused(server, answer, 403, "not_allowed")
    assert post(server, a_token(body_sha256=sha256), content).status_code == 202


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": int(time.time()) - 1},
        {"exp": int(time.time()) + 3600},
        {"aud": "other"},
        {"jti": ""},
        {"nbf": int(time.time()) + 3600},
    ],
)
def test_a_token_that_is_not_good_is_refused(
    signed_server: Server, changes: dict[str, object]
) -> None:
    check_refused(signed_server, post(signed_server, a_token(**changes)), 401, "not_signed_in")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Gofer-Student": "ada"},
        {"Referer": "http://hub.example.edu/user/ada/lab"},
        {"Cookie": "token=@"},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic YWRhOmFkYQ=="},
        {"Authorization": "token @"},
        {"Authorization": "Bearer @, Bearer @"},
        {"X-Authorization": "Bearer @"},
    ],
)
def test_nothing_else_says_who_somebody_is(signed_server: Server, headers: dict[str, str]) -> None:
    token = a_token()
    notebook = a_notebook()
    notebook["metadata"] |= {"student": "ada", "sub": "ada", "token": token}
    answer = httpx.post(
        f"{signed_server.url}?token={token}&student=ada",
        json={"nb": notebook, "student": "ada", "user": "ada"},
        headers={
            "Accept": "application/json",
            **{name: value.replace("@", token) for name, value in headers.items()},
        },
    )
    check_refused(signed_server, answer, 401, "not_signed_in")
    assert post(signed_server, token).status_code == 202  # it was not used up
    for entry in signed_server.spool.pending():
        signed_server.spool.settle(entry)


def test_two_authorization_headers_are_refused(signed_server: Server) -> None:
    headers = [("Authorization", f"Bearer {a_token()}"), ("Authorization", f"Bearer {a_token()}")]
    answer = httpx.post(
        signed_server.url, json=a_notebook(), headers=[*headers, ("Accept", "application/json")]
    )
    check_refused(signed_server, answer, 401, "not_signed_in")


def test_a_state_is_told_to_its_owner_and_to_staff(start: Callable[..., Server]) -> None:
    server = start(**SIGNED)
    receipt = post(server, a_token()).json()
    url = httpx.URL(server.url).join(receipt["status_url"])
    statuses = {}
    for student in ("ada", "grace", "prof"):
        token = a_token(sub=student, staff=True)
        statuses[student] = httpx.get(url, headers={"Authorization": f"Bearer {token}"}).status_code
    assert statuses == {"ada": 200, "grace": 404, "prof": 200}
    assert server.spool.find(SubmissionId(receipt["id"])) is not None


def test_where_tokens_cannot_be_kept_nobody_is_let_in(start: Callable[..., Server]) -> None:
    server = start(**SIGNED)
    (server.volume / "spool" / "index").touch()
    answer = post(server, a_token())
    check_refused(server, answer, 503, "identity_unavailable")
    assert answer.headers["retry-after"] == "60"
    (server.volume / "spool" / "index").unlink()
    assert post(server, a_token()).status_code == 202


def test_the_log_holds_no_token_and_no_key(start: Callable[..., Server]) -> None:
    server = start(**SIGNED)
    used = a_token()
    tokens = [used, used, a_token(exp=1), a_token(sub=".."), a_token(jti="hunter3" * 50), "hunter4"]
    for token in tokens:
        post(server, token)
    server.logged("http.request", status=202)
    assert server.stop() == 0
    log = json.dumps(server.lines)
    assert "hunter" not in log
    assert not any(token.rpartition(".")[2] in log for token in tokens)


def test_the_key_may_come_from_a_file(start: Callable[..., Server], tmp_path: Path) -> None:
    (tmp_path / "key").write_text(SECRET + "\n")
    server = start(GOFER_IDENTITY="signed", GOFER_IDENTITY_SECRET_FILE=str(tmp_path / "key"))
    assert post(server, a_token()).status_code == 202


@pytest.mark.parametrize("secret", [{}, {"GOFER_IDENTITY_SECRET": "hunter2"}])
def test_without_a_good_key_it_does_not_start(tmp_path: Path, secret: dict[str, str]) -> None:
    code, line = refusal(tmp_path, GOFER_IDENTITY="signed", **secret)
    assert code == 2
    assert line.startswith("GOFER_IDENTITY_SECRET: ")
    assert "hunter2" not in line
    assert not (tmp_path / "volume").exists()
