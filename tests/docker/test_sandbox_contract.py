"""What every sandbox promises, whichever adapter it is."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gofer_ingest.grader import docker_sandbox, process_sandbox
from gofer_ingest.grader.process_sandbox import ProcessSandbox
from shared.errors import InspectionFailed
from shared.model import Limits, Verdict, new_run_id
from tests.docker.conftest import ADAPTERS, DOCKER_HOST, IMAGE, made
from tests.support.grading import TEST_LIMITS, grade, inspect
from tests.support.processes import wait_until
from tests.support.zips import autograder_zip, notebook, ok_test

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gofer_ingest.grader.sandbox import Sandbox

ADDITION = autograder_zip(
    {
        "q1": ok_test("q1", "total == 5", "type(total) is int", points=2.0),
        "q2": ok_test("q2", "name == 'Ada'", points=3.0, hidden=True),
    }
)


@pytest.fixture(params=ADAPTERS)
def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sandbox]:
    """Each adapter of the sandbox port in turn."""
    yield from made(request, tmp_path)


def test_inspecting_finds_questions_points_and_hidden_tests(sandbox: Sandbox) -> None:
    spec = inspect(sandbox, ADDITION)
    assert [(q.name, q.points, q.hidden) for q in spec.questions] == [
        ("q1", 2.0, False),
        ("q2", 3.0, True),
    ]
    assert spec.points_possible == 5.0
    assert spec.is_usable
    assert spec.otter_version


def test_inspecting_names_a_broken_test_file(sandbox: Sandbox) -> None:
    spec = inspect(sandbox, autograder_zip({"q1": "OK_FORMAT = True\ntest = {"}))
    assert not spec.is_usable
    assert "q1.py" in spec.problems[0]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("while True: pass", "did not end within 5 s"),
        ("import os; os._exit(0)", "ended before it was done"),
        ("while True: print('x' * 1_000_000)", "printed without end"),
    ],
    ids=["endless", "exit", "output"],
)
def test_a_test_file_that_ends_its_own_inspection_is_the_zips_fault(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, source: str, said: str
) -> None:
    for adapter in (docker_sandbox, process_sandbox):
        monkeypatch.setattr(adapter, "INSPECT_WITHIN_S", 5.0 if "5 s" in said else 120.0)
    with pytest.raises(InspectionFailed, match=said):
        inspect(sandbox, autograder_zip({"q1": source}))


def test_scores_are_otters_own(sandbox: Sandbox) -> None:
    result = grade(sandbox, ADDITION, notebook("total = 2 + 3", "name = 'ada'"))
    assert result.verdict is Verdict.GRADED
    assert [(q.question, q.score) for q in result.questions] == [("q1", 2.0), ("q2", 0.0)]
    assert result.score is not None
    assert (result.score.points, result.score.possible) == (2.0, 5.0)
    assert result.otter_version
    assert result.peak_memory_bytes
    assert "q1" in result.log_tail


def test_an_exception_in_one_cell_costs_only_what_depends_on_it(sandbox: Sandbox) -> None:
    result = grade(sandbox, ADDITION, notebook("total = 5", "1 / 0", "name = 'Ada'"))
    assert result.score is not None
    assert result.score.points == 5.0


def test_files_of_the_zip_lie_beside_the_notebook(sandbox: Sandbox) -> None:
    zipped = autograder_zip(
        {"q1": ok_test("q1", "first == 'height'")}, files={"trees.csv": b"height,age\n1,2\n"}
    )
    result = grade(sandbox, zipped, notebook("first = open('trees.csv').read().split(',')[0]"))
    assert result.score is not None
    assert result.score.points == 1.0


def test_a_notebook_that_never_ends_is_stopped_at_its_limit(sandbox: Sandbox) -> None:
    limits = replace(TEST_LIMITS, time_s=6.0, cell_time_s=6.0)
    started = time.monotonic()
    result = grade(sandbox, ADDITION, notebook("while True: pass"), limits)
    assert result.verdict is Verdict.TIMED_OUT
    assert result.score is None
    assert time.monotonic() - started < 60


def test_a_notebook_that_ignores_the_interrupt_is_stopped_as_well(sandbox: Sandbox) -> None:
    stubborn = """
        import signal
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        while True:
            try:
                while True: pass
            except BaseException: pass
        """
    result = grade(sandbox, ADDITION, notebook(stubborn), replace(TEST_LIMITS, cell_time_s=2.0))
    assert result.verdict is Verdict.TIMED_OUT
    assert result.score is None


def test_a_notebook_that_stops_the_harness_is_ended_from_outside(sandbox: Sandbox) -> None:
    stops = "import os, signal\nos.kill(os.getppid(), signal.SIGSTOP)"
    result = grade(sandbox, ADDITION, notebook(stops), replace(TEST_LIMITS, time_s=10.0))
    assert result.verdict is Verdict.TIMED_OUT
    assert result.score is None


def test_a_kernel_that_ends_itself_is_a_crash_without_a_score(sandbox: Sandbox) -> None:
    result = grade(sandbox, ADDITION, notebook("total = 5", "import os; os._exit(0)"))
    assert result.verdict is Verdict.CRASHED
    assert result.score is None


def test_what_a_notebook_starts_in_the_background_does_not_outlive_it(sandbox: Sandbox) -> None:
    marker = f"gofer-left-behind-{new_run_id()}"
    daemon = f"""
        import subprocess, sys
        code = "import time; time.sleep(600)  # {marker}"
        for _ in range(3):
            started = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
        total = 5 if started.poll() is None else "nothing was left"
        """
    result = grade(sandbox, ADDITION, notebook(daemon))
    assert result.verdict is Verdict.GRADED
    assert result.questions[0].score == 2.0
    assert marker not in _all_command_lines()


def test_output_past_the_limit_is_dropped_and_the_notebook_graded(sandbox: Sandbox) -> None:
    limits = Limits(time_s=60.0, memory_bytes=TEST_LIMITS.memory_bytes, output_bytes=10_000)
    noisy = "for _ in range(2000): print('x' * 100)"
    result = grade(sandbox, ADDITION, notebook(noisy, "total = 5"), limits)
    assert result.verdict is Verdict.GRADED
    assert "output_truncated" in result.flags


def test_nothing_of_the_graders_environment_reaches_a_notebook(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LTI_CONSUMER_SECRET", "sesame-open")
    looks = """
        import os
        seen = [k for k, v in os.environ.items() if "sesame" in v or k.startswith(("LTI", "GOFER"))]
        """
    zipped = autograder_zip({"q1": ok_test("q1", "seen == []")})
    result = grade(sandbox, zipped, notebook(looks))
    assert result.score is not None
    assert result.score.points == 1.0


def test_a_slot_may_be_given_back_unused_and_twice(sandbox: Sandbox) -> None:
    slot = sandbox.prepare(None, TEST_LIMITS, new_run_id())
    slot.discard()
    slot.discard()


def test_runs_at_the_same_time_do_not_mix(sandbox: Sandbox) -> None:
    zipped = autograder_zip({"q1": ok_test("q1", "n % 2 == 0")})
    notebooks = [notebook(f"n = {number}") for number in range(4)]
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda nb: grade(sandbox, zipped, nb), notebooks))
    assert [r.score.points for r in results if r.score] == [1.0, 0.0, 1.0, 0.0]


def _all_command_lines() -> str:
    return subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout


def test_what_a_killed_grader_left_is_gone_or_reaped(sandbox: Sandbox, tmp_path: Path) -> None:
    dies = f"""
        import os, signal, time
        from pathlib import Path
        from gofer_ingest.grader.docker_sandbox import DockerSandbox
        from gofer_ingest.grader.process_sandbox import ProcessSandbox
        from shared.model import Limits, new_run_id
        volume = Path({str(tmp_path)!r})
        docker = lambda: DockerSandbox({IMAGE!r}, volume, {DOCKER_HOST!r})
        sandbox = docker() if {sandbox.name!r} == "docker" else ProcessSandbox(volume)
        sandbox.prepare(None, Limits(), new_run_id())
        os.kill(os.getpid(), signal.SIGKILL)
        """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(dies)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert sandbox.reap() == 1
    assert sandbox.reap() == 0
    wait_until(lambda: str(tmp_path) not in _all_command_lines())


def test_the_process_sandbox_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # below /tmp, where the unprivileged uid can go
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        sandbox = ProcessSandbox(tmp_path)
        assert grade(sandbox, ADDITION, notebook("total = 5")).verdict is Verdict.GRADED
        assert list(Path(folder).iterdir()) == []


def test_what_is_in_use_is_not_reaped(sandbox: Sandbox) -> None:
    slot = sandbox.prepare(None, Limits(), new_run_id())
    try:
        assert sandbox.reap() == 0
    finally:
        slot.discard()
    assert sandbox.reap() == 0
