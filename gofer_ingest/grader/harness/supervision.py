"""The supervisor of one run: PID 1 of its process namespace, or the process sandbox's outermost.

It forks the runner, reaps whatever a notebook orphans, ends the run at the end of its life even
when nobody outside is left to do so, and leaves no process behind.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from . import kernel_calls, runner

if TYPE_CHECKING:
    from collections.abc import Callable

EXIT_LIFETIME_OVER = 124
EXIT_RUNNER_FAILED = 70
EXIT_EVENTFUL = 71
"""It answered, and something of the run was stopped or ended before."""
EXIT_LEFT_BEHIND = 72
"""It answered, and when it had ended there were still processes of the run."""


@dataclass(frozen=True)
class Lifetime:
    """When a supervisor ends what it supervises, grader or no grader, in seconds.

    Attributes:
        idle_s: until there is a job.
        run_s: from then on.
    """

    idle_s: float
    run_s: float


def supervise(
    job: int,
    answer: int,
    folder: Path,
    *,
    lifetime: Lifetime | None = None,
    is_ahead: bool = False,
    give_up_rights: Callable[[], None] | None = None,
) -> NoReturn:
    """Supervise one runner; exit with its status, 0 only where nothing was out of the ordinary.

    Args:
        job: descriptor from which its job is read.
        answer: descriptor to which its frames are written.
        folder: where it works.
        lifetime: when it is ended; None leaves that to whoever supervises the container.
        is_ahead: whether nobody waits for it yet.
        give_up_rights: what the runner is to call first.
    """
    kernel_calls.forbid_inspection()
    if os.getpid() != 1:
        kernel_calls.adopt_orphans()
        kernel_calls.end_with_parent()
    waiting, waits = os.pipe()
    runner_pid = os.fork()
    if runner_pid == 0:
        os.close(waiting)
        lines = runner.Lines(job, answer, waits)
        _become_runner(lines, folder, is_ahead=is_ahead, give_up_rights=give_up_rights)
    for descriptor in (answer, job, waits):
        os.close(descriptor)

    def stop(_signal: int, _frame: Any) -> None:
        _kill_descendants()
        os._exit(EXIT_LIFETIME_OVER)

    signal.signal(signal.SIGALRM, stop)
    signal.signal(signal.SIGTERM, stop)
    if lifetime is not None:
        signal.setitimer(signal.ITIMER_REAL, lifetime.idle_s)
        os.read(waiting, 1)  # ends when the runner has its job, or has ended
        signal.setitimer(signal.ITIMER_REAL, lifetime.run_s)
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == runner_pid:
            break
    code = os.waitstatus_to_exitcode(status) & 0xFF
    if os.getpid() != 1:
        _kill_descendants()
    elif code == 0 and _is_accompanied():  # the kernel itself ends them with this process
        code = EXIT_LEFT_BEHIND
    os._exit(code)


def _become_runner(
    lines: runner.Lines,
    folder: Path,
    *,
    is_ahead: bool,
    give_up_rights: Callable[[], None] | None,
) -> NoReturn:
    status = EXIT_RUNNER_FAILED
    try:
        if give_up_rights is not None:
            give_up_rights()
        is_uneventful = runner.run(lines, folder, is_ahead=is_ahead)
        status = 0 if is_uneventful else EXIT_EVENTFUL
    except BaseException:  # noqa: BLE001 - the last frame of this process: what happened is the log's
        traceback.print_exc(file=sys.stderr)
    finally:
        sys.stderr.flush()
        os._exit(status)


def _is_accompanied() -> bool:
    """Whether PID 1 is not the last process of its namespace."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass  # what has ended already
    except ChildProcessError:
        return False  # whatever there is would be a child of this process by now
    return True


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
