"""The host's side of the conversation with a harness; both sandbox adapters hold it the same way.

`harness/protocol.py` describes the frames. Everything read here may come from an enemy: a frame
without the job's nonce, out of order or too large ends the conversation, and is never an answer.
"""

from __future__ import annotations

import abc
import enum
import io
import json
import secrets
import tarfile
import time
from dataclasses import dataclass, field

from gofer_ingest.grader.harness.protocol import (
    ANSWER,
    MAGIC,
    NO_NONCE,
    NONCE_LENGTH,
    READY,
    TAKEN,
)
from gofer_ingest.grader.sandbox import (
    ANSWER_MAX_BYTES,
    LOG_MAX_BYTES,
    LOG_TAIL_MAX_BYTES,
    Ending,
    Job,
)
from gofer_ingest.grader.untrusted import one_line
from shared.errors import HarnessNotReady, InspectionFailed, SandboxUnavailable

LAST_WORDS_S = 5.0
"""How long past a run's time the harness may take to say what there is: it ends the run itself."""
_GLANCE_S = 0.001
_SAID_MAX_BYTES = 2000
"""So much of what a harness printed last goes into an error."""
_HEADER_LENGTH = len(MAGIC) + 1 + NONCE_LENGTH + 8


class Stream(enum.IntEnum):
    """Which of the harness's two outputs a chunk came from; the engine's own numbers."""

    FRAMES = 1
    LOG = 2


class Channel(abc.ABC):
    """Bytes to and from one harness."""

    @abc.abstractmethod
    def send(self, data: bytes, deadline: float) -> None:
        """Send all of `data`.

        Raises:
            TimeoutError: `deadline` (on `time.monotonic`) passed first.
            BrokenPipeError: the harness no longer reads.
        """

    @abc.abstractmethod
    def receive(self, deadline: float) -> tuple[Stream, bytes] | None:
        """Return the next chunk, or None when the harness has closed its outputs.

        Raises:
            TimeoutError: `deadline` (on `time.monotonic`) passed first.
            SandboxUnavailable: the connection broke; what the harness did is unknown.
        """


class Outputs(Channel):
    """A channel to a whole container, which can be let go of."""

    @abc.abstractmethod
    def close(self) -> None:
        """Let go of it."""


class ForgedFrame(Exception):
    """What came in is not what a harness would send."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message of the harness."""

    kind: bytes
    nonce: bytes
    payload: bytes


@dataclass
class Transcript:
    """What has come from one harness so far: whole frames, the log's tail, and its size."""

    log_bytes: int = 0
    _log: bytearray = field(default_factory=bytearray)
    _frames: bytearray = field(default_factory=bytearray)

    def take(self, stream: Stream, data: bytes) -> None:
        """Add a chunk."""
        if stream is Stream.FRAMES:
            self._frames += data
            return
        self.log_bytes += len(data)
        self._log += data
        del self._log[:-LOG_TAIL_MAX_BYTES]

    @property
    def log_tail(self) -> bytes:
        """The end of the log."""
        return bytes(self._log)

    def next_frame(self) -> Frame | None:
        """Take one whole frame off the front, if there is one.

        Raises:
            ForgedFrame: it does not begin as a frame does, or is longer than any answer may be.
        """
        head = self._frames[:_HEADER_LENGTH]
        if head[: len(MAGIC)] != MAGIC[: len(head)]:
            raise ForgedFrame("no frame begins like this")
        if len(head) < _HEADER_LENGTH:
            return None
        length = int.from_bytes(head[-8:], "big")
        if length > ANSWER_MAX_BYTES:
            raise ForgedFrame(f"an answer of {length} bytes is over {ANSWER_MAX_BYTES}")
        end = _HEADER_LENGTH + length
        if len(self._frames) < end:
            return None
        kind = bytes(head[len(MAGIC) : len(MAGIC) + 1])
        nonce = bytes(head[len(MAGIC) + 1 : len(MAGIC) + 1 + NONCE_LENGTH])
        payload = bytes(self._frames[_HEADER_LENGTH:end])
        del self._frames[:end]
        return Frame(kind, nonce, payload)


@dataclass(frozen=True, slots=True)
class PackedJob:
    """A job as it travels, and the nonce its answer must carry."""

    data: bytes
    nonce: bytes


def pack_job(autograder_zip: bytes, notebook: bytes | None, **options: float) -> PackedJob:
    """Pack one job; without a notebook it asks for an inspection of the zip."""
    nonce = secrets.token_hex(NONCE_LENGTH // 2)
    members = {
        "job.json": json.dumps({"nonce": nonce, **options}).encode(),
        "autograder.zip": autograder_zip,
    }
    if notebook is not None:
        members["submission.ipynb"] = notebook
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    packed = buffer.getvalue()
    return PackedJob(len(packed).to_bytes(8, "big") + packed, nonce.encode("ascii"))


def pack_run(job: Job) -> PackedJob:
    """Pack one notebook to grade, with the limits that the harness itself keeps."""
    return pack_job(
        job.autograder_zip,
        job.notebook,
        output_bytes=job.limits.output_bytes,
        time_s=job.limits.time_s,
        cell_time_s=job.limits.longest_cell_s,
    )


def await_ready(channel: Channel, transcript: Transcript, within_s: float) -> int | None:
    """Wait until the harness says that it is ready for a job; return the bytes that it takes idle.

    Raises:
        HarnessNotReady: it ended or said something else, or the time is over.
    """
    told = _await_frame(channel, transcript, READY, NO_NONCE, time.monotonic() + within_s)
    return int(told) if told.isdigit() else None


def is_waiting(channel: Channel, transcript: Transcript) -> bool:
    """Whether a harness that was ready still is: it says nothing and has not ended."""
    while True:
        try:
            chunk = channel.receive(time.monotonic() + _GLANCE_S)
        except TimeoutError:
            return True
        except SandboxUnavailable:
            return False
        if chunk is None or chunk[0] is Stream.FRAMES:
            return False
        transcript.take(*chunk)  # a library's warning, say


def hand_over(channel: Channel, transcript: Transcript, job: PackedJob, within_s: float) -> None:
    """Send the job and wait until the harness says that it has the whole of it.

    Raises:
        HarnessNotReady: it ended before it said so, or the time is over.
    """
    deadline = time.monotonic() + within_s
    try:
        channel.send(job.data, deadline)
    except (TimeoutError, BrokenPipeError, ConnectionResetError) as error:
        raise HarnessNotReady(f"The harness did not take the job: {error}.") from error
    _await_frame(channel, transcript, TAKEN, job.nonce, deadline)


def ask_about(
    channel: Channel,
    transcript: Transcript,
    autograder_zip: bytes,
    *,
    taken_within_s: float,
    within_s: float,
) -> tuple[Ending, bytes | None]:
    """Have a zip inspected by a harness that is ready; return how that ended and what it answers.

    Raises:
        HarnessNotReady: it did not take the zip.
    """
    job = pack_job(autograder_zip, None)
    hand_over(channel, transcript, job, taken_within_s)
    return await_answer(channel, transcript, job, time.monotonic() + within_s)


def inspection_failed(
    ending: Ending, transcript: Transcript, *, within_s: float
) -> InspectionFailed:
    """Return what to raise of an inspection that ended without an answer.

    Args:
        ending: how it ended.
        transcript: what the harness wrote.
        within_s: the time that it had.
    """
    what = {
        Ending.TIMED_OUT: f"it did not end within {within_s:g} s",
        Ending.OUT_OF_MEMORY: "it ran out of memory",
        Ending.TOO_MUCH_OUTPUT: "it printed without end",
    }.get(ending, "it ended before it was done, or found more than a zip may hold")
    said = transcript.log_tail[-_SAID_MAX_BYTES:].decode(errors="replace")
    printed = f" It printed: {one_line(said)}" if said.strip() else ""
    return InspectionFailed(f"When its tests and settings were read, {what}.{printed}")


def await_answer(
    channel: Channel, transcript: Transcript, job: PackedJob, deadline: float
) -> tuple[Ending, bytes | None]:
    """Wait for the answer; from here on everything that happens is the notebook's doing."""
    while True:
        try:
            frame = transcript.next_frame()
        except ForgedFrame:
            return Ending.DIED, None
        if frame is not None:
            if frame.kind == ANSWER and secrets.compare_digest(frame.nonce, job.nonce):
                return Ending.ANSWERED, frame.payload
            return Ending.DIED, None
        if transcript.log_bytes > LOG_MAX_BYTES:
            return Ending.TOO_MUCH_OUTPUT, None
        try:
            chunk = channel.receive(deadline)
        except TimeoutError:
            return Ending.TIMED_OUT, None
        if chunk is None:
            return Ending.DIED, None
        transcript.take(*chunk)


def _await_frame(
    channel: Channel, transcript: Transcript, kind: bytes, nonce: bytes, deadline: float
) -> bytes:
    while True:
        try:
            frame = transcript.next_frame()
            if frame is not None:
                if frame.kind == kind and frame.nonce == nonce:
                    return frame.payload
                raise ForgedFrame("another frame was due")  # noqa: TRY301 - handled as one below
            chunk = channel.receive(deadline)
        except TimeoutError as error:
            raise HarnessNotReady("The harness did not become ready in time.") from error
        except ForgedFrame as error:
            raise HarnessNotReady(f"The harness does not speak as it should: {error}.") from error
        if chunk is None:
            tail = transcript.log_tail[-_SAID_MAX_BYTES:].decode(errors="replace").strip()
            raise HarnessNotReady(f"The harness ended before it had its job. It printed: {tail}")
        transcript.take(*chunk)
