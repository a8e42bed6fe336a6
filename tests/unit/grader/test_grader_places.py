from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import pytest

from gofer_ingest.grader.harness_link import Stream
from gofer_ingest.grader.places import Key, Place, RunChannel, RunEnded
from gofer_ingest.grader.sandbox import ImageId
from shared.model import Limits, new_run_id
from tests.unit.grader.scripted_channel import ScriptedChannel, frames, logged

if TYPE_CHECKING:
    from collections.abc import Iterable


def said(kind: bytes, payload: bytes) -> bytes:
    return kind + len(payload).to_bytes(4, "big") + payload


def ended(status: int = 0, oom_kills: int | None = 0) -> bytes:
    return said(b"E", json.dumps({"status": status, "oom_kills": oom_kills}).encode())


def place(script: Iterable[tuple[Stream, bytes]]) -> Place:
    key = Key(ImageId("sha256:1"), Limits())
    return Place(key, new_run_id(), "container", ScriptedChannel(script))


def everything(channel: RunChannel) -> list[tuple[Stream, bytes]]:
    found = []
    while chunk := channel.receive(math.inf):
        found.append(chunk)
    return found


CONVERSATION = said(b"F", b"one") + said(b"L", b"printed") + said(b"F", b"two") + ended()
HEARD = [(Stream.FRAMES, b"one"), (Stream.LOG, b"printed"), (Stream.FRAMES, b"two")]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_what_a_run_says_is_told_apart_however_it_is_cut(size: int) -> None:
    pieces = [CONVERSATION[at : at + size] for at in range(0, len(CONVERSATION), size)]
    channel = RunChannel(place(frames(*pieces)))
    assert everything(channel) == HEARD
    assert channel.ended == RunEnded(status=0, oom_kills=0)


def test_the_next_run_hears_nothing_of_the_one_before() -> None:
    there = place(frames(CONVERSATION + said(b"F", b"next")))
    first, second = RunChannel(there), RunChannel(there)
    assert everything(first) == HEARD
    assert first.receive(math.inf) is None
    assert everything(second) == [(Stream.FRAMES, b"next")]
    assert second.ended is None


def test_how_a_run_ended_is_told() -> None:
    channel = RunChannel(place(frames(ended(70, None))))
    assert everything(channel) == []
    assert channel.ended == RunEnded(status=70, oom_kills=None)


def test_a_container_that_ends_ends_its_run_without_a_word() -> None:
    channel = RunChannel(place(frames(said(b"F", b"half"), b"F\0\0")))
    assert everything(channel) == [(Stream.FRAMES, b"half")]
    assert channel.ended is None


def test_what_the_container_itself_prints_is_kept_apart_and_short() -> None:
    there = place([*logged(b"x" * 9000, b"why"), *frames(CONVERSATION)])
    assert everything(RunChannel(there)) == HEARD
    assert there.told.endswith(b"why")
    assert len(there.told) == 4000


@pytest.mark.parametrize(
    "nonsense",
    [
        b"GOFR" + bytes(9),
        said(b"X", b""),
        b"F\xff\xff\xff\xff",
        b"F" + (1 << 20).to_bytes(4, "big"),
    ],
)
def test_what_no_gatekeeper_says_ends_the_conversation(nonsense: bytes) -> None:
    channel = RunChannel(place(frames(nonsense, CONVERSATION)))
    assert everything(channel) == []
    assert channel.ended is None


def test_a_job_goes_to_the_container_as_it_is() -> None:
    there = place([])
    RunChannel(there).send(b"job", math.inf)
    assert isinstance(there.outputs, ScriptedChannel)
    assert there.outputs.sent == b"job"
