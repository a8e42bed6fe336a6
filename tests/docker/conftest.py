"""Real sandboxes. Without a container engine the tests that need one are skipped, or fail where
`GOFER_REQUIRE_DOCKER=1` says that there must be one."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from gofer_ingest.grader.docker_sandbox import DockerSandbox
from gofer_ingest.grader.engine import connect
from gofer_ingest.grader.process_sandbox import ProcessSandbox
from shared.errors import SandboxUnavailable
from tests.chaos.engine import PrivateEngine, obstacle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gofer_ingest.grader.sandbox import Sandbox

DOCKER_HOST = os.environ.get("DOCKER_HOST")
IMAGE = os.environ.get("GOFER_GRADER_IMAGE", "gofer-grader")


@pytest.fixture(scope="session")
def engine() -> None:
    """A container engine with the grader image on it."""
    try:
        connect(DOCKER_HOST)
    except SandboxUnavailable:
        if os.environ.get("GOFER_REQUIRE_DOCKER") == "1":
            pytest.fail("GOFER_REQUIRE_DOCKER=1, and no container engine answers")
        pytest.skip("no container engine answers")
    built = subprocess.run(
        [sys.executable, "-m", "gofer_ingest.grader", "image"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr


@pytest.fixture
def docker_sandbox(engine: None, tmp_path: Path) -> Iterator[DockerSandbox]:
    """The docker adapter, for a volume of this test's own."""
    sandbox = DockerSandbox(IMAGE, tmp_path, DOCKER_HOST)
    yield sandbox
    assert sandbox.reap() == 0, "a container was left behind"


@pytest.fixture(scope="session")
def private_engine(engine: None) -> Iterator[PrivateEngine]:
    """An engine that a test may stop and kill; ended with the session."""
    reason = obstacle()
    if reason is not None:
        if os.environ.get("GOFER_REQUIRE_DOCKER") == "1":
            pytest.fail(f"GOFER_REQUIRE_DOCKER=1, and {reason}")
        pytest.skip(reason)
    with PrivateEngine(IMAGE) as started:
        yield started


@pytest.fixture(params=["process", pytest.param("docker", marks=pytest.mark.docker)])
def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> Sandbox:
    """Each adapter of the sandbox port in turn."""
    if request.param == "docker":
        adapter: DockerSandbox = request.getfixturevalue("docker_sandbox")
        return adapter
    return ProcessSandbox(tmp_path)
