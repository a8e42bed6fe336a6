from __future__ import annotations

import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from gofer_ingest.grader.process_lock import grader_lock
from shared.errors import GraderError
from shared.gradebook.writer_lock import LOCK_NAME
from tests.support.processes import ROOT, wait_until

if TYPE_CHECKING:
    from pathlib import Path

HOLDER = """
import sys
from pathlib import Path
from gofer_ingest.grader.process_lock import grader_lock
with grader_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def standing_by(volume: Path, taken: threading.Event) -> threading.Thread:
    """A second grader, in a thread with a descriptor of its own, which flock takes for another."""

    def wait_and_take() -> None:
        with grader_lock(volume):
            taken.set()

    thread = threading.Thread(target=wait_and_take)
    thread.start()
    return thread


def is_standing_by(caplog: pytest.LogCaptureFixture) -> bool:
    return any(getattr(record, "action", None) == "standby" for record in caplog.records)


def test_a_second_grader_waits_until_the_first_ends(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    taken = threading.Event()
    with grader_lock(tmp_path):
        second = standing_by(tmp_path, taken)
        wait_until(lambda: is_standing_by(caplog))
        assert not taken.is_set()
    assert taken.wait(30)
    second.join(30)


def test_the_lock_is_given_back_when_the_grader_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), grader_lock(tmp_path):
        raise ZeroDivisionError
    with grader_lock(tmp_path):
        pass


def test_the_lock_of_a_killed_grader_is_free(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    taken = threading.Event()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        second = standing_by(tmp_path, taken)
        wait_until(lambda: is_standing_by(caplog))
        assert not taken.is_set()
        holder.send_signal(signal.SIGKILL)
    assert taken.wait(30)
    second.join(30)


def test_graders_of_different_volumes_do_not_wait_for_each_other(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with grader_lock(tmp_path), grader_lock(other):
        assert (other / LOCK_NAME).exists()


def test_a_volume_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(GraderError, match=r"gone.*No such file"), grader_lock(tmp_path / "gone"):
        pass
