"""`gofer console` as it is started: what it refuses, what it answers, and how it ends."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.support.console_process import OPENED, REFUSED, ConsoleProcess
from tests.support.processes import DEADLINE_S, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ASKED_TO_STOP_AS_IT_BEGINS_TO_SERVE = """
import signal
import uvicorn
from gofer_console.cli import main
run = uvicorn.Server.run
def stop_and_run(server, **more):
    signal.raise_signal(signal.SIGTERM)
    run(server, **more)
uvicorn.Server.run = stop_and_run
main()
"""
FORGED = {"X-Console-User": "dean", "X-Console-Role": "editor", "X-Console-Visit": "local"}


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleProcess]:
    with ConsoleProcess(tmp_path_factory.mktemp("console") / "volume") as running:
        yield running


@contextmanager
def session_of(console: ConsoleProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=console.direct_url, follow_redirects=True) as client:
        assert client.get(console.link).is_success
        yield client


def cookies_of(client: httpx.Client) -> str:
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in client.cookies.jar)


def test_strangers_get_nothing_but_its_health(console: ConsoleProcess) -> None:
    assert httpx.get(f"{console.direct_url}_stcore/health").is_success
    for path in (
        "",
        "grades",
        "static/js/index.js",
        "media/x",
        "_stcore/metrics",
        "_stcore/host-config",
        "_stcore/agent/openapi.json",
        "component/x",
        "oauth2callback",
    ):
        for headers in ({}, FORGED):
            answer = httpx.get(f"{console.direct_url}{path}", headers=headers)
            assert answer.status_code == REFUSED, path


def test_websockets_need_the_cookie_and_the_origin(console: ConsoleProcess) -> None:
    assert console.websocket_status() == REFUSED
    assert console.websocket_status(**FORGED) == REFUSED
    with session_of(console) as client:
        cookies = cookies_of(client)
    assert console.websocket_status(cookies) == OPENED
    assert console.websocket_status(cookies, Origin="http://localhost:8888") == REFUSED


def test_uploads_of_strange_pages_are_refused(console: ConsoleProcess) -> None:
    with session_of(console) as client:
        for origin in ("http://127.0.0.1:8888", "null"):
            answer = client.put("_stcore/upload_file/a/b", headers={"Origin": origin})
            assert answer.status_code == REFUSED


def test_every_answer_says_what_browsers_may_do(console: ConsoleProcess) -> None:
    with session_of(console) as client:
        for answer in (client.get(""), client.get("_stcore/host-config"), client.get("static/no")):
            policy = answer.headers["content-security-policy"]
            assert "default-src 'self'" in policy
            assert "unsafe-eval" not in policy
            assert "http:" not in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
        assert client.get("_stcore/host-config").json()["allowedOrigins"] == []


def test_its_log_is_ours_and_holds_no_secret(tmp_path: Path) -> None:
    with ConsoleProcess(tmp_path / "volume") as console, session_of(console) as client:
        secret = httpx.URL(console.link).params["launch"]
        cookies = [cookie.value or "" for cookie in client.cookies.jar]
    assert console.process.returncode == 0
    logged = [line for line in console.said if "The console answers at" not in line]
    assert len(logged) == len(console.said) - 1
    for line in logged:
        assert "action=" in line
        assert secret not in line
        assert not any(cookie in line for cookie in cookies)


def test_nobody_else_can_reach_one_without_a_sign_in(tmp_path: Path) -> None:
    console = ConsoleProcess(tmp_path / "volume", None, "--address", "0.0.0.0", "--port", "0")
    assert console.process.wait(60) == 2
    assert console.stop() == 2
    (line,) = console.said
    assert "nothing says how staff sign in" in line


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        console = ConsoleProcess(tmp_path / "volume", {"GOFER_CONSOLE_PORT": port}, "--port", port)
        assert console.process.wait(60) == 1
        assert console.stop() == 1
    (line,) = console.said
    assert f"cannot listen on 127.0.0.1 port {port}" in line


def test_a_stop_that_comes_just_before_it_serves_is_heeded(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ASKED_TO_STOP_AS_IT_BEGINS_TO_SERVE, "console", "--port", "0"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "VOLUME_PATH": str(tmp_path / "volume"),
            "GOFER_AUTOGRADERS": str(tmp_path),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )
    assert done.returncode == 0, done.stderr
    assert "The console answers at" in done.stderr
