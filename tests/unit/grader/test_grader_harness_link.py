from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gofer_ingest.grader.harness.protocol import ANSWER, MAGIC, NO_NONCE, READY, TAKEN
from gofer_ingest.grader.harness_link import (
    ForgedFrame,
    Frame,
    PackedJob,
    Stream,
    Transcript,
    await_answer,
    await_ready,
    hand_over,
    is_waiting,
)
from gofer_ingest.grader.sandbox import (
    ANSWER_MAX_BYTES,
    LOG_MAX_BYTES,
    LOG_TAIL_MAX_BYTES,
    Ending,
)
from shared.errors import HarnessNotReady, SandboxUnavailable
from tests.unit.grader.scripted_channel import ScriptedChannel, frame, frames, logged

NONCE = b"n" * 32
JOB = PackedJob(b"the job", NONCE)
PAYLOAD = b'{"kind": "results"}'
ANSWERED = frame(ANSWER, NONCE, PAYLOAD)


def outcome(channel: ScriptedChannel, transcript: Transcript | None = None) -> object:
    return await_answer(channel, transcript or Transcript(), JOB, time.monotonic() + 60)


# --- frames ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("split", range(len(ANSWERED) + 1))
def test_a_frame_may_be_split_at_any_byte(split: int) -> None:
    channel = ScriptedChannel(frames(ANSWERED[:split], ANSWERED[split:]))
    assert outcome(channel) == (Ending.ANSWERED, PAYLOAD)


def test_a_frame_may_come_byte_by_byte_with_log_in_between() -> None:
    script = []
    for byte in ANSWERED:
        script += logged(b".") + frames(bytes([byte]))
    transcript = Transcript()
    assert outcome(ScriptedChannel(script), transcript) == (Ending.ANSWERED, PAYLOAD)
    assert transcript.log_tail == b"." * len(ANSWERED)


def test_two_frames_in_one_chunk_are_two_frames() -> None:
    transcript = Transcript()
    transcript.take(Stream.FRAMES, frame(READY, NO_NONCE) + frame(TAKEN, NONCE) + b"GOF")
    assert transcript.next_frame() == Frame(READY, NO_NONCE, b"")
    assert transcript.next_frame() == Frame(TAKEN, NONCE, b"")
    assert transcript.next_frame() is None


def test_an_answer_may_be_as_large_as_the_limit() -> None:
    payload = b" " * ANSWER_MAX_BYTES
    channel = ScriptedChannel(frames(frame(ANSWER, NONCE, payload)))
    assert outcome(channel) == (Ending.ANSWERED, payload)


@settings(max_examples=50, deadline=None)
@given(head=st.binary(min_size=1).filter(lambda head: not MAGIC.startswith(head[:4])))
def test_bytes_that_begin_no_frame_are_refused_at_once(head: bytes) -> None:
    transcript = Transcript()
    transcript.take(Stream.FRAMES, head)
    with pytest.raises(ForgedFrame):
        transcript.next_frame()


@settings(max_examples=50, deadline=None)
@given(content=st.binary())
def test_nothing_without_the_nonce_is_an_answer(content: bytes) -> None:
    assert outcome(ScriptedChannel(frames(content))) == (Ending.DIED, None)


@settings(max_examples=50, deadline=None)
@given(nonce=st.binary(min_size=32, max_size=32), payload=st.binary())
def test_a_frame_with_another_nonce_is_not_an_answer(nonce: bytes, payload: bytes) -> None:
    channel = ScriptedChannel(frames(frame(ANSWER, nonce, payload), ANSWERED))
    expected = (Ending.ANSWERED, payload) if nonce == NONCE else (Ending.DIED, None)
    assert outcome(channel) == expected


@pytest.mark.parametrize(
    "forged",
    [
        b"\n" + ANSWERED,
        frame(ANSWER, NO_NONCE, PAYLOAD),
        frame(ANSWER, "é".encode() * 16, PAYLOAD),
        frame(TAKEN, NONCE),
        frame(READY, NO_NONCE),
        frame(b"\x00", NONCE, PAYLOAD),
        ANSWERED[:37] + (ANSWER_MAX_BYTES + 1).to_bytes(8, "big") + PAYLOAD,
        ANSWERED[:37] + b"\xff" * 8 + PAYLOAD,
    ],
    ids=["noise", "no-nonce", "bytes", "taken", "ready", "kind", "over-limit", "huge"],
)
def test_a_forged_frame_ends_the_run_even_when_a_good_one_follows(forged: bytes) -> None:
    channel = ScriptedChannel(frames(forged, ANSWERED))
    assert outcome(channel) == (Ending.DIED, None)


def test_a_huge_frame_is_refused_by_its_head_alone() -> None:
    head = ANSWERED[:37] + (1 << 62).to_bytes(8, "big")
    channel = ScriptedChannel(frames(head, b"x"))
    assert outcome(channel) == (Ending.DIED, None)
    assert not channel.is_used_up


def test_only_the_first_answer_counts() -> None:
    channel = ScriptedChannel(frames(ANSWERED, frame(ANSWER, NONCE, b"second")))
    assert outcome(channel) == (Ending.ANSWERED, PAYLOAD)


# --- how a run ends -------------------------------------------------------------------------------


def test_a_deadline_that_passes_is_timed_out() -> None:
    channel = ScriptedChannel(frames(ANSWERED[:-1]), end=TimeoutError())
    assert outcome(channel) == (Ending.TIMED_OUT, None)


def test_outputs_that_close_without_an_answer_are_a_death() -> None:
    assert outcome(ScriptedChannel(frames(ANSWERED[:-1]))) == (Ending.DIED, None)


def test_printing_past_the_limit_ends_the_run() -> None:
    chunk = b"x" * (1 << 20)
    script = logged(*[chunk] * (LOG_MAX_BYTES // len(chunk)), b"x", b"never read")
    channel = ScriptedChannel([*script, *frames(ANSWERED)])
    assert outcome(channel) == (Ending.TOO_MUCH_OUTPUT, None)
    assert not channel.is_used_up


def test_printing_up_to_the_limit_is_let_pass() -> None:
    chunk = b"x" * (1 << 20)
    script = logged(*[chunk] * (LOG_MAX_BYTES // len(chunk)))
    assert outcome(ScriptedChannel([*script, *frames(ANSWERED)])) == (Ending.ANSWERED, PAYLOAD)


def test_of_a_long_log_the_end_is_kept() -> None:
    transcript = Transcript()
    for number in range(300):
        transcript.take(Stream.LOG, b"%04d" % number * 256)
    assert transcript.log_bytes == 300 * 1024
    assert len(transcript.log_tail) == LOG_TAIL_MAX_BYTES
    assert transcript.log_tail.endswith(b"0299")


def test_every_wait_has_the_runs_own_deadline() -> None:
    channel = ScriptedChannel(logged(b"a", b"b"))
    await_answer(channel, Transcript(), JOB, 1234.5)
    assert channel.deadlines == [1234.5] * 3


# --- before the job -------------------------------------------------------------------------------


def test_a_harness_that_says_so_is_ready() -> None:
    channel = ScriptedChannel(logged(b"importing") + frames(frame(READY, NO_NONCE)))
    await_ready(channel, Transcript(), 60.0)
    assert channel.is_used_up


@pytest.mark.parametrize(
    "said",
    [
        frame(TAKEN, NO_NONCE),
        frame(READY, NONCE),
        frame(ANSWER, NONCE, PAYLOAD),
        b"Traceback (most recent call last):\n",
    ],
    ids=["taken", "nonce", "answer", "noise"],
)
def test_a_harness_that_says_something_else_is_not_ready(said: bytes) -> None:
    with pytest.raises(HarnessNotReady, match="does not speak as it should"):
        await_ready(ScriptedChannel(frames(said)), Transcript(), 60.0)


def test_a_harness_that_says_nothing_in_time_is_not_ready() -> None:
    with pytest.raises(HarnessNotReady, match="in time"):
        await_ready(ScriptedChannel(end=TimeoutError()), Transcript(), 60.0)


def test_what_a_harness_printed_before_it_ended_is_told() -> None:
    channel = ScriptedChannel(logged(b"x" * 5000, b"ImportError: no otter\xff\n"))
    with pytest.raises(HarnessNotReady, match="ImportError: no otter") as caught:
        await_ready(channel, Transcript(), 60.0)
    assert len(str(caught.value)) < 2200


def test_the_whole_job_is_sent_and_its_nonce_comes_back() -> None:
    channel = ScriptedChannel(frames(frame(TAKEN, NONCE)))
    hand_over(channel, Transcript(), JOB, 60.0)
    assert channel.sent == b"the job"


@pytest.mark.parametrize(
    "error", [TimeoutError(), BrokenPipeError(32, "Broken pipe"), ConnectionResetError()]
)
def test_a_job_that_cannot_be_sent_is_our_failure(error: OSError) -> None:
    with pytest.raises(HarnessNotReady, match="did not take the job"):
        hand_over(ScriptedChannel(on_send=error), Transcript(), JOB, 60.0)


@pytest.mark.parametrize(
    "channel",
    [
        ScriptedChannel(),
        ScriptedChannel(end=TimeoutError()),
        ScriptedChannel(frames(frame(TAKEN, NO_NONCE))),
        ScriptedChannel(frames(frame(READY, NO_NONCE))),
        ScriptedChannel(frames(ANSWERED)),
    ],
    ids=["ended", "silent", "nonce", "ready", "answer"],
)
def test_a_job_that_was_not_taken_is_our_failure(channel: ScriptedChannel) -> None:
    with pytest.raises(HarnessNotReady):
        hand_over(channel, Transcript(), JOB, 60.0)


def test_an_answer_right_behind_the_receipt_is_kept_for_later() -> None:
    transcript = Transcript()
    channel = ScriptedChannel(frames(frame(TAKEN, NONCE) + ANSWERED[:20], ANSWERED[20:]))
    hand_over(channel, transcript, JOB, 60.0)
    assert outcome(channel, transcript) == (Ending.ANSWERED, PAYLOAD)


# --- waiting --------------------------------------------------------------------------------------


def test_ready_tells_what_the_harness_takes_idle() -> None:
    told = ScriptedChannel(frames(frame(READY, NO_NONCE, b"210000000")))
    assert await_ready(told, Transcript(), 60) == 210_000_000
    silent = ScriptedChannel(frames(frame(READY, NO_NONCE)))
    assert await_ready(silent, Transcript(), 60) is None


def test_a_harness_that_is_silent_waits() -> None:
    assert is_waiting(ScriptedChannel(end=TimeoutError()), Transcript())


def test_a_librarys_warning_is_kept_for_the_log_and_changes_nothing() -> None:
    transcript = Transcript()
    assert is_waiting(ScriptedChannel(logged(b"a warning"), end=TimeoutError()), transcript)
    assert transcript.log_tail == b"a warning"


def test_a_harness_that_has_ended_or_speaks_unasked_does_not_wait() -> None:
    assert not is_waiting(ScriptedChannel(), Transcript())
    assert not is_waiting(ScriptedChannel(frames(b"x"), end=TimeoutError()), Transcript())


def test_a_broken_line_is_no_harness_that_waits() -> None:
    class Broken(ScriptedChannel):
        def receive(self, deadline: float) -> tuple[Stream, bytes] | None:
            raise SandboxUnavailable("reset")

    assert not is_waiting(Broken(), Transcript())
