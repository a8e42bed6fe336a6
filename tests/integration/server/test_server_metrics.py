"""What `metrics` tells, and whom; and what the access log does."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from shared.model import SubmissionId
from tests.integration.server.conftest import a_notebook

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.server.conftest import Server

FORWARDED = {"X-Forwarded-For": "203.0.113.9"}


@pytest.mark.parametrize("processes", [1, 2])
def test_it_tells_what_was_accepted_refused_and_received_in_all_processes(
    start: Callable[..., Server], notebook: dict[str, Any], processes: int
) -> None:
    more = {} if processes == 1 else {"GOFER_SERVER_PROCESSES": str(processes)}
    server = start(**more)
    homework = a_notebook(course="demo101", section="1", assignment="hw02")
    for number in range(6):
        assert server.post(notebook, student=f"student{number}").status_code == 202
    assert server.post(homework).status_code == 202
    assert server.post(b"hello").status_code == 400
    assert server.get("", student=None, Origin="https://evil.example").status_code == 200
    assert server.post(notebook, student="").status_code == 401
    told = server.metrics()
    assert told['gofer_submissions_accepted_total{assignment="lab01",course="demo101"}'] == 6
    assert told['gofer_submissions_accepted_total{assignment="hw02",course="demo101"}'] == 1
    assert told['gofer_requests_rejected_total{code="not_a_notebook"}'] == 1
    assert told['gofer_requests_rejected_total{code="not_signed_in"}'] == 1
    assert told["gofer_received_bytes_total"] >= 7 * len(json.dumps(notebook))
    assert told["gofer_accept_seconds_count"] == 7
    assert 0 < told["gofer_accept_seconds_sum"] < 7
    assert told["gofer_requests_in_hand"] == 1
    assert told["gofer_connections"] >= 1
    assert told['gofer_build_info{version="0.1.0"}'] == 1


def test_it_tells_what_lies_in_the_spool_and_how_full_the_disk_is(
    start: Callable[..., Server], notebook: dict[str, Any]
) -> None:
    server = start(GOFER_REPEAT_WINDOW_S="0")
    assert server.metrics()["gofer_spool_oldest_seconds"] == 0
    receipts = [server.post(notebook, Accept="application/json").json() for _ in range(3)]
    server.spool.bury(SubmissionId(receipts[0]["id"]), "why")
    (server.volume / "spool" / "tmp" / "left").mkdir()
    told = server.metrics()
    assert told['gofer_spool_entries{place="new"}'] == 2
    assert told['gofer_spool_entries{place="failed"}'] == 1
    assert told['gofer_spool_entries{place="tmp"}'] == 1
    assert 0 < told["gofer_spool_oldest_seconds"] < 60
    assert told["gofer_disk_free_bytes"] > 0


def test_it_goes_on_telling_the_rest_where_the_spool_is_away(
    start: Callable[..., Server],
) -> None:
    server = start()
    server.volume.rename(server.volume.with_name("away"))
    told = server.metrics()
    assert "gofer_disk_free_bytes" not in told
    assert told["gofer_requests_in_hand"] == 1


def test_no_student_is_named(server: Server, notebook: dict[str, Any]) -> None:
    assert server.post(notebook, student="Zacharias").status_code == 202
    assert server.post(b"x", student="Zacharias").status_code == 400
    assert "Zacharias" not in server.get("metrics", student=None).text


def test_programs_on_this_machine_may_read_it(server: Server) -> None:
    answer = server.get("metrics", student=None)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "# HELP gofer_accept_seconds " in answer.text
    assert "# TYPE gofer_requests_rejected_total counter" in answer.text


@pytest.mark.parametrize(
    "forwarded",
    [
        FORWARDED,
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Real-IP": "127.0.0.1"},
        {"Forwarded": "for=127.0.0.1"},
        {"Via": "1.1 proxy"},
    ],
)
def test_what_comes_through_a_proxy_is_not_from_this_machine(
    server: Server, forwarded: dict[str, str]
) -> None:
    assert server.get("metrics", student=None, **forwarded).status_code == 401
    answer = server.get("metrics", student="ada", **forwarded)
    assert answer.status_code == 403
    assert "gofer_" not in answer.text


def test_a_name_that_is_not_this_machine_s_is_not_from_this_machine(server: Server) -> None:
    answer = server.get("metrics", student=None, Host="gofer.example.edu")
    assert answer.status_code == 403


def test_staff_may_read_it_from_anywhere(start: Callable[..., Server]) -> None:
    server = start(GOFER_STAFF="grace")
    assert server.get("metrics", student="grace", **FORWARDED).status_code == 200
    assert server.get("metrics", student="ada", **FORWARDED).status_code == 403


# --- the access log -------------------------------------------------------------------------------


def test_requests_are_logged_by_how_they_went(
    start: Callable[..., Server], notebook: dict[str, Any]
) -> None:
    server = start(GOFER_LOG_LEVEL="debug")
    server.post(notebook)
    server.post(b"hello")
    server.get("nothing")
    for path in ("healthz", "readyz", "metrics"):
        server.get(path)
    server.get("metrics", student="ada", **FORWARDED)
    server.volume.rename(server.volume.with_name("away"))
    server.post(notebook)
    server.get("readyz")
    prefix = server.prefix
    for path, status, level in (
        (prefix, 202, "info"),
        (prefix, 400, "info"),
        (f"{prefix}nothing", 404, "info"),
        (f"{prefix}healthz", 200, "debug"),
        (f"{prefix}readyz", 200, "debug"),
        (f"{prefix}metrics", 200, "debug"),
        (f"{prefix}metrics", 403, "info"),
        (prefix, 503, "warning"),
        (f"{prefix}readyz", 503, "warning"),
    ):
        line = server.logged("http.request", path=path, status=status)
        assert line["level"] == level, (path, status)


def test_what_is_asked_every_few_seconds_does_not_fill_the_log(
    start: Callable[..., Server], notebook: dict[str, Any]
) -> None:
    server = start()
    for path in ("healthz", "readyz", "metrics"):
        server.get(path)
    server.post(notebook)
    server.logged("http.request", status=202)
    assert sum(line["action"] == "http.request" for line in server.lines) == 1


def test_no_query_cookie_token_or_header_is_logged(
    start: Callable[..., Server], notebook: dict[str, Any]
) -> None:
    server = start(GOFER_LOG_LEVEL="debug")
    secret = "hunter2"
    with ExitStack() as stack:
        connection = stack.enter_context(server.connected())
        for head in (
            f"GET {server.prefix}nothing?token={secret} HTTP/1.1",
            f"GET {server.prefix}healthz?{secret}#{secret} HTTP/1.1",
            f"BREW {server.prefix}?{secret} HTTP/1.1",
        ):
            lines = [
                head,
                "Host: 127.0.0.1",
                f"Cookie: gofer={secret}",
                f"Authorization: Bearer {secret}",
                f"User-Agent: {secret}",
                f"Referer: https://hub.example.edu/{secret}",
                f"X-Gofer-Student: {secret}",
                "",
                "",
            ]
            connection.sendall("\r\n".join(lines).encode())
            assert connection.recv(4000).startswith(b"HTTP/1.1 ")
    assert server.post(notebook, Cookie=f"a={secret}").status_code == 202
    assert server.stop() == 0
    assert secret not in json.dumps(server.lines)
    assert sum(line["action"] == "http.request" for line in server.lines) >= 4
