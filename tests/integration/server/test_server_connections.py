from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.integration.server.conftest import a_notebook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.integration.server.conftest import Server

BODY = json.dumps({"nb": a_notebook()}).encode()


def begin(server: Server, connection: socket.socket) -> None:
    """Send the head of a submission, and wait until the server has it in hand."""
    connection.sendall(server.head(f"Content-Length: {len(BODY)}", "Expect: 100-continue"))
    assert connection.recv(100).startswith(b"HTTP/1.1 100 ")


@pytest.mark.parametrize("sent", [0, 1, len(BODY) // 2, len(BODY) - 1])
def test_a_cut_connection_leaves_nothing(server: Server, sent: int) -> None:
    before = sum(line.get("action") == "http.cut" for line in server.lines)
    with server.connected() as connection:
        begin(server, connection)
        connection.sendall(BODY[:sent])
    server.wait_until(
        lambda: sum(line.get("action") == "http.cut" for line in server.lines) > before
    )
    assert server.is_spool_empty()


def test_a_slow_connection_leaves_nothing_until_it_is_whole_and_holds_up_nobody(
    server: Server, notebook: dict[str, Any]
) -> None:
    with server.connected() as slow:
        begin(server, slow)
        for byte in BODY[:-1]:
            slow.sendall(bytes([byte]))
        assert server.is_spool_empty()
        receipt = server.post(notebook, "grace", Accept="application/json").json()
        assert server.spool.pending() == [receipt["id"]]
        slow.sendall(BODY[-1:])
        assert slow.recv(1000).startswith(b"HTTP/1.1 202 ")
    assert len(server.spool.pending()) == 2
    for submission_id in server.spool.pending():
        server.spool.settle(submission_id)


def test_one_connection_carries_many_requests(server: Server) -> None:
    with server.connected() as connection:
        for number in range(3):
            head = server.head(f"Content-Length: {len(BODY)}", student=f"student{number}")
            connection.sendall(head + BODY)
            assert connection.recv(2000).startswith(b"HTTP/1.1 202 ")
    assert len(server.spool.pending()) == 3
    for submission_id in server.spool.pending():
        server.spool.settle(submission_id)


@pytest.mark.parametrize(
    "first",
    [
        "GET {prefix}nothing HTTP/1.1",
        "PUT {prefix} HTTP/1.1",
        "POST {prefix} HTTP/1.1\r\nContent-Length: 0",
        "GET {prefix}submissions/01900000-0000-7000-8000-000000000000 HTTP/1.1",
    ],
)
def test_a_refusal_without_a_body_leaves_the_connection_as_it_is(
    server: Server, first: str
) -> None:
    lines = [first.format(prefix=server.prefix), "Host: 127.0.0.1", "", ""]
    with server.connected() as connection:
        connection.sendall("\r\n".join(lines).encode())
        answer = connection.recv(4000)
        assert answer.startswith(b"HTTP/1.1 4")
        assert b"Connection: close" not in answer
        connection.sendall(server.head(f"Content-Length: {len(BODY)}") + BODY)
        assert connection.recv(2000).startswith(b"HTTP/1.1 202 ")
    for submission_id in server.spool.pending():
        server.spool.settle(submission_id)


@pytest.mark.parametrize(
    "lines", [("Expect: 100-continue", "Content-Length: 99999999"), ("Content-Length: 99999999",)]
)
def test_a_refusal_that_ends_the_connection_says_so(server: Server, lines: tuple[str, ...]) -> None:
    with server.connected() as connection:
        connection.sendall(server.head(*lines))
        assert b"\r\nConnection: close\r\n" in connection.recv(4000)


@pytest.mark.parametrize(
    ("lines", "student", "status"),
    [(("Connection: close",), "ada", b"202"), ((), None, b"401")],
    ids=["asked to close", "refused before its body was read"],
)
def test_nothing_is_taken_in_on_a_connection_that_was_closed(
    start: Callable[..., Server], lines: tuple[str, ...], student: str | None, status: bytes
) -> None:
    server = start()
    length = f"Content-Length: {len(BODY)}"
    next_one = server.head(length, student="grace") + BODY
    with server.connected() as connection:
        connection.sendall(server.head(length, *lines, student=student) + BODY + 2 * next_one)
        answers = b""
        while part := connection.recv(4000):
            answers += part
    assert answers.startswith(b"HTTP/1.1 " + status)
    assert answers.count(b"HTTP/1.1 ") == 1
    assert server.stop() == 0  # which finishes what is in hand
    assert len(server.spool.pending()) == (status == b"202")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_finishes_the_requests_in_hand(
    start: Callable[..., Server], number: signal.Signals
) -> None:
    server = start()
    with server.connected() as idle, server.connected() as connection:
        begin(server, connection)
        connection.sendall(BODY[:10])
        server.process.send_signal(number)
        assert server.logged("stopping")["requests"] == 1
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((server.host, server.port))
        assert server.process.poll() is None
        connection.sendall(BODY[10:])
        assert connection.recv(1000).startswith(b"HTTP/1.1 202 ")
        assert server.wait() == 0
        assert idle.recv(1) == b""
    assert len(server.spool.pending()) == 1


def test_a_stop_does_not_wait_for_ever(start: Callable[..., Server]) -> None:
    server = start()
    with server.connected() as connection:
        begin(server, connection)
        began = time.monotonic()
        assert server.stop() == 0
        assert 7 < time.monotonic() - began < 10
    server.logged("unfinished", requests=1)
    assert server.is_spool_empty()


def test_a_disk_that_went_away_is_told_and_comes_back(
    start: Callable[..., Server], notebook: dict[str, Any]
) -> None:
    server = start()
    away = server.volume.with_name("away")
    server.volume.rename(away)
    server.volume.touch()
    answer = server.post(notebook, Accept="application/json")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "60"
    assert answer.json()["code"] == "storage_unavailable"
    assert str(server.volume) not in answer.text
    assert server.get("readyz").status_code == 503
    assert server.get("healthz").status_code == 200
    server.volume.unlink()
    away.rename(server.volume)
    assert server.get("readyz").status_code == 200
    assert server.post(notebook).status_code == 202
    assert len(server.spool.pending()) == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for 256 KiB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    mounted = tmp_path / "small"
    mounted.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(mounted)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {made.stderr.strip()}")
    yield mounted
    subprocess.run(["umount", "--lazy", str(mounted)], check=True)


def test_a_full_disk_is_told_and_leaves_nothing(
    small_disk: Path, start: Callable[..., Server], notebook: dict[str, Any]
) -> None:
    server = start(VOLUME_PATH=str(small_disk / "volume"), GOFER_MIN_FREE_DISK="1")
    large = {**notebook, "x": "x" * (1 << 20)}
    answer = server.post(large, Accept="application/json")
    assert answer.status_code == 507
    assert answer.json()["code"] == "storage_full"
    assert "disk is full" in answer.json()["message"]
    assert server.is_spool_empty()
    assert server.post(notebook).status_code == 202


def test_more_bodies_at_once_than_fit_into_memory_are_asked_to_come_again(
    start: Callable[..., Server], notebook: dict[str, Any]
) -> None:
    server = start(GOFER_MAX_BODY_BYTES="4k")
    held: list[socket.socket] = []
    try:
        # Each but the last holds all it may: together as much as all bodies may have.
        held.extend(begin_large(server, f"student{number // 4}") for number in range(32))
        server.wait_until(lambda: is_busy(server, "ada"))
    finally:
        for connection in held:
            connection.close()
    server.wait_until(lambda: server.post(notebook).status_code == 202)


def test_one_student_with_many_slow_bodies_shuts_out_nobody_else(
    start: Callable[..., Server], notebook: dict[str, Any]
) -> None:
    server = start(GOFER_MAX_BODY_BYTES="4k")
    with ExitStack() as held:
        for _ in range(32):
            held.enter_context(begin_large(server, "eve"))
        server.wait_until(lambda: is_busy(server, "eve"))
        assert server.post(notebook).status_code == 202


def begin_large(server: Server, student: str) -> socket.socket:
    """Send a body of the largest size but for its last byte."""
    connection = socket.create_connection((server.host, server.port), 20)
    head = server.head("Content-Length: 4096", "Expect: 100-continue", student=student)
    connection.sendall(head)
    assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
    connection.sendall(b" " * 4095)
    return connection


def is_busy(server: Server, student: str) -> bool:
    answer = httpx.post(
        server.url,
        content=b" " * 2000,
        headers={"X-Gofer-Student": student, "Accept": "application/json"},
    )
    return answer.status_code == 503 and answer.json()["code"] == "busy"
