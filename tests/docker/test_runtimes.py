"""The engine's runtime is chosen by a setting; one that it does not know is said plainly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gofer_ingest.grader.docker_sandbox import DockerSandbox
from gofer_ingest.grader.examination import examine
from gofer_ingest.grader.sandbox import Job
from shared.config import GraderSettings, read_settings
from shared.errors import SandboxUnavailable
from shared.model import Limits, new_run_id
from tests.docker.conftest import DOCKER_HOST, IMAGE
from tests.support.zips import autograder_zip, notebook, ok_test

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("engine")]


def test_a_runtime_that_the_engine_has_grades(tmp_path: Path) -> None:
    sandbox = DockerSandbox(IMAGE, tmp_path, DOCKER_HOST, runtime="runc")
    run_id = new_run_id()
    zipped = autograder_zip({"q1": ok_test("q1", "True")})
    slot = sandbox.prepare(None, Limits(), run_id)
    raw = sandbox.run(slot, Job(run_id, notebook("x = 1"), zipped, Limits()))
    assert raw.answer is not None
    assert b'"kind": "results"' in raw.answer


def test_a_runtime_that_the_engine_does_not_know_is_named_and_leaves_nothing(
    tmp_path: Path,
) -> None:
    sandbox = DockerSandbox(IMAGE, tmp_path, DOCKER_HOST, runtime="no-such-runtime")
    with pytest.raises(SandboxUnavailable, match=r"'no-such-runtime' that GOFER_DOCKER_RUNTIME"):
        sandbox.prepare(None, Limits(), new_run_id())
    assert sandbox.reap() == 0


def test_the_doctor_tells_of_a_runtime_that_the_engine_does_not_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOLUME_PATH", str(tmp_path))
    monkeypatch.setenv("GOFER_SANDBOX", "docker")
    monkeypatch.setenv("GOFER_GRADER_IMAGE", IMAGE)
    monkeypatch.setenv("GOFER_DOCKER_RUNTIME", "no-such-runtime")
    checks = {check["name"]: check for check in examine(read_settings(GraderSettings))}
    assert checks["runtime"]["status"] == "problem"
    assert "runc" in checks["runtime"]["message"]
    assert "GOFER_DOCKER_RUNTIME" in checks["runtime"]["advice"]
    assert checks["sandbox"]["status"] == "problem"
