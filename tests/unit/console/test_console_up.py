"""Which commands `gofer up` runs, and what its exit code says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from gofer_console import up
from shared.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def test_the_procfiles_python_is_the_one_that_has_gofer(tmp_path: Path) -> None:
    procfile = tmp_path / "Procfile"
    procfile.write_text("server: python -m a.b\nother: ./run --python x\n", "utf-8")
    assert up.commands(procfile, "/opt/my env/bin/python") == {
        "server": "exec '/opt/my env/bin/python' -m a.b",
        "other": "./run --python x",
    }


def test_without_a_procfile_the_same_processes_run(tmp_path: Path) -> None:
    installed = up.commands(tmp_path / "Procfile", "py")
    assert installed == up.commands(up.project_root() / "Procfile", "py")
    assert list(installed) == ["server", "grader", "console"]


def test_a_process_can_be_left_out(tmp_path: Path) -> None:
    found = up.commands(tmp_path / "Procfile", "/venv/bin/python", without=["console"])
    assert list(found) == ["server", "grader"]


@pytest.mark.parametrize(
    ("without", "said"),
    [
        (["consol"], "There is no process consol to leave out: there are server, grader, console."),
        (["server", "grader", "console"], "Nothing is left to run."),
    ],
)
def test_what_cannot_be_left_out_is_said(tmp_path: Path, without: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        up.commands(tmp_path / "Procfile", without=without)


def test_a_procfile_that_names_no_process_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("# nothing\n", "utf-8")
    with pytest.raises(ConfigError, match="names no process"):
        up.commands(tmp_path / "Procfile")


@pytest.mark.parametrize(
    ("returncode", "expected"), [(0, 0), (2, 2), (130, 0), (143, 0), (-9, 137), (None, 1)]
)
def test_a_stop_that_was_asked_for_is_a_success(returncode: int | None, expected: int) -> None:
    assert up.exit_code(returncode) == expected
