"""Clients that send slowly, read slowly, or do nothing are cut, and hold up nobody meanwhile."""

from __future__ import annotations

import resource
import socket
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.server.conftest import Server

LIMIT_S = 1.0
IDLE = 1000


def sent_slowly(connection: socket.socket, content: bytes) -> float:
    """Send a byte now and then until the server has had enough; return after how many seconds."""
    connection.settimeout(0.05)
    began = time.monotonic()
    for byte in content:
        try:
            connection.sendall(bytes([byte]))
            if connection.recv(1000) == b"":
                break
        except TimeoutError:
            continue  # nothing came, which is as it should be: this was the wait as well
        except OSError:
            break
    else:
        pytest.fail("it took all of it")
    return time.monotonic() - began


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_head_that_trickles_in_is_cut_off(start: Callable[..., Server], processes: str) -> None:
    more = {} if processes == "1" else {"GOFER_SERVER_PROCESSES": processes}
    server = start(GOFER_HEAD_TIMEOUT_S=str(LIMIT_S), **more)
    with server.connected() as connection:
        took = sent_slowly(connection, server.head("Content-Length: 3", *["X-A: b"] * 100))
    assert LIMIT_S * 0.9 <= took < LIMIT_S * 4


def test_a_body_that_trickles_in_is_cut_off_and_leaves_nothing(
    start: Callable[..., Server], notebook: dict[str, Any]
) -> None:
    server = start(GOFER_BODY_TIMEOUT_S=str(LIMIT_S))
    with server.connected() as connection:
        connection.sendall(server.head("Content-Length: 100000", "Expect: 100-continue"))
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        assert server.post(notebook).status_code == 202  # meanwhile
        took = sent_slowly(connection, b" " * 1000)
    assert took < LIMIT_S * 4
    server.logged("http.cut")
    assert len(server.spool.pending()) == 1
    assert not list((server.volume / "spool" / "tmp").iterdir())
    assert server.metrics()["gofer_requests_in_hand"] == 1  # which is the one that asks


def test_chunks_that_trickle_in_are_cut_off(start: Callable[..., Server]) -> None:
    server = start(GOFER_BODY_TIMEOUT_S=str(LIMIT_S))
    with server.connected() as connection:
        connection.sendall(server.head("Transfer-Encoding: chunked"))
        took = sent_slowly(connection, b"1\r\n \r\n" * 200)
    assert LIMIT_S * 0.9 <= took < LIMIT_S * 4


def test_a_connection_that_stays_idle_between_requests_is_closed(
    start: Callable[..., Server],
) -> None:
    server = start(GOFER_HEAD_TIMEOUT_S=str(LIMIT_S))
    with server.connected() as connection:
        connection.sendall(f"GET {server.prefix}healthz HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
        began = time.monotonic()
        connection.settimeout(LIMIT_S * 4)
        assert connection.recv(1) == b""
        assert time.monotonic() - began >= LIMIT_S * 0.9


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    """Enough of them in this process, too."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[1] < IDLE + 200:
        pytest.skip(f"this process may have {before[1]} descriptors only")
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_thousand_idle_connections_hold_up_nobody_and_are_closed(
    start: Callable[..., Server], notebook: dict[str, Any], many_descriptors: None
) -> None:
    server = start(GOFER_HEAD_TIMEOUT_S="4")
    with ExitStack() as stack:
        idle = [stack.enter_context(server.connected()) for _ in range(IDLE)]
        began = time.monotonic()
        assert server.post(notebook).status_code == 202
        assert time.monotonic() - began < 2
        assert server.metrics()["gofer_connections"] > IDLE / 2  # the first may be closed by now
        assert all(connection.recv(1) == b"" for connection in idle)
    server.wait_until(lambda: server.metrics()["gofer_connections"] == 1)


def test_an_answer_that_nobody_reads_is_given_up(start: Callable[..., Server]) -> None:
    server = start(GOFER_BODY_TIMEOUT_S=str(LIMIT_S))
    ask = f"GET {server.prefix}metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.settimeout(0.5)
        deaf.connect((server.host, server.port))
        with suppress(TimeoutError):
            while True:  # until neither of the two can write any more
                deaf.sendall(ask * 1000)
        server.wait_until(lambda: server.metrics()["gofer_connections"] == 1)
