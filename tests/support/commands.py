"""The command line, run as people run it: a process of its own, its output read to the end."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.support.processes import ROOT

DEADLINE_S = 120.0


def run_gofer(
    environment: dict[str, str],
    *arguments: str,
    module: str = "gofer_console.cli",
    within_s: float = DEADLINE_S,
) -> subprocess.CompletedProcess[str]:
    """Run `gofer ARGUMENTS` without a terminal, and return its exit code and what it said."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=within_s,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done
