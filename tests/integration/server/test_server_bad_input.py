from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.integration.server.conftest import a_notebook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.server.conftest import Server

MB = 1 << 20
WORDS = {"course": "demo101", "section": "1", "assignment": "lab01"}


@pytest.fixture(autouse=True)
def nothing_is_left_behind(server: Server) -> Iterator[None]:
    yield
    assert server.is_spool_empty()


def check_answer(answer: httpx.Response, status: int, code: str) -> str:
    """The answer is inert for a browser and in plain words; return them."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert "server" not in answer.headers
    told = answer.json()
    assert set(told) == {"status", "code", "message"}
    assert told["status"] == status
    assert told["code"] == code
    message = told["message"]
    assert isinstance(message, str)
    assert message.endswith(".")
    assert len(message) < 250
    assert "Traceback" not in message
    return message


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"{",
        b"[" * 100_000,
        b'{"nb":' * 100_000,
        b'{"x": "\xff"}',
        b"9" * 100_000,
        b"null",
        b"[1, 2]",
        b"{}",
        b'{"nb": null}',
        b'{"cells": []}',
        json.dumps({**a_notebook(), "cells": [{"cell_type": "sql", "source": ""}]}).encode(),
        json.dumps({**a_notebook(), "nbformat": 3}).encode(),
        json.dumps({**a_notebook(), "x": float("nan")}).encode(),
        json.dumps({**a_notebook(), "x": "@"}).encode().replace(b'"@"', b"[" * 100 + b"]" * 100),
    ],
)
def test_what_is_no_notebook(server: Server, body: bytes) -> None:
    check_answer(server.post(body, Accept="application/json"), 400, "not_a_notebook")


def test_too_many_cells(server: Server) -> None:
    cells = [{"cell_type": "raw", "source": ""}] * 5001
    answer = server.post({"nb": {**a_notebook(), "cells": cells}}, Accept="application/json")
    assert "5001 cells" in check_answer(answer, 413, "too_large")


@pytest.mark.parametrize("missing", ["course", "section", "assignment"])
def test_missing_metadata(server: Server, missing: str) -> None:
    notebook = a_notebook(**{word: value for word, value in WORDS.items() if word != missing})
    answer = server.post({"nb": notebook}, Accept="application/json")
    assert missing in check_answer(answer, 400, "missing_metadata")


@pytest.mark.parametrize("word", ["course", "section", "assignment"])
@pytest.mark.parametrize(
    "value",
    [
        "../../etc/passwd",
        "..",
        "lab01/../lab02",
        "..\\lab01",
        "lab01\x00",
        "x" * 4096,
        "lab\n01",
        "lab01\u202e",
        "\u2066lab01",
        "\ud800",
        "",
        {"$ne": 1},
        [],
        1.5,
        False,
    ],
)
def test_path_tricks_and_other_damage_in_metadata(server: Server, word: str, value: object) -> None:
    answer = server.post(a_notebook(**{**WORDS, word: value}), Accept="application/json")
    assert word in check_answer(answer, 400, "malformed_metadata")


@pytest.mark.parametrize(
    "student",
    [
        "../../etc/passwd",
        "..",
        "x" * 4096,
        "ada\u202e",
        "\u2066ada",
        "ada\u0085",
    ],
)
def test_path_tricks_and_other_damage_in_a_students_name(server: Server, student: str) -> None:
    answer = server.post(a_notebook(), student=student, Accept="application/json")
    check_answer(answer, 400, "bad_name")


def test_a_control_character_in_a_header_is_no_http(server: Server) -> None:
    for character in (b"\x00", b"\x07"):
        with server.connected() as connection:
            head = server.head("Content-Length: 2", student="a#b").replace(b"#", character)
            connection.sendall(head + b"{}")
            assert connection.recv(100).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "metadata",
    [
        {**WORDS, "assignment": "lab99"},
        {**WORDS, "assignment": "LAB01"},
        {**WORDS, "section": 2},
        {**WORDS, "course": "demo102"},
        {**WORDS, "assignment": "lab01/"},
        {**WORDS, "assignment": "*"},
        {**WORDS, "assignment": "<script>alert(1)</script>"},
    ],
)
def test_an_unknown_assignment(server: Server, metadata: dict[str, Any]) -> None:
    answer = server.post(a_notebook(**metadata), Accept="application/json")
    assert "script" not in check_answer(answer, 404, "unknown_assignment")


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/html"]
)
def test_a_wrong_content_type(server: Server, kind: str) -> None:
    answer = server.post(a_notebook(), Content_Type=kind, Accept="application/json")
    assert "application/json" in check_answer(answer, 415, "wrong_content_type")


def test_a_compressed_body(server: Server) -> None:
    answer = server.post(
        gzip.compress(json.dumps(a_notebook()).encode()),
        Content_Encoding="gzip",
        Accept="application/json",
    )
    assert "not compressed" in check_answer(answer, 415, "wrong_content_type")


def test_nobody_signed_in(server: Server) -> None:
    answer = httpx.post(server.url, json=a_notebook(), headers={"Accept": "application/json"})
    assert "X-Gofer-Student" in check_answer(answer, 401, "not_signed_in")
    assert answer.headers["www-authenticate"] == 'GoferDev header="X-Gofer-Student"'


@pytest.mark.parametrize(
    "header",
    [
        {"Host": "evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
    ],
)
def test_a_page_of_another_site(server: Server, header: dict[str, str]) -> None:
    answer = server.post(a_notebook(), Accept="application/json", **header)
    check_answer(answer, 403, "not_allowed")


def test_a_browser_is_not_told_that_another_site_may_ask(server: Server) -> None:
    answer = httpx.options(
        server.url,
        headers={
            "Origin": "http://evil.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "x-gofer-student",
        },
    )
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_body_over_the_limit_by_its_length(server: Server) -> None:
    """httpx sends all of it before it reads, so this also shows that nothing is cut off."""
    answer = server.post(b" " * (30 * MB), Accept="application/json")
    assert "10 MB" in check_answer(answer, 413, "too_large")


def test_a_chunked_body_over_the_limit(server: Server) -> None:
    answer = httpx.post(
        server.url,
        content=(b" " * MB for _ in range(30)),
        headers={"X-Gofer-Student": "ada", "Accept": "application/json"},
        timeout=20,
    )
    check_answer(answer, 413, "too_large")


def test_a_length_over_the_limit_is_answered_before_anything_is_read(server: Server) -> None:
    for length in (10 * MB + 1, 10**12):
        with server.connected() as connection:
            connection.sendall(server.head(f"Content-Length: {length}"))
            assert connection.recv(1000).startswith(b"HTTP/1.1 413 ")


def test_a_chunked_body_is_answered_as_soon_as_it_is_over_the_limit(server: Server) -> None:
    chunk = b"%x\r\n%b\r\n" % (MB, b" " * MB)
    with server.connected() as connection:
        connection.sendall(server.head("Transfer-Encoding: chunked"))
        for _ in range(10):
            connection.sendall(chunk)
        connection.sendall(b"1\r\n \r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 413 ")


def test_a_client_that_asks_first_is_spared_sending(server: Server) -> None:
    with server.connected() as connection:
        connection.sendall(server.head(f"Content-Length: {11 * MB}", "Expect: 100-continue"))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_any_other_expectation(server: Server) -> None:
    answer = server.post(a_notebook(), Expect="a-miracle", Accept="application/json")
    check_answer(answer, 417, "wrong_expectation")


@pytest.mark.parametrize("path", ["zip", "submissions/", "submissions/x", "submissions/../x", "/"])
def test_an_unknown_address(server: Server, path: str) -> None:
    check_answer(server.get(path), 404, "not_found")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_a_method_that_the_address_does_not_take(server: Server, method: str) -> None:
    answer = httpx.request(
        method, server.url, headers={"X-Gofer-Student": "ada", "Accept": "application/json"}
    )
    check_answer(answer, 405, "wrong_method")
    assert answer.headers["allow"] == "GET, HEAD, POST"


def test_a_method_that_nothing_takes(server: Server) -> None:
    answer = httpx.request("BREW", server.url, headers={"Accept": "application/json"})
    check_answer(answer, 405, "wrong_method")


def test_a_large_body_to_an_unknown_address(server: Server) -> None:
    answer = httpx.post(f"{server.url}zip", content=b" " * (30 * MB), timeout=20)
    check_answer(answer, 404, "not_found")


def test_a_button_is_told_in_text(server: Server) -> None:
    answer = server.post(b"hello", Accept="*/*")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == (
        "This is not a Jupyter notebook. Save your notebook and submit the .ipynb file.\n"
    )
