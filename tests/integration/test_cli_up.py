"""`gofer up`: both processes, one fate."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.support.commands import DEADLINE_S, run_gofer
from tests.support.processes import ROOT, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def environment(volume: Path, **more: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "VOLUME_PATH": str(volume),
        "GOFER_AUTOGRADERS": str(volume),
        "GOFER_SANDBOX": "process",
        "GOFER_PORT": "0",
        "GOFER_CONSOLE_PORT": "0",
        **more,
    }


def test_a_process_that_cannot_start_stops_the_other_and_gives_its_exit_code(
    tmp_path: Path,
) -> None:
    done = run_gofer(environment(tmp_path), "up")  # the server refuses: nobody could sign in
    assert done.returncode == 2
    assert "GOFER_IDENTITY" in done.stdout
    assert re.search(r"grader stopped \(rc=(0|-15)\)", done.stdout)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "gofer_console.cli", "up"],
        cwd=ROOT,
        env=environment(tmp_path, GOFER_IDENTITY="dev"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    assert process.stdout is not None
    process.stdout.close()
    process.wait()


def read_until(process: subprocess.Popen[str], *marks: str) -> str:
    """Read its output until each mark has been seen, or to its end; fail where neither comes."""
    assert process.stdout is not None
    seen = ""
    is_late = threading.Event()

    def end_it() -> None:
        is_late.set()
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()
        process.kill()

    with closing_timer(end_it):
        for line in process.stdout:
            seen += line
            if all(mark in seen for mark in marks):
                break
    assert not is_late.is_set(), f"it said only: {seen}"
    return seen


@contextmanager
def closing_timer(late: Callable[[], None]) -> Iterator[None]:
    """Call a function when the deadline passes within the block."""
    timer = threading.Timer(DEADLINE_S, late)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_both_run_until_they_are_asked_to_stop(
    up: subprocess.Popen[str], number: signal.Signals
) -> None:
    read_until(up, '"action": "listening"', '"action": "started"')
    up.send_signal(number)
    said = read_until(up, "server stopped", "grader stopped")
    assert up.wait(DEADLINE_S) == 0, said
    assert "server stopped (rc=0)" in said
    assert re.search(r"grader stopped \(rc=(0|-15)\)", said), said


def test_a_stop_while_they_start_reaches_both(up: subprocess.Popen[str]) -> None:
    read_until(up, "started (pid=")
    up.send_signal(signal.SIGINT)
    said = read_until(up, "server stopped", "grader stopped")
    assert up.wait(DEADLINE_S) == 0, said


def test_both_stop_when_nobody_reads_their_output_any_more(up: subprocess.Popen[str]) -> None:
    said = read_until(up, "server started", "grader started")
    assert up.stdout is not None
    up.stdout.close()
    assert up.wait(DEADLINE_S) == 1
    pids = re.findall(r"pid=(\d+)", said)
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))


STUBBORN = "import signal, sys; signal.signal(15, signal.SIG_IGN); print(1); signal.pause()"
RUN = """
import sys
from gofer_console.up import run_processes
from shared.config import child_environment
sys.exit(run_processes({"stubborn": sys.argv[1]}, child_environment({})))
"""


def test_a_second_signal_kills_what_does_not_stop() -> None:
    command = f"exec {sys.executable} -u -c '{STUBBORN}'"
    with subprocess.Popen(
        [sys.executable, "-c", RUN, command], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as up:
        read_until(up, "stubborn | 1")
        up.send_signal(signal.SIGINT)
        read_until(up, "sending SIGTERM")
        up.send_signal(signal.SIGINT)
        said = read_until(up, "stubborn stopped")
        assert up.wait(DEADLINE_S) == 128 + signal.SIGKILL, said
