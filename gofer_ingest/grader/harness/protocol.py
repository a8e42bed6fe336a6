"""Frames between the harness and the host: the host's side lives in `harness_link`.

Out (standard output): `GOFR` + kind (1 byte) + nonce (32 characters) + length (8 bytes, big-endian)
+ payload. In (standard input): length (8 bytes, big-endian) + one tar with `job.json`,
`autograder.zip` and, to grade, `submission.ipynb`. Every frame after the job carries the job's
nonce, which student code cannot read: the harness made itself non-dumpable before any of it ran.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
from dataclasses import dataclass
from typing import Any

MAGIC = b"GOFR"
READY = b"R"
TAKEN = b"T"
ANSWER = b"A"
NONCE_LENGTH = 32
NO_NONCE = b"0" * NONCE_LENGTH
JOB_MAX_BYTES = 256 << 20

GATE_FRAMES = b"F"
GATE_LOG = b"L"
GATE_ENDED = b"E"
GATE_HEAD_BYTES = 5
"""Where runs share a container, its gatekeeper wraps what a run says in chunks: kind (1 byte),
length (4 bytes, big-endian), payload. `F` is a part of the run's frames and `L` of its log; `E` is
said by the gatekeeper alone, once no process of the run is left: JSON with its `status`, the exit
code, and `oom_kills`, the container's count so far."""

EXIT_CANNOT_SHARE = 73
"""With this a run ends, before it is ready, that cannot be alone in a container it shares."""

PROTOCOL_VERSION = 5
"""Raised whenever host and image must change together; the image carries it as a label."""


@dataclass(frozen=True)
class Job:
    """One job as it came in: `options` is `job.json`, `notebook` is None for an inspection."""

    options: dict[str, Any]
    autograder_zip: bytes
    notebook: bytes | None

    @property
    def nonce(self) -> bytes:
        """What every frame of the answer carries."""
        return str(self.options["nonce"]).encode("ascii")


def write_frame(descriptor: int, kind: bytes, nonce: bytes, payload: bytes = b"") -> None:
    """Write one frame, however many writes it takes."""
    remaining = memoryview(MAGIC + kind + nonce + len(payload).to_bytes(8, "big") + payload)
    while remaining:
        remaining = remaining[os.write(descriptor, remaining) :]


def read_job(descriptor: int) -> Job:
    """Read the one job of this process.

    The length is what ends it: the end of standard input passes on only sometimes.

    Raises:
        EOFError: the host went away in the middle.
        ValueError: the length is beyond `JOB_MAX_BYTES`.
    """
    length = int.from_bytes(_read_exactly(descriptor, 8), "big")
    if length > JOB_MAX_BYTES:
        raise ValueError(f"a job of {length} bytes is over the limit of {JOB_MAX_BYTES}")
    members: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(_read_exactly(descriptor, length))) as tar:
        for member in tar:
            handle = tar.extractfile(member)
            if handle is not None:
                members[member.name] = handle.read()
    return Job(
        options=json.loads(members["job.json"]),
        autograder_zip=members["autograder.zip"],
        notebook=members.get("submission.ipynb"),
    )


def _read_exactly(descriptor: int, count: int) -> bytes:
    chunks = bytearray()
    while len(chunks) < count:
        chunk = os.read(descriptor, min(count - len(chunks), 1 << 20))
        if not chunk:
            raise EOFError("standard input ended in the middle of a job")
        chunks += chunk
    return bytes(chunks)
