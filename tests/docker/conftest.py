"""Real sandboxes. Without a container engine the tests that need one are skipped, or fail where
`GOFER_REQUIRE_DOCKER=1` says that there must be one."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from gofer_ingest.grader.docker_sandbox import DockerSandbox
from gofer_ingest.grader.engine import connect
from gofer_ingest.grader.pool import WarmPool
from gofer_ingest.grader.process_sandbox import ProcessSandbox
from gofer_ingest.grader.sharing_sandbox import SharingDockerSandbox
from shared.errors import SandboxUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gofer_ingest.grader.sandbox import Sandbox, Slot
    from shared.model import Limits, RunId

DOCKER_HOST = os.environ.get("DOCKER_HOST")
IMAGE = os.environ.get("GOFER_GRADER_IMAGE", "gofer-grader")
SHARED_START = os.environ.get("GOFER_SHARED_START", "off")
"""Whether the hostile notebooks' grader lets runs share a start; `make hostile` tries both."""


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


class ReadyPool(WarmPool):
    """A pool that has a slot ready for everyone who asks: no thread, no chance."""

    def prepare(
        self, image: str | None, limits: Limits, run_id: RunId, *, is_ahead: bool = False
    ) -> Slot:
        """Hand out one that was made ahead."""
        self.expect(image, limits)
        while not self.warmth().idle:
            self.tend()
        slot = super().prepare(image, limits, run_id, is_ahead=is_ahead)
        assert self.warmth().misses == 0
        return slot


ADAPTERS: Final = (
    "process",
    pytest.param("docker", marks=pytest.mark.docker),
    pytest.param("sharing", marks=pytest.mark.docker),
)
USUAL: Final = ADAPTERS if SHARED_START == "on" else ADAPTERS[:2]
"""Those that most modules try. The contract's tries each one always, and `make hostile` all."""


@pytest.fixture(params=USUAL)
def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sandbox]:
    """Each usual adapter of the sandbox port in turn."""
    yield from made(request, tmp_path)


@pytest.fixture(params=ADAPTERS[:2])
def warm_sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ReadyPool]:
    """Each adapter in turn, behind a pool that always has a slot ready.

    What shares its start has one ready by itself; a pool before it is in the hostile suite.
    """
    for adapter in made(request, tmp_path):
        pool = ReadyPool(adapter, memory_bytes=1 << 30, most=1)
        yield pool
        pool.drain()


@pytest.fixture(scope="module", params=USUAL)
def module_sandbox(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sandbox]:
    """Each usual adapter in turn, for all of a module's tests, which grade side by side."""
    yield from made(request, tmp_path_factory.mktemp("volume"))


def made(request: pytest.FixtureRequest, volume: Path) -> Iterator[Sandbox]:
    """The adapter of a fixture's parameter; what it leaves behind fails the test."""
    if request.param != "process":
        request.getfixturevalue("engine")
    adapter: Sandbox
    match request.param:
        case "process":
            adapter = ProcessSandbox(volume)
        case "docker":
            adapter = DockerSandbox(IMAGE, volume, DOCKER_HOST)
        case _:
            adapter = SharingDockerSandbox(IMAGE, volume, DOCKER_HOST, keep=2)
    yield adapter
    adapter.close()
    assert adapter.reap() == 0, "something was left behind"
