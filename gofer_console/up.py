"""`gofer up`: the Procfile's processes side by side, until one of them ends or Ctrl-C.

honcho does the work. Here it is decided which Python runs, how long the grader may finish its runs,
and what the exit code says.
"""

from __future__ import annotations

import shlex
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import honcho.manager
from honcho.environ import parse_procfile

from shared.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_INSTALLED: Final = {
    "server": "python -m gofer_ingest.server",
    "grader": "python -m gofer_ingest.grader",
    "console": "python -m gofer_console.cli console",
}
"""What the Procfile says, for an installed package: the Procfile itself is not in it."""

_PATIENCE_S: Final = 86_400
_SIGNALLED: Final = 128
"""A process that signal n ended has this exit code and n more, as shells say it."""


def project_root() -> Path:
    """Return the folder that holds the packages, the Procfile and the examples.

    An installed package has the packages there and neither of the others.
    """
    return Path(__file__).resolve().parent.parent


def commands(
    procfile: Path, python: str = sys.executable, without: Collection[str] = ()
) -> dict[str, str]:
    """Return the shell command of each process by its name, in the Procfile's order.

    Args:
        procfile: read if it is there; otherwise what Gofer's own names is run.
        python: runs what the Procfile runs with `python`: the one on the PATH may be another,
            without Gofer in it.
        without: names of those that are left out.

    Raises:
        ConfigError: the Procfile names no process, or none of a name that is to be left out, or
            nothing is left.
    """
    written = (
        dict(parse_procfile(procfile.read_text("utf-8")).processes)
        if procfile.is_file()
        else _INSTALLED
    )
    if not written:
        raise ConfigError(f"{procfile}: it names no process")
    unknown = sorted(set(without) - written.keys())
    if unknown:
        raise ConfigError(
            f"There is no process {', '.join(unknown)} to leave out: there are "
            f"{', '.join(written)}."
        )
    left = {name: command for name, command in written.items() if name not in without}
    if not left:
        raise ConfigError("Nothing is left to run.")
    return {name: _with_python(command, python) for name, command in left.items()}


def _with_python(command: str, python: str) -> str:
    first, space, rest = command.partition(" ")
    if first not in {"python", "python3"}:
        return command
    # exec: a signal is to reach the process itself, not a shell in front of it.
    return f"exec {shlex.quote(python)}{space}{rest}"


def run_processes(processes: Mapping[str, str], environment: Mapping[str, str]) -> int:
    """Run processes until they have all ended; return an exit code.

    When one ends the others are asked to stop. Ctrl-C and SIGTERM ask all of them; a second one
    kills.

    Args:
        processes: shell commands by name.
        environment: theirs, whole.
    """
    # honcho would kill five seconds after the first process has stopped, which the server does at
    # once. The grader bounds by itself how long it finishes its runs (GOFER_DRAIN_S).
    honcho.manager.KILL_WAIT = _PATIENCE_S
    manager = _Manager()
    for name, command in processes.items():
        manager.add_process(name, command, env=dict(environment))
    try:
        manager.loop()
    except BaseException:
        manager.abandon()
        raise
    return exit_code(manager.returncode)


class _Manager(honcho.manager.Manager):  # type: ignore[misc] # honcho has no types
    """honcho's manager, which heeds signals between two turns of its loop, and a second one too.

    honcho itself acts inside the signal's handler. It may then print while it is printing, and
    look for a process that it does not know to have started: either raises, and the processes stay.
    """

    def __init__(self) -> None:
        super().__init__()
        self._signals: list[int] = []
        self._is_asked = False

    def _start(self) -> None:  # once the loop has set honcho's own handlers
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda received, _frame: self._signals.append(received))
        super()._start()

    def _all_started(self) -> bool:  # at every turn of the loop
        is_so = bool(super()._all_started())
        while is_so and self._signals:
            self._heed(self._signals.pop(0))
        return is_so

    def _heed(self, number: int) -> None:
        if self._is_asked:
            self.returncode = _SIGNALLED + signal.SIGKILL
            self.kill()
        else:
            self._is_asked = True
            self.returncode = _SIGNALLED + number
            self.terminate()

    def abandon(self) -> None:
        """Ask every process to stop and wait for none: whoever would hear of it is gone.

        The loop fails where its output does, as at the end of `gofer up | head`.
        """
        for process in self._processes.values():
            if "pid" in process:
                self._procmgr.terminate(process["pid"])
            process["process"].kill()  # honcho's reader of its output, which would wait for us


def exit_code(returncode: int | None) -> int:
    """Return the exit code for what honcho returned.

    A stop that was asked for is a success.
    """
    if returncode is None:
        return 1
    if returncode in {_SIGNALLED + signal.SIGINT, _SIGNALLED + signal.SIGTERM}:
        return 0
    return _SIGNALLED - returncode if returncode < 0 else returncode
