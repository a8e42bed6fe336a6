from __future__ import annotations

import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.processes import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.server.conftest import Server


def refusal(folder: Path, **environment: str) -> tuple[int, str]:
    """Start a server that cannot; return its exit code and what it said."""
    ended = subprocess.run(
        [sys.executable, "-m", "gofer_ingest.server"],
        cwd=ROOT,
        env={
            "VOLUME_PATH": str(folder / "volume"),
            "GOFER_AUTOGRADERS": str(folder / "autograders"),
            "GOFER_PORT": "0",
            "GOFER_LOG_LEVEL": "error",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert ended.stderr.count("\n") == 1
    return ended.returncode, ended.stderr


def test_without_an_identity_it_says_what_to_set(tmp_path: Path) -> None:
    code, line = refusal(tmp_path)
    assert code == 2
    assert line.startswith("GOFER_IDENTITY: ")
    assert "`dev`" in line
    assert not (tmp_path / "volume").exists()


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.1"])
def test_dev_identity_is_for_loopback_only(tmp_path: Path, address: str) -> None:
    code, line = refusal(tmp_path, GOFER_IDENTITY="dev", GOFER_ADDRESS=address)
    assert code == 2
    assert line.startswith("GOFER_ADDRESS: ")


def test_a_bad_setting_is_one_line_without_its_value(tmp_path: Path) -> None:
    code, line = refusal(tmp_path, GOFER_IDENTITY="dev", GOFER_MAX_BODY_BYTES="hunter2")
    assert code == 2
    assert line.startswith("GOFER_MAX_BODY_BYTES: ")
    assert "hunter2" not in line


def test_a_bad_course_config_is_one_line_with_file_and_key(tmp_path: Path) -> None:
    config = tmp_path / "courses.toml"
    config.write_text("[courses.demo101]\nmemmory = '1g'\n[courses.demo101.sections]\n")
    code, line = refusal(tmp_path, GOFER_IDENTITY="dev", COURSE_CONFIG_PATH=str(config))
    assert code == 2
    assert line == f"{config}: courses.demo101.memmory: there is no such key\n"


def test_a_volume_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "volume").write_text("a file")
    code, line = refusal(tmp_path, GOFER_IDENTITY="dev")
    assert code == 1
    assert line.startswith("VOLUME_PATH: ")


def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, line = refusal(tmp_path, GOFER_IDENTITY="dev", GOFER_PORT=port)
    assert code == 1
    assert line.startswith("GOFER_ADDRESS, GOFER_PORT: ")
    assert port in line


def test_it_tells_its_url_and_that_dev_believes_anyone(start: Callable[..., Server]) -> None:
    server = start(JUPYTERHUB_SERVICE_PREFIX="/services/other")
    line = server.logged("listening")
    assert line["url"] == f"http://127.0.0.1:{server.port}/services/other/"
    assert line["assignments"] == 2
    warning = server.logged("identity.dev")
    assert warning["level"] == "warning"
    assert "ANYONE" in warning["message"]
    assert server.get("healthz").status_code == 200
    assert server.stop() == 0
