"""The one process that does the work: ready, one job, one answer."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import kernel_calls, memory
from .protocol import ANSWER, NO_NONCE, READY, TAKEN, read_job, write_frame
from .quick_imports import without_url_grammar

if TYPE_CHECKING:
    from pathlib import Path


FOLDERS = ("home", "tmp", "work")


@dataclass(frozen=True)
class Lines:
    """The descriptors through which this process speaks.

    Attributes:
        job: what the host sends.
        answer: what goes to it.
        waits: closed when the job is there; the supervisor counts its time from then.
    """

    job: int
    answer: int
    waits: int


def make_folders(folder: Path) -> None:
    """Make what a run works in, and go there.

    Libraries ask once for a home and a place for temporary files, when they are imported.
    """
    for name in FOLDERS:
        (folder / name).mkdir(parents=True)
    os.chdir(folder / "work")


def run(lines: Lines, folder: Path, *, is_ahead: bool) -> bool:
    """Import, start a kernel, say so, take one job, answer it.

    Args:
        lines: to the host.
        folder: for all that is written.
        is_ahead: whether nobody waits yet, so that there is time to import more.

    Returns:
        whether it all went as it should: nothing was stopped, nothing ended by itself.
    """
    # Before anything of the student's exists: what this process holds is out of its reach.
    kernel_calls.forbid_inspection()
    make_folders(folder)

    # Only now: the imports take seconds, and as root they would happen before uid and mounts
    # change.
    from . import preload  # noqa: PLC0415

    preload.make_pdb_interruptible()
    preload.preload(is_ahead=is_ahead)
    with without_url_grammar():
        from . import grading, inspection, nursery  # noqa: PLC0415

    preload.format_traceback()
    # Before the job is here: what becomes the kernel has this process's memory, and no nonce in it.
    kernel = nursery.start_kernel(nursery.Nursery(), folder)
    write_frame(lines.answer, READY, NO_NONCE, _text(memory.in_use()))
    job = read_job(lines.job)
    os.close(lines.job)
    os.close(lines.waits)
    write_frame(lines.answer, TAKEN, job.nonce)
    answer: dict[str, Any]
    if job.notebook is None:
        answer = inspection.inspect(job.autograder_zip, folder / "inspected")
    else:
        answer = grading.grade(job, folder, kernel)
    write_frame(lines.answer, ANSWER, job.nonce, grading.as_json(answer))
    return job.notebook is None or grading.is_uneventful(answer)


def _text(count: int | None) -> bytes:
    return b"" if count is None else str(count).encode("ascii")
