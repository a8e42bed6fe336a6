"""What only a container enforces, seen from inside by a notebook."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from gofer_ingest.grader.engine import connect
from gofer_ingest.grader.sandbox import Job
from shared.errors import RunInterrupted
from shared.model import Verdict, new_run_id
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
