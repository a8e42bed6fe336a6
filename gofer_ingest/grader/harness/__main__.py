"""The supervisor: PID 1 of a container, or the outermost process of the process sandbox.

It forks the runner, reaps whatever a notebook orphans, ends the run at the end of its life even
when nobody outside is left to do so, and leaves no process behind.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

from . import kernel_calls, privileges, runner

EXIT_LIFETIME_OVER = 124
EXIT_RUNNER_FAILED = 70


def main() -> NoReturn:
    """Supervise one runner; exit with its status."""
    options = _options()
    answer_descriptor = os.dup(1)  # not inherited by anything the runner starts
    job_descriptor = os.dup(0)
    os.dup2(2, 1)  # what anyone prints is the log's
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    kernel_calls.forbid_inspection()
    if os.getpid() != 1:
        kernel_calls.adopt_orphans()
        kernel_calls.end_with_parent()
    runner_pid = os.fork()
    if runner_pid == 0:
        _become_runner(options, job_descriptor, answer_descriptor)
    os.close(answer_descriptor)
    os.close(job_descriptor)

    def stop(_signal: int, _frame: Any) -> None:
        _kill_descendants()
        os._exit(EXIT_LIFETIME_OVER)

    signal.signal(signal.SIGALRM, stop)
    signal.signal(signal.SIGTERM, stop)
    signal.setitimer(signal.ITIMER_REAL, options.lifetime_s)
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == runner_pid:
            break
    if os.getpid() != 1:  # the kernel itself empties a container when PID 1 ends
        _kill_descendants()
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="harness")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--lifetime-s", type=float, default=3600.0)
    parser.add_argument("--uid", type=int)
    parser.add_argument("--gid", type=int)
    parser.add_argument("--needs", type=Path, action="append", default=[])
    parser.add_argument("--memory-bytes", type=int)
    parser.add_argument("--processes", type=int)
    parser.add_argument("--file-bytes", type=int)
    return parser.parse_args()


def _become_runner(options: argparse.Namespace, job: int, answer: int) -> NoReturn:
    status = EXIT_RUNNER_FAILED
    try:
        if options.uid is not None:
            privileges.drop_to(options.uid, options.gid, options.needs)
        if options.memory_bytes is not None:
            kernel_calls.forbid_new_privileges()
            privileges.limit_resources(
                memory_bytes=options.memory_bytes,
                processes=options.processes,
                file_bytes=options.file_bytes,
            )
        runner.run(job, answer, options.folder)
        status = 0
    except BaseException:  # noqa: BLE001 - the last frame of this process: what happened is the log's
        traceback.print_exc(file=sys.stderr)
    finally:
        sys.stderr.flush()
        os._exit(status)


def _kill_descendants() -> None:
    """Kill everything below this process, until nothing is left to wait for."""
    while True:
        for pid in _descendants(os.getpid()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _descendants(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text(errors="replace")
            except OSError:
                continue
            # the command's name may hold anything, also parentheses: the parent stands after the
            # last
            parent = int(stat.rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.name))
    found: list[int] = []
    pending = [root]
    while pending:
        below = children.get(pending.pop(), [])
        found += below
        pending += below
    return found


if __name__ == "__main__":
    main()
