"""A pool of real sandboxes keeps what every sandbox promises, and what is special about one."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from gofer_ingest.grader import process_sandbox
from gofer_ingest.grader.docker_sandbox import (
    LABEL_AHEAD,
    LABEL_RUN,
    LABEL_VOLUME,
    DockerSandbox,
)
from gofer_ingest.grader.engine import connect
from gofer_ingest.grader.harness.supervision import EXIT_LIFETIME_OVER
from gofer_ingest.grader.pool import WarmPool, Warmth
from gofer_ingest.grader.process_sandbox import ProcessSandbox
from gofer_ingest.grader.sandbox import Ending, Job
from shared.model import Verdict, new_run_id
from tests.docker import test_sandbox_contract as contract
from tests.docker.conftest import DOCKER_HOST, IMAGE
from tests.support.grading import TEST_LIMITS, grade, run
from tests.support.processes import wait_until
from tests.support.zips import autograder_zip, notebook, ok_test

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gofer_ingest.grader.sandbox import Sandbox
    from tests.docker.conftest import ReadyPool

PROMISES = [
    contract.test_inspecting_finds_questions_points_and_hidden_tests,
    contract.test_scores_are_otters_own,
    contract.test_an_exception_in_one_cell_costs_only_what_depends_on_it,
    contract.test_files_of_the_zip_lie_beside_the_notebook,
    contract.test_a_notebook_that_never_ends_is_stopped_at_its_limit,
    contract.test_a_notebook_that_stops_the_harness_is_ended_from_outside,
    contract.test_a_kernel_that_ends_itself_is_a_crash_without_a_score,
    contract.test_what_a_notebook_starts_in_the_background_does_not_outlive_it,
    contract.test_output_past_the_limit_is_dropped_and_the_notebook_graded,
    contract.test_a_slot_may_be_given_back_unused_and_twice,
    contract.test_what_is_in_use_is_not_reaped,
]


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_what_every_sandbox_promises_a_pool_keeps(
    warm_sandbox: ReadyPool, promise: Callable[[Sandbox], None]
) -> None:
    promise(warm_sandbox)


def test_nothing_of_the_graders_environment_reaches_a_notebook(
    warm_sandbox: ReadyPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract.test_nothing_of_the_graders_environment_reaches_a_notebook(warm_sandbox, monkeypatch)


def test_each_slot_serves_one_notebook_and_is_gone(warm_sandbox: ReadyPool) -> None:
    leaves = "import pathlib, tempfile\npathlib.Path(tempfile.gettempdir(), 'was').write_text('')"
    looks = "found = pathlib.Path(tempfile.gettempdir(), 'was').exists()"
    zipped = autograder_zip({"q1": ok_test("q1", "found")})
    assert run(warm_sandbox, zipped, notebook(leaves)).ending is Ending.ANSWERED
    result = grade(warm_sandbox, zipped, notebook("import pathlib, tempfile", looks))
    assert result.verdict is Verdict.GRADED
    assert result.score is not None
    assert result.score.points == 0.0
    assert warm_sandbox.warmth().idle == 0


def test_what_waits_is_spared_by_its_own_reaper_and_taken_by_the_next(
    warm_sandbox: ReadyPool,
) -> None:
    warm_sandbox.expect(None, TEST_LIMITS)
    warm_sandbox.tend()
    assert warm_sandbox.reap() == 0
    slot = warm_sandbox.prepare(None, TEST_LIMITS, new_run_id())
    assert slot.is_waiting()
    slot.discard()
    assert not slot.is_waiting()


@pytest.mark.docker
def test_what_a_killed_grader_had_ready_is_reaped_by_the_next(
    docker_sandbox: DockerSandbox, tmp_path: Path
) -> None:
    dies = f"""
        import os, signal
        from pathlib import Path
        from gofer_ingest.grader.docker_sandbox import DockerSandbox
        from gofer_ingest.grader.pool import WarmPool
        from shared.model import Limits
        sandbox = DockerSandbox({IMAGE!r}, Path({str(tmp_path)!r}), {DOCKER_HOST!r})
        pool = WarmPool(sandbox, memory_bytes=1 << 30, most=1)
        pool.expect(None, Limits())
        pool.tend()
        assert pool.warmth().idle == 1
        os.kill(os.getpid(), signal.SIGKILL)
        """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(dies)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert docker_sandbox.reap() == 1
    assert docker_sandbox.reap() == 0


@pytest.mark.docker
def test_a_container_that_dies_while_it_waits_is_never_handed_out(
    docker_sandbox: DockerSandbox,
) -> None:
    pool = WarmPool(docker_sandbox, memory_bytes=1 << 30, most=1)
    pool.expect(None, TEST_LIMITS)
    pool.tend()
    api = connect(DOCKER_HOST)
    mark = f"{LABEL_VOLUME}={docker_sandbox._volume_mark}"
    (idle,) = api.containers(filters={"label": [mark, LABEL_AHEAD]})
    api.kill(idle["Id"])
    api.wait(idle["Id"])
    slot = pool.prepare(None, TEST_LIMITS, new_run_id())
    try:
        (other,) = api.containers(filters={"label": mark}, all=True)
        assert other["Id"] != idle["Id"]
        assert other["Labels"][LABEL_RUN] == slot.run_id
        assert LABEL_AHEAD not in other["Labels"]
        assert pool.warmth() == Warmth(idle=0, hits=0, misses=1)
    finally:
        slot.discard()


def test_a_runs_life_begins_with_its_job_and_not_with_its_slot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    life_s = 4.0
    limits = replace(TEST_LIMITS, time_s=60.0)
    monkeypatch.setattr(process_sandbox, "LIFE_AFTER_DEADLINE_S", life_s - limits.time_s)
    sandbox = ProcessSandbox(tmp_path)
    ends = []
    for cell in ("total = 5", "import time; time.sleep(50)"):
        over_at = time.monotonic() + life_s + 1
        slot = sandbox.prepare(None, limits, new_run_id(), is_ahead=True)
        wait_until(partial(_is_past, over_at))
        assert slot.is_waiting()
        job = Job(slot.run_id, notebook(cell), contract.ADDITION, limits)
        ends.append(sandbox.run(slot, job).ending)
    assert ends == [Ending.ANSWERED, Ending.DIED]


def _is_past(moment: float) -> bool:
    return time.monotonic() > moment


def test_a_harness_without_a_job_ends_by_itself(tmp_path: Path) -> None:
    command = [sys.executable, "-I", "-m", "gofer_ingest.grader.harness"]
    command += ["--folder", str(tmp_path / "run"), "--idle-s", "1"]
    # Its standard input stays open: one that ends would be a job that was cut off.
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as harness:
        assert harness.wait(60) == EXIT_LIFETIME_OVER
