"""The server's side of the command line, asked as a process of its own.

The console may not import the server; `python -m gofer_ingest.server check` reads the settings as a
start does, and says in the same words why one would end at once.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Final

from gofer_console.grader_side import Check, Health

_CHECK: Final = (sys.executable, "-m", "gofer_ingest.server", "check")
_DEADLINE_S: Final = 60.0
_REFUSED: Final = 2
"""The exit code of a server that cannot use its settings."""


def check_start() -> Check:
    """Tell whether the settings of this terminal are such as a server starts with.

    It is a warning and no more: where the server is started, as in a unit of systemd, other
    settings may hold.
    """
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command
            _CHECK,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_DEADLINE_S,
        )
    except subprocess.TimeoutExpired:
        return _cannot_tell(f"it gave no answer within {_DEADLINE_S:.0f} seconds")
    said = done.stderr.decode(errors="replace").strip()
    if done.returncode == _REFUSED:
        return Check(
            name="server start",
            status=Health.WARNING,
            message=f"With the settings here a server refuses to start.\n{said}",
            advice="Mend it where the server is started; `python -m shared.config --table` lists "
            "all settings.",
        )
    if done.returncode:
        return _cannot_tell(said.splitlines()[-1] if said else "it said nothing")
    return Check(
        name="server start",
        status=Health.OK,
        message="The settings here are such as a server starts with.",
    )


def _cannot_tell(why: str) -> Check:
    return Check(
        name="server start",
        status=Health.WARNING,
        message=f"Whether a server could use the settings here was not found out: {why}.",
        advice="Run `python -m gofer_ingest.server check` to see it whole.",
    )
