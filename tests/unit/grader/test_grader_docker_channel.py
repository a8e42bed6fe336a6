"""The engine's frames on an attached socket, over a pair of real ones."""

from __future__ import annotations

import socket
import struct
import threading
import time
from typing import TYPE_CHECKING

import pytest

from gofer_ingest.grader.docker_sandbox import SocketChannel
from gofer_ingest.grader.harness_link import Stream
from shared.errors import SandboxUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def ends() -> Iterator[tuple[SocketChannel, socket.socket]]:
    """The grader's channel, and the engine's end of it."""
    ours, engines = socket.socketpair()
    channel = SocketChannel(ours)
    yield channel, engines
    channel.close()
    engines.close()


def engine_frame(stream: int, data: bytes) -> bytes:
    return struct.pack(">BxxxL", stream, len(data)) + data


def soon() -> float:
    return time.monotonic() + 30


FRAMES = engine_frame(1, b"GOFR") + engine_frame(2, b"printed\n") + engine_frame(1, b"")


@pytest.mark.parametrize("split", range(len(FRAMES) + 1))
def test_frames_are_told_apart_wherever_they_are_split(
    ends: tuple[SocketChannel, socket.socket], split: int
) -> None:
    channel, engine = ends
    engine.sendall(FRAMES[:split])
    later = threading.Timer(0.0, engine.sendall, [FRAMES[split:]])
    later.start()
    received = [channel.receive(soon()) for _ in range(3)]
    later.join()
    assert received == [(Stream.FRAMES, b"GOFR"), (Stream.LOG, b"printed\n"), (Stream.FRAMES, b"")]


def test_a_closed_connection_is_the_end_even_in_the_middle_of_a_frame(
    ends: tuple[SocketChannel, socket.socket],
) -> None:
    channel, engine = ends
    engine.sendall(engine_frame(1, b"whole") + engine_frame(1, b"cut")[:-1])
    engine.shutdown(socket.SHUT_WR)
    assert channel.receive(soon()) == (Stream.FRAMES, b"whole")
    assert channel.receive(soon()) is None


def test_silence_until_the_deadline_is_a_time_out(
    ends: tuple[SocketChannel, socket.socket],
) -> None:
    channel, _ = ends
    with pytest.raises(TimeoutError):
        channel.receive(time.monotonic() + 0.01)
    with pytest.raises(TimeoutError):
        channel.receive(time.monotonic() - 1)


def test_a_frame_that_never_ends_is_a_time_out(
    ends: tuple[SocketChannel, socket.socket],
) -> None:
    channel, engine = ends
    engine.sendall(struct.pack(">BxxxL", 1, 1 << 31) + b"x" * 1000)
    with pytest.raises(TimeoutError):
        channel.receive(time.monotonic() + 0.01)


def test_a_job_larger_than_the_socket_holds_is_sent_whole(
    ends: tuple[SocketChannel, socket.socket],
) -> None:
    channel, engine = ends
    data = b"0123456789" * 200_000
    sender = threading.Thread(target=channel.send, args=(data, soon()))
    sender.start()
    received = bytearray()
    while len(received) < len(data):
        received += engine.recv(1 << 16)
    sender.join()
    assert received == data


def test_a_harness_that_reads_nothing_is_a_time_out(
    ends: tuple[SocketChannel, socket.socket],
) -> None:
    channel, _ = ends
    with pytest.raises(TimeoutError):
        channel.send(b"x" * (32 << 20), time.monotonic() + 0.05)


def test_a_connection_that_breaks_is_the_engines_trouble_and_no_verdict() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        engine, _ = server.accept()
    channel = SocketChannel(ours)
    engine.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    engine.close()  # with a reset
    with pytest.raises(SandboxUnavailable, match="went away"):
        channel.receive(soon())
    channel.close()
