"""What the hostile notebooks are looked at with sees: nothing here passes for want of eyes."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.docker.conftest import SHARED_START
from tests.docker.hostile.case import Hostile
from tests.docker.hostile.host import Canary, Listener, new_mark, processes_marked
from tests.support.processes import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.docker.hostile.installation import Installation

_FORKS = """
import os, sys
with open("/proc/self/comm", "w") as name:
    name.write(sys.stdin.readline().strip())
if os.fork():
    os._exit(0)
print(os.getpid(), flush=True)
sys.stdin.read()
"""


def test_a_process_is_found_by_its_environment() -> None:
    mark = new_mark()
    command = [sys.executable, "-c", "input()"]
    with subprocess.Popen(
        command, env={"GOFER_HOSTILE": mark}, stdin=subprocess.PIPE, text=True
    ) as child:
        wait_until(lambda: processes_marked(mark) == [child.pid])
        child.communicate("\n")
    assert processes_marked(mark) == []


def test_a_fork_is_found_by_the_name_it_was_left() -> None:
    mark = new_mark()
    with subprocess.Popen(
        [sys.executable, "-c", _FORKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(f"{mark}\n")
        child.stdin.flush()
        orphan = int(child.stdout.readline())
        assert orphan in processes_marked(mark)
        child.stdin.close()
    wait_until(lambda: processes_marked(mark) == [])


def test_the_canary_tells_that_it_was_read(tmp_path: Path) -> None:
    with Canary(tmp_path) as canary:
        assert canary.touches == []
        assert canary.path.read_text() == canary.secret
        wait_until(lambda: "opened" in canary.touches)


def test_the_listener_counts_who_comes() -> None:
    with Listener() as listener:
        with socket.create_connection(("127.0.0.1", listener.port)) as guest:
            guest.recv(1)
        assert listener.guests == 1


@pytest.mark.docker
def test_what_a_notebook_starts_is_seen_on_the_host_while_it_runs(
    installation: Installation,
) -> None:
    """So that seeing none of it afterwards says something."""
    mark = new_mark()
    waits = Hostile(("import time", "os.fork() or os.setsid()\ntime.sleep(5)", "gained = []"))
    attack = installation.deliver_hostile("seen while it runs", waits, mark)
    wait_until(lambda: len(processes_marked(mark)) > 1)
    seen = installation.runs_in_containers()
    containers = installation.containers()
    run = installation.recorded(attack)
    assert run.score is not None
    assert containers
    # one that serves many runs is no run's own
    assert run.run_id in seen or SHARED_START == "on"
    installation.assert_untouched([mark], [run])
