"""The process that has imported everything, and from which each run of its container is forked.

It never sees a job, an answer or a notebook: a run's descriptors come from the gatekeeper and go
into the run. All it learns of a run is how it ended. It has one thread, as a fork wants it.
"""

from __future__ import annotations

import gc
import os
import socket
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

from . import kernel_calls, memory, namespaces, preload, runner, supervision, system_calls
from .protocol import EXIT_CANNOT_SHARE

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_DESCRIPTORS: Final = 3
_FIRST_TO_BE_KILLED: Final = "500"
_EXIT_FAILED: Final = 70


def serve(gatekeeper: socket.socket, folder: Path, disk_bytes: int) -> NoReturn:
    """Fork one run after another, as the gatekeeper asks for them, each after the last has ended.

    Args:
        gatekeeper: who asks, with a run's three descriptors: its job, its answer, its log.
        folder: where a run works, on a file system of its own.
        disk_bytes: how much it may write.
    """
    kernel_calls.forbid_inspection()
    memory.shares_container = True
    # Below what each run covers with its own: where libraries will look, once and for all.
    runner.make_folders(folder)
    preload.make_pdb_interruptible()
    preload.preload(is_ahead=True)
    # Only now: otter imports doctest, which is to find the debugger as a kernel has it.
    from . import grading, inspection, nursery  # noqa: F401, PLC0415

    preload.format_traceback()
    os.chdir("/")

    gc.collect()
    gc.freeze()
    while True:
        message, descriptors, _, _ = socket.recv_fds(gatekeeper, 16, _DESCRIPTORS)
        if not message:
            os._exit(0)  # the gatekeeper is gone, and so is the container
        pid = os.fork()
        if pid == 0:
            gatekeeper.close()
            _become_run(descriptors, folder, disk_bytes)
        for descriptor in descriptors:
            os.close(descriptor)
        _, status = os.waitpid(pid, 0)
        gatekeeper.send(str(os.waitstatus_to_exitcode(status) & 0xFF).encode())


def _become_run(descriptors: list[int], folder: Path, disk_bytes: int) -> NoReturn:
    """Be alone, then be the one that waits for a supervisor, which is PID 1 there."""
    status = _EXIT_FAILED
    job, answer, run_log = descriptors
    try:
        os.dup2(run_log, 1)
        os.dup2(run_log, 2)
        os.close(run_log)
        kernel_calls.allow_inspection()  # or its own files in /proc would not be its own
        # Where memory is short, what serves the others is to be killed last.
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_BE_KILLED, encoding="ascii")
        _trying(_need_counted_kills)
        settle_in = _trying(lambda: namespaces.become_alone(disk_bytes))
        pid = os.fork()
        if pid == 0:
            _trying(settle_in)
            _trying(system_calls.close_system_calls)
            supervision.supervise(job, answer, folder)
        os.close(job)
        os.close(answer)
        kernel_calls.give_up_capabilities()  # over the run's namespaces; it only waits
        kernel_calls.forbid_inspection()
        _, ended = os.waitpid(pid, 0)
        status = os.waitstatus_to_exitcode(ended) & 0xFF
    except BaseException:  # noqa: BLE001 - the last frame of this process
        traceback.print_exc(file=sys.stderr)
    finally:
        sys.stderr.flush()
        os._exit(status)


def _need_counted_kills() -> None:
    """A run that was short of memory is to be told from one that was not."""
    if memory.oom_kills() is None:
        raise OSError("no control group here counts what was killed for want of memory")


def _trying(step: Callable[[], T]) -> T:
    """Take a step of being alone; where it cannot be had, say so and end."""
    try:
        return step()
    except (OSError, NotImplementedError) as error:
        print(error, file=sys.stderr, flush=True)
        os._exit(EXIT_CANNOT_SHARE)
