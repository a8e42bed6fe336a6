"""All tests, in lanes side by side: most of them wait for processes, containers and browsers.

Each lane is one pytest that runs its folders in order. No folder is in two of them, so a folder's
tests never meet themselves.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING, Final

from tests.support.processes import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

LANES: Final = (
    ("tests/unit", "tests/browser", "tests/chaos"),
    ("tests/integration",),
    ("tests/docker",),
)
"""What the first one says is shown as it comes, and the others' when all have ended."""
ALONE: Final = ("tests/docker/test_recovery.py",)
"""Run when all lanes have ended: it holds something to a number of seconds."""
_NOTHING_RAN: Final = 5
"""pytest's exit code where options leave no test of a lane."""


def main(options: list[str]) -> int:
    """Run all lanes with the same options of pytest; return an exit code.

    With a single core they run one after the other.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    if cores == 1:
        return _pytest([folder for lane in LANES for folder in lane], options).wait()
    with ExitStack() as files:
        rest = [
            (
                lane,
                files.enter_context(
                    tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
                ),
            )
            for lane in LANES[1:]
        ]
        others = [*options, *(f"--ignore={path}" for path in ALONE)]
        running = [_pytest(LANES[0], others)]
        running += [_pytest(lane, others, said) for lane, said in rest]
        codes = []
        try:
            codes = [one.wait() for one in running]
        except KeyboardInterrupt:  # all have it from the terminal, and clean up
            codes = [128 + signal.SIGINT, *(one.wait() for one in running)]
        for lane, said in rest:
            said.seek(0)
            print(f"\n=== {', '.join(lane)} ===", flush=True)  # noqa: T201 - a command's output
            sys.stdout.writelines(said)
    if signal.SIGINT + 128 not in codes:
        print(f"\n=== {', '.join(ALONE)} ===", flush=True)  # noqa: T201 - a command's output
        codes.append(_pytest(ALONE, options).wait())
    failures = [code for code in codes if code not in {0, _NOTHING_RAN}]
    return failures[0] if failures else min(codes)


def _pytest(
    folders: Sequence[str], options: list[str], said: IO[str] | None = None
) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pytest", "--strict-markers", *options, *folders]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdout=said, stderr=subprocess.STDOUT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
