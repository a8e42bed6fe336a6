"""The one process that does the work: ready, one job, one answer."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from . import kernel_calls
from .protocol import ANSWER, NO_NONCE, READY, TAKEN, read_job, write_frame

if TYPE_CHECKING:
    from pathlib import Path


def run(job_descriptor: int, answer_descriptor: int, folder: Path) -> None:
    """Import, say so, take one job, answer it."""
    # Before anything of the student's exists: what this process holds is out of its reach.
    kernel_calls.forbid_inspection()
    for name in ("home", "tmp", "work"):
        (folder / name).mkdir(parents=True)
    os.chdir(folder / "work")

    # Only now: the imports take a second, and as root they would happen before uid and mounts
    # change.
    from . import grading, inspection  # noqa: PLC0415

    write_frame(answer_descriptor, READY, NO_NONCE)
    job = read_job(job_descriptor)
    os.close(job_descriptor)
    write_frame(answer_descriptor, TAKEN, job.nonce)
    answer: dict[str, Any]
    if job.notebook is None:
        answer = inspection.inspect(job.autograder_zip, folder / "inspected")
    else:
        answer = grading.grade(job, folder)
    write_frame(answer_descriptor, ANSWER, job.nonce, grading.as_json(answer))
