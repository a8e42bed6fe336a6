from __future__ import annotations

import os
import socket

import pytest

from gofer_ingest.server.inheritance import Inheritance
from gofer_ingest.server.shares import Shares, shared_memory


def test_what_is_given_is_what_is_read() -> None:
    given = Inheritance(number=3, listening=(5, 6), life=7, shares=8, metrics="/tmp/a b")
    assert Inheritance.read(given.arguments()) == given
    assert given.descriptors == (5, 6, 7, 8)


def test_a_process_of_its_own_is_given_nothing() -> None:
    assert Inheritance.read([]) is None


@pytest.mark.parametrize(
    "arguments",
    [
        ["--process=1"],
        ["--process=x", "--listening=3", "--life=4", "--shares=5", "--metrics=/x"],
        ["--process=1", "--listening=", "--life=4", "--shares=5", "--metrics=/x"],
        ["serve"],
    ],
)
def test_anything_else_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        Inheritance.read(arguments)
    assert caught.value.code == 2
    assert "usage: python -m gofer_ingest.server" in capsys.readouterr().err


def test_sockets_are_taken_over_without_blocking() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        given = Inheritance(1, (os.dup(listening.fileno()),), 0, 0, "")
        (taken,) = given.sockets()
        with taken:
            assert taken.getsockname() == listening.getsockname()
            with pytest.raises(BlockingIOError):
                taken.accept()


def test_each_process_sees_whether_another_has_fewer_connections() -> None:
    descriptor = shared_memory(2)
    try:
        first, second = Shares(descriptor, 1), Shares(descriptor, 2)
        assert not first.is_ahead()
        first.note(1)
        assert first.is_ahead()
        assert not second.is_ahead()
        second.note(1)
        assert not first.is_ahead()
        assert not second.is_ahead()
        second.note(2)
        assert second.is_ahead()
        # started anew, it has none
        assert not Shares(descriptor, 2).is_ahead()
        assert first.is_ahead()
    finally:
        os.close(descriptor)
