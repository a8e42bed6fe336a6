"""What only a container enforces, seen from inside by a notebook."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from gofer_ingest.grader.engine import connect
from gofer_ingest.grader.sandbox import Job
from shared.errors import RunInterrupted
from shared.model import Limits, Verdict, new_run_id
from tests.docker.conftest import DOCKER_HOST
from tests.support.grading import TEST_LIMITS, grade
from tests.support.zips import autograder_zip, notebook, ok_test

if TYPE_CHECKING:
    from gofer_ingest.grader.docker_sandbox import DockerSandbox

pytestmark = pytest.mark.docker

LOOK_AROUND = """
import os, pathlib, socket, subprocess

def fails(action):
    try:
        action()
    except OSError:
        return True
    return False

status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
uid = os.getuid()
capabilities = int(status["CapEff"], 16) | int(status["CapPrm"], 16) | int(status["CapBnd"], 16)
no_new_privileges = status["NoNewPrivs"].strip()
seccomp = status["Seccomp"].strip()

root_is_read_only = all(
    fails(lambda: pathlib.Path(folder, "x").write_text("x"))
    for folder in ("/", "/etc", "/usr", "/opt/gofer", "/var", "/home", "/root", "/srv")
)
interfaces = sorted(os.listdir("/sys/class/net"))
no_address_answers = all(
    fails(lambda: socket.create_connection(address, timeout=2))
    for address in (("1.1.1.1", 53), ("169.254.169.254", 80), ("172.17.0.1", 22))
)
no_name_resolves = fails(lambda: socket.getaddrinfo("example.org", 80))
no_engine_socket = not any(
    os.path.exists(path) for path in ("/var/run/docker.sock", "/run/docker.sock")
)
tmp = os.statvfs("/tmp")
tmp_bytes = tmp.f_blocks * tmp.f_frsize
"""

CONTAINED = autograder_zip(
    {
        "uid": ok_test("uid", "uid == 10001"),
        "caps": ok_test("caps", "capabilities == 0"),
        "privileges": ok_test("privileges", "no_new_privileges == '1'"),
        "seccomp": ok_test("seccomp", "seccomp == '2'"),
        "root": ok_test("root", "root_is_read_only"),
        "network": ok_test("network", "interfaces == ['lo']"),
        "addresses": ok_test("addresses", "no_address_answers"),
        "names": ok_test("names", "no_name_resolves"),
        "socket": ok_test("socket", "no_engine_socket"),
        "disk": ok_test("disk", f"tmp_bytes == {TEST_LIMITS.disk_bytes}"),
    }
)


def test_a_notebook_finds_itself_locked_in(docker_sandbox: DockerSandbox) -> None:
    result = grade(docker_sandbox, CONTAINED, notebook(LOOK_AROUND))
    assert result.verdict is Verdict.GRADED, result.staff_text
    lost = [question.question for question in result.questions if question.score < 1]
    assert lost == []


def test_a_full_disk_is_the_notebooks_own_trouble(docker_sandbox: DockerSandbox) -> None:
    limits = Limits(time_s=60.0, memory_bytes=512 << 20, disk_bytes=64 << 20)
    fills = """
        full = False
        with open("/tmp/filler", "wb") as handle:
            try:
                for _ in range(200):
                    handle.write(b"x" * (1 << 20))
            except OSError:
                full = True
        import os
        os.remove("/tmp/filler")
        """
    zipped = autograder_zip({"q1": ok_test("q1", "full")})
    result = grade(docker_sandbox, zipped, notebook(fills), limits)
    assert result.score is not None, result.staff_text
    assert result.score.points == 1.0


def test_a_fork_bomb_ends_with_its_container_and_earns_nothing(
    docker_sandbox: DockerSandbox,
) -> None:
    bomb = """
        import os
        while True:
            try:
                os.fork()
            except OSError:
                pass
        """
    limits = Limits(time_s=8.0, memory_bytes=512 << 20, pids=64)
    result = grade(docker_sandbox, CONTAINED, notebook(bomb), limits)
    seen = (result.verdict, result.score, result.flags, result.staff_text)
    if result.verdict is Verdict.GRADED:
        # a kernel that obeys the interrupt goes on to the tests; its one stopped cell is told
        assert result.score is not None, seen
        assert result.score.points == 0.0, seen
        assert "cell_timeout" in result.flags, seen
    else:
        assert result.score is None, seen
        assert result.verdict in {Verdict.TIMED_OUT, Verdict.OUT_OF_MEMORY, Verdict.CRASHED}, seen
    assert docker_sandbox.reap() == 0  # nothing of it is left


def test_memory_past_the_limit_is_out_of_memory(docker_sandbox: DockerSandbox) -> None:
    hog = "hoard = []\nwhile True: hoard.append(bytearray(b'x') * (32 << 20))"
    result = grade(docker_sandbox, CONTAINED, notebook(hog))
    assert result.verdict is Verdict.OUT_OF_MEMORY
    assert result.score is None


def test_printing_past_every_cell_ends_the_run(docker_sandbox: DockerSandbox) -> None:
    loud = "import os\nwhile True: os.write(2, b'x' * 65536)"
    result = grade(docker_sandbox, CONTAINED, notebook(loud))
    assert result.score is None
    assert "too_much_output" in result.flags or result.verdict is Verdict.TIMED_OUT


def test_a_setuid_program_gives_nothing(docker_sandbox: DockerSandbox) -> None:
    tries = """
        import subprocess
        gained = []
        for command in (["su", "-c", "id"], ["mount", "-t", "tmpfs", "x", "/mnt"], ["chfn"]):
            try:
                done = subprocess.run(command, capture_output=True, timeout=5,
                                      stdin=subprocess.DEVNULL)
                if done.returncode == 0:
                    gained.append(command)
            except (OSError, subprocess.TimeoutExpired):
                pass
        """
    zipped = autograder_zip({"q1": ok_test("q1", "gained == []")})
    result = grade(docker_sandbox, zipped, notebook(tries))
    assert result.score is not None, result.staff_text
    assert result.score.points == 1.0


def test_a_container_killed_from_outside_is_our_failure_and_no_verdict(
    docker_sandbox: DockerSandbox,
) -> None:
    api = connect(DOCKER_HOST)
    run_id = new_run_id()
    slot = docker_sandbox.prepare(None, TEST_LIMITS, run_id)
    job = Job(run_id, notebook("while True: pass"), CONTAINED, TEST_LIMITS)
    killer = threading.Timer(2.0, lambda: api.kill(slot.container_id))
    killer.start()
    with pytest.raises(RunInterrupted):
        docker_sandbox.run(slot, job)
    killer.join()


def test_a_notebook_that_kills_everything_in_its_container_has_crashed(
    docker_sandbox: DockerSandbox,
) -> None:
    kills = """
        import os, signal
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGALRM):
            for pid in [int(p) for p in os.listdir("/proc") if p.isdigit()]:
                if pid != os.getpid():
                    try:
                        os.kill(pid, number)
                    except OSError:
                        pass
        while True: pass
        """
    result = grade(docker_sandbox, CONTAINED, notebook(kills))
    assert result.verdict is Verdict.CRASHED
