"""A job as `harness_link` packs it is what the harness reads from a real pipe."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gofer_ingest.grader import sandbox
from gofer_ingest.grader.harness.protocol import (
    ANSWER,
    JOB_MAX_BYTES,
    Job,
    read_job,
    write_frame,
)
from gofer_ingest.grader.harness_link import Frame, Stream, Transcript, pack_job, pack_run
from shared.model import Limits, new_run_id

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGE = os.urandom(1 << 18)
"""More than a pipe holds at a time."""


@contextmanager
def pipe_with(data: bytes, *, is_closed: bool = False) -> Iterator[int]:
    """The reading end of a pipe into which `data` is written, with or without an end of file."""
    reading, writing = os.pipe()

    def write() -> None:
        with open(writing, "wb", closefd=is_closed) as pipe:
            pipe.write(data)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield reading
    finally:
        writer.join(30)
        os.close(reading)
        if not is_closed:
            os.close(writing)


def job_through_pipe(data: bytes) -> Job:
    with pipe_with(data) as reading:
        return read_job(reading)


@pytest.mark.parametrize("notebook", [b"{}", b"", LARGE], ids=["small", "empty", "large"])
def test_a_job_comes_through_whole_without_an_end_of_file(notebook: bytes) -> None:
    packed = pack_job(LARGE, notebook, output_bytes=1 << 20)
    job = job_through_pipe(packed.data)
    assert job.autograder_zip == LARGE
    assert job.notebook == notebook
    assert job.options["output_bytes"] == 1 << 20
    assert job.nonce == packed.nonce


@pytest.mark.parametrize(("cell_time_s", "told"), [(None, 20.0), (7.0, 7.0), (100.0, 80.0)])
def test_a_run_is_packed_with_the_limits_that_the_harness_keeps(
    cell_time_s: float | None, told: float
) -> None:
    limits = Limits(time_s=80.0, output_bytes=1 << 20, cell_time_s=cell_time_s)
    packed = pack_run(sandbox.Job(new_run_id(), b"{}", b"zip", limits))
    options = job_through_pipe(packed.data).options
    assert options.pop("nonce").encode() == packed.nonce
    assert options == {"output_bytes": 1 << 20, "time_s": 80.0, "cell_time_s": told}


def test_a_job_without_a_notebook_asks_for_an_inspection() -> None:
    assert job_through_pipe(pack_job(b"zip", None).data).notebook is None


@settings(max_examples=50, deadline=None)
@given(zipped=st.binary(), notebook=st.none() | st.binary())
def test_any_bytes_come_through(zipped: bytes, notebook: bytes | None) -> None:
    job = job_through_pipe(pack_job(zipped, notebook).data)
    assert (job.autograder_zip, job.notebook) == (zipped, notebook)


def test_every_job_has_a_nonce_of_its_own() -> None:
    nonces = {pack_job(b"zip", b"{}").nonce for _ in range(100)}
    assert len(nonces) == 100
    assert {len(nonce) for nonce in nonces} == {32}


@pytest.mark.parametrize("kept", [0, 7, 8, 600, -1])
def test_a_job_cut_short_is_an_end_of_file(kept: int) -> None:
    data = pack_job(b"zip", b"{}").data[:kept]
    with pipe_with(data, is_closed=True) as reading, pytest.raises(EOFError):
        read_job(reading)


def test_a_job_over_the_limit_is_refused_by_its_length_alone() -> None:
    length = (JOB_MAX_BYTES + 1).to_bytes(8, "big")
    with pipe_with(length) as reading, pytest.raises(ValueError, match="over the limit"):
        read_job(reading)


def test_a_frame_larger_than_a_pipe_is_written_whole() -> None:
    reading, writing = os.pipe()
    transcript = Transcript()
    writer = threading.Thread(target=write_frame, args=(writing, ANSWER, b"n" * 32, LARGE))
    writer.start()
    received = None
    while received is None:
        transcript.take(Stream.FRAMES, os.read(reading, 1 << 16))
        received = transcript.next_frame()
    writer.join(30)
    os.close(reading)
    os.close(writing)
    assert received == Frame(ANSWER, b"n" * 32, LARGE)
