from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gofer_ingest.grader.docker_sandbox import DockerSandbox
from gofer_ingest.grader.sandbox_choice import make_sandbox
from gofer_ingest.grader.sharing_sandbox import SharingDockerSandbox
from shared.config import GraderSettings, read_settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("said", "kind"), [("on", SharingDockerSandbox), ("off", DockerSandbox)])
def test_runs_share_a_start_where_that_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, kind: type
) -> None:
    monkeypatch.setenv("VOLUME_PATH", str(tmp_path))
    monkeypatch.setenv("GOFER_SHARED_START", said)
    assert type(make_sandbox(read_settings(GraderSettings))) is kind
