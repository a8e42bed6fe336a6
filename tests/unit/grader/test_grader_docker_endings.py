"""How a container ended, where the engine is slow to say so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import docker
import pytest
import requests

from gofer_ingest.grader.docker_sandbox import EXIT_KILLED, DockerSandbox
from gofer_ingest.grader.sandbox import Ending

if TYPE_CHECKING:
    from pathlib import Path


class SlowEngine(docker.APIClient):
    """An engine that has not noted the end of a container in time."""

    def __init__(self, **state: Any) -> None:
        super().__init__(base_url="http://127.0.0.1:9", version="1.41")
        self.state = {"Running": False, "OOMKilled": False, "ExitCode": 0, **state}
        self.killed = False

    def wait(self, container: Any, timeout: Any = None, condition: Any = None) -> Any:
        raise requests.exceptions.ReadTimeout

    def inspect_container(self, container: Any) -> Any:
        return {"State": self.state}

    def kill(self, container: Any, signal: Any = None) -> None:
        self.killed = True
        self.state |= {"Running": False, "ExitCode": EXIT_KILLED}


def how_it_ended(engine: SlowEngine, volume: Path) -> tuple[int | None, bool]:
    sandbox = DockerSandbox("image", volume)
    sandbox._connections.api = engine
    try:
        return sandbox.how_it_ended("container", Ending.DIED)
    finally:
        engine.close()


@pytest.mark.parametrize("code", [0, 1, EXIT_KILLED])
def test_a_container_found_ended_is_judged_by_its_exit_code_however_late_that_is_known(
    tmp_path: Path, code: int
) -> None:
    engine = SlowEngine(ExitCode=code)
    assert how_it_ended(engine, tmp_path) == (code, False)
    assert not engine.killed


def test_one_that_closed_its_outputs_and_lives_on_is_ended_and_nobody_else_is_blamed(
    tmp_path: Path,
) -> None:
    engine = SlowEngine(Running=True)
    assert how_it_ended(engine, tmp_path) == (None, False)
    assert engine.killed
