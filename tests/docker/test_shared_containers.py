"""Runs that share a container one after the other: none knows of another, nor more than it would
in a container of its own."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from gofer_ingest.grader import place_request, system_call_profile
from gofer_ingest.grader.docker_sandbox import LABEL_VOLUME, DockerSandbox, DockerSlot
from gofer_ingest.grader.engine import connect
from gofer_ingest.grader.examination import examine
from gofer_ingest.grader.places import PlaceSlot
from gofer_ingest.grader.sharing_sandbox import SharingDockerSandbox
from shared.config import GraderSettings, read_settings
from shared.model import Verdict, new_run_id
from tests.docker.conftest import DOCKER_HOST, IMAGE
from tests.docker.test_containment import CONTAINED, LOOK_AROUND
from tests.support.grading import TEST_LIMITS, grade
from tests.support.zips import autograder_zip, notebook, ok_test

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gofer_ingest.grader.examination import Check
    from shared.model import GradingResult, Limits

pytestmark = pytest.mark.docker


@pytest.fixture
def sandbox(engine: None, tmp_path: Path) -> Iterator[SharingDockerSandbox]:
    shared = SharingDockerSandbox(IMAGE, tmp_path, DOCKER_HOST, keep=1)
    yield shared
    shared.close()
    assert shared.reap() == 0, "a container was left behind"


def container(sandbox: SharingDockerSandbox, limits: Limits = TEST_LIMITS) -> str:
    """The container that the next run would be in; it stays where it is."""
    slot = sandbox.prepare(None, limits, new_run_id())
    assert isinstance(slot, PlaceSlot)
    slot.discard()
    return slot.place.container_id


def lost(result: GradingResult) -> list[str]:
    assert result.verdict is Verdict.GRADED, result.staff_text
    return [question.question for question in result.questions if question.score < 1]


LEAVES = """
import ctypes, os, pathlib, socket, subprocess, sys

libc = ctypes.CDLL(None, use_errno=True)
for folder in ("/tmp", "/dev/shm", os.environ["HOME"], os.environ["TMPDIR"]):
    pathlib.Path(folder, "left").write_text("left")
segment = libc.shmget(4711, 4096, 0o1666)
queue = ctypes.CDLL("librt.so.1").mq_open(b"/left", os.O_CREAT | os.O_RDWR, 0o666, None)
name = socket.socket(socket.AF_UNIX)
name.bind("\\0left")
libc.sethostname(b"left", 4)
left = segment >= 0 and queue >= 0
"""

LEAVES_A_PROCESS = (
    LEAVES
    + """
code = "import time; time.sleep(600)  # left"
subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
"""
)

LOOKS = """
import ctypes, os, pathlib, socket

libc = ctypes.CDLL(None, use_errno=True)
folders = ("/tmp", "/dev/shm", os.environ["HOME"], os.environ["TMPDIR"])
no_files = not any(pathlib.Path(folder, "left").exists() for folder in folders)
no_segment = libc.shmget(4711, 4096, 0) == -1
no_queue = ctypes.CDLL("librt.so.1").mq_open(b"/left", os.O_RDWR) == -1
try:
    socket.socket(socket.AF_UNIX).connect("\\0left")
    no_socket = False
except OSError:
    no_socket = True
commands = [
    path.read_bytes() for path in pathlib.Path("/proc").glob("[0-9]*/cmdline") if path.exists()
]
no_process = not any(b"left" in command for command in commands)
few_processes = len(commands) < 8
no_name = socket.gethostname() != "left"
"""

ALONE = autograder_zip(
    {
        name: ok_test(name, name)
        for name in (
            "no_files",
            "no_segment",
            "no_queue",
            "no_socket",
            "no_process",
            "few_processes",
            "no_name",
        )
    }
)


def test_a_run_finds_nothing_of_the_one_before(sandbox: SharingDockerSandbox) -> None:
    left = autograder_zip({"left": ok_test("left", "left")})
    assert lost(grade(sandbox, left, notebook(LEAVES))) == []
    before = container(sandbox)
    assert lost(grade(sandbox, ALONE, notebook(LOOKS))) == []
    assert container(sandbox) == before  # it was the same one


@pytest.mark.parametrize(
    ("cells", "limits"),
    [
        ((LEAVES_A_PROCESS,), TEST_LIMITS),
        (("left = True", "import os; os._exit(0)"), TEST_LIMITS),
        (("left = True", "while True: pass"), replace(TEST_LIMITS, cell_time_s=2.0)),
        (("left = True", "print('x' * 1000)"), replace(TEST_LIMITS, output_bytes=100)),
    ],
    ids=["a process left", "a kernel that ended", "a cell stopped", "output cut short"],
)
def test_a_container_in_which_a_run_was_out_of_the_ordinary_serves_no_other(
    sandbox: SharingDockerSandbox, cells: tuple[str, ...], limits: Limits
) -> None:
    left = autograder_zip({"left": ok_test("left", "left")})
    before = container(sandbox, limits)
    grade(sandbox, left, notebook(*cells), limits)
    assert not _is_there(before)
    assert lost(grade(sandbox, ALONE, notebook(LOOKS), limits)) == []


def test_each_run_has_its_own_place_for_temporary_files(sandbox: SharingDockerSandbox) -> None:
    looks = """
        import os, pathlib, tempfile
        expected = os.environ["TMPDIR"]
        found = tempfile.gettempdir()
        first = pathlib.Path(found, "once")
        was_there = first.exists()
        first.write_text("")
        """
    zipped = autograder_zip(
        {"own": ok_test("own", "found == expected"), "empty": ok_test("empty", "not was_there")}
    )
    for _ in range(2):
        assert lost(grade(sandbox, zipped, notebook(looks))) == []


def test_what_waits_is_spared_by_the_reaper_and_gone_when_all_is_over(
    sandbox: SharingDockerSandbox,
) -> None:
    waits = container(sandbox)
    assert sandbox.reap() == 0
    assert _is_there(waits)
    slot = sandbox.prepare(None, TEST_LIMITS, new_run_id())
    other = sandbox.prepare(None, TEST_LIMITS, new_run_id())
    slot.discard()
    sandbox.close()
    assert not _is_there(waits)
    other.discard()  # was in use until now
    assert sandbox.reap() == 0
    assert connect(DOCKER_HOST).containers(all=True, filters=_of(sandbox)) == []


def test_where_a_run_cannot_be_alone_each_has_a_container_of_its_own(
    sandbox: SharingDockerSandbox,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(system_call_profile, "FOR_NAMESPACES", ("mount", "umount2"))
    for _ in range(2):
        slot = sandbox.prepare(None, TEST_LIMITS, new_run_id())
        assert isinstance(slot, DockerSlot)
        slot.discard()
        assert connect(DOCKER_HOST).containers(all=True, filters=_of(sandbox)) == []
    told = [record for record in caplog.records if record.__dict__.get("action") == "single_use"]
    assert len(told) == 1
    assert "Operation not permitted" in told[0].__dict__["reason"]


def test_where_the_engine_refuses_such_a_container_each_run_has_one_of_its_own(
    sandbox: SharingDockerSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place_request, "namespace_profile", lambda: "no profile")
    slot = sandbox.prepare(None, TEST_LIMITS, new_run_id())
    assert isinstance(slot, DockerSlot)
    slot.discard()


def test_a_notebook_finds_itself_locked_in_as_in_a_container_of_its_own(
    sandbox: SharingDockerSandbox,
) -> None:
    for _ in range(2):
        assert lost(grade(sandbox, CONTAINED, notebook(LOOK_AROUND))) == []


TRIES = """
import ctypes, errno, os, pathlib, platform

libc = ctypes.CDLL(None, use_errno=True)

def refused(function, *arguments):
    ctypes.set_errno(0)
    return function(*arguments) == -1 and ctypes.get_errno() in (errno.EPERM, errno.EACCES)

def unreadable(path):
    try:
        return pathlib.Path(path).read_bytes() == b""
    except OSError:
        return True

def unwritable(path):
    try:
        pathlib.Path(path).write_text("1")
    except OSError:
        return True
    return False

no_namespaces = all(refused(libc.unshare, flag) for flag in (0x10000000, 0x20000, 0x40000000))
no_joining = refused(libc.setns, os.open("/proc/self/ns/net", os.O_RDONLY), 0)
no_mounts = refused(libc.mount, b"none", b"/tmp", b"tmpfs", 0, None)
no_uncovering = all(refused(libc.umount2, path, 2) for path in (b"/tmp", b"/proc/keys", b"/proc"))
no_tracing = refused(libc.ptrace, 16, os.getppid(), 0, 0)
clone = {"x86_64": 56, "aarch64": 220}[platform.machine()]
no_cloning = refused(libc.syscall, clone, 0x10000000 | 17, 0, 0, 0, 0)
no_keys = refused(libc.syscall, {"x86_64": 250, "aarch64": 219}[platform.machine()], 0, -3, 0)
masked = all(map(unreadable, ("/proc/kcore", "/proc/keys", "/proc/timer_list")))
read_only = all(
    map(unwritable, ("/proc/sys/kernel/hostname", "/proc/sysrq-trigger", "/proc/self/uid_map"))
)
maps = pathlib.Path("/proc/self/uid_map").read_text().split()
one_user = maps == ["10001", "10001", "1"]
"""


def test_what_a_run_could_do_before_it_had_its_notebook_the_notebook_cannot(
    sandbox: SharingDockerSandbox,
) -> None:
    names = ["no_namespaces", "no_joining", "no_mounts", "no_uncovering", "no_tracing"]
    names += ["no_cloning", "no_keys", "masked", "read_only", "one_user"]
    tried = autograder_zip({name: ok_test(name, name) for name in names})
    assert lost(grade(sandbox, tried, notebook(TRIES))) == []


def test_no_notebook_is_in_the_memory_of_the_next(sandbox: SharingDockerSandbox) -> None:
    """What passed by on its way to one run is nowhere in the memory that the next begins with."""
    secret = secrets.token_hex(16)
    first = autograder_zip({"q1": ok_test("q1", f"answer == {secret!r}")})
    assert lost(grade(sandbox, first, notebook(f"answer = {secret!r}"))) == []
    searches = f"""
        import re
        halves = [{secret[:16]!r}, {secret[16:]!r}]
        found = looked_at = 0
        for line in open("/proc/self/maps"):
            start, end, mode = re.match(r"(\\w+)-(\\w+) (\\S+)", line).groups()
            if not mode.startswith("rw") or "[v" in line:
                continue
            start, end = int(start, 16), int(end, 16)
            with open("/proc/self/mem", "rb", buffering=0) as memory:
                at = start
                while at < end:
                    memory.seek(at)
                    piece = memory.read(min(1 << 20, end - at))
                    if not piece:
                        break
                    looked_at += len(piece)
                    place = piece.find(halves[0].encode())
                    while place >= 0:
                        rest = piece[place + 16 : place + 32]
                        found += rest == halves[1].encode()
                        place = piece.find(halves[0].encode(), place + 1)
                    at += len(piece)
        """
    second = autograder_zip(
        {"found": ok_test("found", "found == 0"), "looked": ok_test("looked", "looked_at > 10**7")}
    )
    assert lost(grade(sandbox, second, notebook(searches))) == []


def test_a_disk_that_one_run_filled_is_empty_for_the_next(sandbox: SharingDockerSandbox) -> None:
    fills = """
        try:
            with open("/tmp/full", "wb") as file:
                while True:
                    file.write(bytes(1 << 20))
        except OSError:
            pass
        full = True
        """
    zipped = autograder_zip({"full": ok_test("full", "full")})
    first = grade(sandbox, zipped, notebook(fills))
    assert first.verdict is Verdict.GRADED, first.staff_text
    assert lost(grade(sandbox, CONTAINED, notebook(LOOK_AROUND))) == []


def test_a_run_that_ends_badly_takes_its_container_with_it(sandbox: SharingDockerSandbox) -> None:
    before = container(sandbox)
    hog = notebook("hoard = []\nwhile True: hoard.append(bytearray(32 << 20))")
    result = grade(sandbox, CONTAINED, hog)
    assert result.score is None or result.score.points == 0
    after = container(sandbox)
    assert after != before
    assert not _is_there(before)
    assert lost(grade(sandbox, CONTAINED, notebook(LOOK_AROUND))) == []


def test_a_run_that_is_still_going_at_its_deadline_is_killed_with_its_container(
    sandbox: SharingDockerSandbox,
) -> None:
    limits = replace(TEST_LIMITS, time_s=8.0)
    before = container(sandbox, limits)
    stops = "import os, signal\nos.kill(os.getppid(), signal.SIGSTOP)"
    result = grade(sandbox, CONTAINED, notebook(stops), limits)
    assert result.verdict is Verdict.TIMED_OUT
    assert not _is_there(before)


def test_a_container_that_is_gone_is_noticed_before_a_notebook_is_in_it(
    sandbox: SharingDockerSandbox,
) -> None:
    before = container(sandbox)
    connect(DOCKER_HOST).kill(before)
    assert lost(grade(sandbox, CONTAINED, notebook(LOOK_AROUND))) == []
    assert container(sandbox) != before


def test_the_doctor_tells_whether_runs_can_share_a_start(
    engine: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOLUME_PATH", str(tmp_path))
    monkeypatch.setenv("GOFER_GRADER_IMAGE", IMAGE)
    monkeypatch.setenv("GOFER_SHARED_START", "on")
    settings = read_settings(GraderSettings)
    assert _check_of_sharing(settings)["status"] == "ok"
    monkeypatch.setattr(system_call_profile, "FOR_NAMESPACES", ("mount", "umount2"))
    check = _check_of_sharing(settings)
    assert check["status"] == "warning"
    assert "Operation not permitted" in check["message"]
    assert DockerSandbox(IMAGE, tmp_path, DOCKER_HOST).reap() == 0


def _check_of_sharing(settings: GraderSettings) -> Check:
    return {check["name"]: check for check in examine(settings)}["shared start"]


def _of(sandbox: SharingDockerSandbox) -> dict[str, str]:
    return {"label": f"{LABEL_VOLUME}={sandbox._volume_mark}"}


def _is_there(container_id: str) -> bool:
    found: list[dict[str, Any]] = connect(DOCKER_HOST).containers(all=True)
    return any(one["Id"] == container_id for one in found)
