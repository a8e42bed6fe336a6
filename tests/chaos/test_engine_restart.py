"""An engine that goes away in the middle of a run, with an engine of this test's own."""

from __future__ import annotations

import gc
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from gofer_ingest.grader.docker_sandbox import DockerSandbox
from gofer_ingest.grader.sandbox import Job
from shared.errors import RunInterrupted, SandboxUnavailable
from shared.model import new_run_id
from tests.docker.conftest import IMAGE
from tests.support.grading import TEST_LIMITS
from tests.support.processes import wait_until
from tests.support.zips import autograder_zip, notebook, ok_test

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from gofer_ingest.grader.sandbox import RawResult
    from tests.chaos.engine import PrivateEngine

pytestmark = [
    pytest.mark.docker,
    # The SDK lets go of a socket that nobody answers without closing it.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

ZIP = autograder_zip({"q1": ok_test("q1", "True")})
ENDLESS = notebook("import subprocess; subprocess.run(['sleep', '600'])")
"""Its process shows from outside that the notebook is at work: the kernel was there before it."""


@pytest.fixture
def sandbox(private_engine: PrivateEngine, tmp_path: Path) -> Iterator[DockerSandbox]:
    """The docker adapter with an engine that may be killed."""
    private_engine.start_if_down()
    yield DockerSandbox(IMAGE, tmp_path, private_engine.host)
    private_engine.start_if_down()
    private_engine.remove_containers()
    gc.collect()  # while its warnings are not errors


@contextmanager
def running(
    sandbox: DockerSandbox, engine: PrivateEngine
) -> Iterator[tuple[str, Future[RawResult]]]:
    """Run a notebook without an end; inside the block it is at work."""
    job = Job(new_run_id(), ENDLESS, ZIP, TEST_LIMITS)
    with ThreadPoolExecutor(1) as pool:
        slot = sandbox.prepare(None, job.limits, job.run_id)
        idle = len(engine.processes(slot.container_id))
        result = pool.submit(sandbox.run, slot, job)
        wait_until(lambda: len(engine.processes(slot.container_id)) > idle)
        yield slot.container_id, result


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("is_back_at_once", [False, True])
def test_an_engine_that_ends_in_the_middle_of_a_run_is_our_failure_and_no_verdict(
    sandbox: DockerSandbox,
    private_engine: PrivateEngine,
    number: signal.Signals,
    *,
    is_back_at_once: bool,
) -> None:
    with running(sandbox, private_engine) as (_, result):
        private_engine.stop(number)
        if is_back_at_once:
            private_engine.start()
        with pytest.raises((SandboxUnavailable, RunInterrupted)):
            result.result(60)


def test_a_run_that_a_person_stops_is_our_failure_and_no_verdict(
    sandbox: DockerSandbox, private_engine: PrivateEngine
) -> None:
    with running(sandbox, private_engine) as (container_id, result):
        private_engine.ask_to_end(container_id)
        with pytest.raises(RunInterrupted):
            result.result(60)


def test_what_the_engine_stops_is_killed_and_not_asked(
    sandbox: DockerSandbox, private_engine: PrivateEngine
) -> None:
    slot = sandbox.prepare(None, TEST_LIMITS, new_run_id())
    private_engine.stop(signal.SIGKILL)
    private_engine.start()
    assert private_engine.exit_code(slot.container_id) == 137
    slot.discard()
