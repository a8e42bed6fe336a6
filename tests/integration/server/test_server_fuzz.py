"""Damaged notebooks and heads against running servers, with each way to sign in.

Whatever is sent: no error of ours but 503 and 507, no traceback, nothing that was sent comes back
as it was, and nothing is left in the spool by what was refused. What is accepted is there, whole.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import random
import socket
import time
import uuid
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.model import SubmissionId
from shared.spool import Place
from tests.integration.server.conftest import running_server
from tests.integration.server.hostile_heads import HEADERS, REQUEST_LINES, marked
from tests.integration.server.hostile_notebooks import (
    MARK,
    ON_BYTES,
    ON_STRUCTURE,
    bases,
    corpus,
    written,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.server.conftest import Server

KEY: Final = "a key of thirty-two bytes or more"
OURS: Final = {503, 507}
"""What may be said of an error of ours."""
KINDS: Final = {"application/json", "text/plain; charset=utf-8", None}
"""What an error may be told as; a broken request gets no words at all."""
BASES: Final = bases()
IDENTITIES: Final = ("dev", "signed")


@dataclass(frozen=True)
class Answer:
    status: int | None
    head: str
    content_type: str | None
    policy: str
    body: bytes


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Server]]:
    with ExitStack() as stack:
        yield {
            identity: stack.enter_context(
                running_server(
                    tmp_path_factory.mktemp(identity),
                    GOFER_IDENTITY=identity,
                    GOFER_IDENTITY_SECRET=KEY,
                    GOFER_RATE="off",
                )
            )
            for identity in IDENTITIES
        }


@pytest.fixture(scope="module", autouse=True)
def nobody_was_surprised(servers: dict[str, Server]) -> Iterator[None]:
    yield
    for server in servers.values():
        assert server.get("healthz").status_code == 200
        assert server.stop() == 0
        surprises = [line for line in server.lines if line["level"] == "error"]
        assert surprises == []
        assert "Traceback" not in json.dumps(server.lines)


def usual_head(server: Server, body: bytes) -> dict[str, bytes]:
    head = {
        "host": f"Host: {server.host}:{server.port}",
        "content-type": "Content-Type: application/json",
        "content-length": f"Content-Length: {len(body)}",
        "connection": "Connection: close",
        "x-gofer-student": "X-Gofer-Student: ada",
        "authorization": f"Authorization: Bearer {a_token(body)}",
    }
    return {name: line.encode() for name, line in head.items()}


def a_token(body: bytes) -> str:
    claims = {
        "aud": "gofer",
        "sub": "ada",
        "exp": int(time.time()) + 60,
        "jti": str(uuid.uuid4()),
        "body_sha256": hashlib.sha256(body).hexdigest(),
    }
    return jwt.encode(claims, KEY, algorithm="HS256")


def ask(
    server: Server,
    body: bytes,
    *,
    lines: tuple[str, ...] = (),
    request_line: str = "POST {prefix} HTTP/1.1",
) -> Answer:
    """Send a request byte for byte, and read what comes back until the end."""
    head = usual_head(server, body)
    for line in lines:
        head.pop(line.partition(":")[0].lower(), None)
        if line.startswith("Transfer-Encoding"):
            head.pop("content-length", None)
    first = marked(request_line.replace("{prefix}", server.prefix))
    whole = b"\r\n".join([first, *head.values(), *map(marked, lines), b"", body])
    with socket.create_connection((server.host, server.port), 20) as connection:
        try:
            connection.sendall(whole)
            response = http.client.HTTPResponse(connection)
            response.begin()
            content = response.read()
        except (ConnectionError, http.client.HTTPException):  # but no time-out
            return Answer(None, "", None, "", b"")
    return Answer(
        response.status,
        str(response.headers),
        response.headers["Content-Type"],
        response.headers.get("Content-Security-Policy", ""),
        content,
    )


def check(server: Server, body: bytes, answer: Answer) -> None:
    """Hold an answer to what is said above."""
    assert answer.status is None or answer.status < 500 or answer.status in OURS
    assert b"Traceback" not in answer.body
    assert MARK not in answer.head
    if answer.content_type == "text/html; charset=utf-8":  # one of our own pages
        assert "default-src 'none'" in answer.policy
        assert f"<script>alert('{MARK}".encode() not in answer.body
    else:
        assert b"<" not in answer.body
    if answer.status is not None and answer.status >= 400:
        assert answer.content_type in KINDS
        assert MARK.encode() not in answer.body
        assert len(answer.body) < 400
    if answer.status == 202:
        check_accepted(server, body, answer)
    assert server.is_spool_empty()


def check_accepted(server: Server, body: bytes, answer: Answer) -> None:
    """There is one entry for it, and it is whole; it is settled, so that the spool is empty."""
    submission_id = SubmissionId(answer.head.split("/submissions/")[1][:36])
    if server.spool.find(submission_id) is Place.ARCHIVED:  # a repeat
        assert server.spool.pending() == []
        return
    assert server.spool.pending() == [submission_id]
    stored = server.spool.read(submission_id).notebook()
    if stored != body.removeprefix(b"\xef\xbb\xbf"):
        assert json.loads(stored) == json.loads(body)["nb"]
    server.spool.settle(submission_id)


CORPUS: Final = dict(corpus())


def test_the_corpus_is_large_and_always_the_same() -> None:
    assert len(CORPUS) >= 200
    assert len(set(CORPUS.values())) >= 200
    assert dict(corpus()) == CORPUS


@pytest.mark.parametrize("identity", IDENTITIES)
def test_damaged_notebooks(servers: dict[str, Server], identity: str) -> None:
    server = servers[identity]
    statuses = set()
    for name, body in CORPUS.items():
        answer = ask(server, body)
        try:
            check(server, body, answer)
        except AssertionError as error:
            raise AssertionError(f"{name}: {answer}") from error
        statuses.add(answer.status)
    assert statuses == {202, 400, 404, 413}


@pytest.mark.parametrize("identity", IDENTITIES)
def test_odd_heads(servers: dict[str, Server], identity: str) -> None:
    server = servers[identity]
    body = written(BASES["all_right"])
    heads: list[tuple[str, tuple[str, ...]]] = [(line, ()) for line in REQUEST_LINES]
    heads += [("POST {prefix} HTTP/1.1", lines) for lines in HEADERS]
    statuses = set()
    for request_line, lines in heads:
        answer = ask(server, body, lines=lines, request_line=request_line)
        try:
            check(server, body, answer)
        except AssertionError as error:
            raise AssertionError(f"{request_line!a} {lines!a}: {answer}") from error
        statuses.add(answer.status)
    assert {202, 400, 401, 404, 405, 413, 415, 417} - {
        401 if identity == "dev" else None
    } <= statuses


@pytest.mark.parametrize("identity", IDENTITIES)
@settings(max_examples=150, deadline=None)
@given(
    stem=st.sampled_from(sorted(BASES)),
    seed=st.integers(0, 1 << 32),
    on_structure=st.lists(st.sampled_from(ON_STRUCTURE), max_size=1),
    on_bytes=st.lists(st.sampled_from(ON_BYTES), max_size=3),
    lines=st.sampled_from(HEADERS) | st.just(()),
    is_wrapped=st.booleans(),
)
def test_anything_together(
    servers: dict[str, Server],
    identity: str,
    stem: str,
    seed: int,
    on_structure: list[Callable[[Any, random.Random], object]],
    on_bytes: list[Callable[[bytes, random.Random], bytes]],
    lines: tuple[str, ...],
    is_wrapped: bool,  # noqa: FBT001 - hypothesis hands it over by name
) -> None:
    chance = random.Random(seed)
    content: object = json.loads(written(BASES[stem]))
    for damage in on_structure:
        content = damage(content, chance)
    body = written({"nb": content} if is_wrapped else content)
    for damage in on_bytes:
        body = damage(body, chance) or b"{"
    server = servers[identity]
    check(server, body, ask(server, body, lines=lines))
