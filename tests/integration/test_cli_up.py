"""`gofer up`: both processes, one fate."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.commands import DEADLINE_S, run_gofer
from tests.support.processes import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def environment(volume: Path, **more: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "VOLUME_PATH": str(volume),
        "GOFER_AUTOGRADERS": str(volume),
        "GOFER_SANDBOX": "process",
        "GOFER_PORT": "0",
        **more,
    }


def test_a_process_that_cannot_start_stops_the_other_and_gives_its_exit_code(
    tmp_path: Path,
) -> None:
    done = run_gofer(environment(tmp_path), "up")  # the server refuses: nobody could sign in
    assert done.returncode == 2
    assert "GOFER_IDENTITY" in done.stdout
    assert re.search(r"grader stopped \(rc=(0|-15)\)", done.stdout)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_both_run_until_they_are_asked_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "gofer_console.cli", "up"],
        cwd=ROOT,
        env=environment(tmp_path, GOFER_IDENTITY="dev"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as up:
        assert up.stdout is not None
        wanted = {"listening", "started"}
        lines = []
        for line in up.stdout:
            lines.append(line)
            wanted -= {action for action in wanted if f'"action": "{action}"' in line}
            if not wanted:
                break
        up.send_signal(number)
        rest = up.stdout.read()
        assert up.wait(DEADLINE_S) == 0, "".join(lines) + rest
    assert "server stopped (rc=0)" in rest
    assert "grader stopped (rc=0)" in rest
