"""What a zip asks to be installed, next to what is installed here."""

from __future__ import annotations

import io
import zipfile
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pytest

from gofer_ingest.grader.harness.grading import as_json
from gofer_ingest.grader.harness.inspection import inspect
from gofer_ingest.grader.results import read_spec
from shared.model import Sha256
from tests.support.zips import ok_test

if TYPE_CHECKING:
    from pathlib import Path

HERE = f"packaging=={metadata.version('packaging')}"
NOWHERE = "gofer-demo-package"
OTTERS_OWN = """
name: otter-env
channels: [defaults, conda-forge]
dependencies:
  - python=3.12
  - pip
  - git>=2
  - pip:
    - otter-grader[grading]==7.0.0
    - packaging>=1
    - gofer-demo-package==2.*
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "inspected"


def found_in(folder: Path, name: str, content: str | bytes) -> dict[str, Any]:
    """What inspecting a zip with this file beside its test finds."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("tests/q1.py", ok_test("q1", "x"))
        archive.writestr(name, content)
    found = inspect(buffer.getvalue(), folder)
    read_spec(as_json(found), Sha256("0" * 64))
    return found


def required(folder: Path, *lines: str) -> dict[str, Any]:
    return found_in(folder, "requirements.txt", "\n".join(lines))


@pytest.mark.parametrize(
    "line", ["packaging", "packaging>=1", "Packaging", HERE, f"  {HERE}  # for versions"]
)
def test_what_is_installed_is_not_missing(folder: Path, line: str) -> None:
    found = required(folder, line)
    assert len(found["requirements"]) == 1
    assert found["missing"] == []
    assert found["problems"] == []


@pytest.mark.parametrize("line", [NOWHERE, f"{NOWHERE}[extra]>=2", "packaging<1"])
def test_what_is_not_installed_or_of_another_version_is_missing(folder: Path, line: str) -> None:
    found = required(folder, line, "packaging")
    assert found["missing"] == [line]
    assert found["requirements"] == [line, "packaging"]


@pytest.mark.parametrize(
    "line",
    [
        f'{NOWHERE}; python_version < "3"',
        f'{NOWHERE}; sys_platform == "win32"',
        f'{NOWHERE}; extra == "docs"',
    ],
)
def test_a_requirement_for_somewhere_else_is_not_one(folder: Path, line: str) -> None:
    found = required(folder, line)
    assert (found["requirements"], found["missing"], found["problems"]) == ([], [], [])


@pytest.mark.parametrize(
    "line",
    [
        "not a requirement",
        "-r others.txt",
        "--index-url x",
        "numpy >> 1",
        "git+https://x/y",
        f'{NOWHERE}; os_name ~= "posix"',
    ],
)
def test_a_line_that_is_no_requirement_is_a_problem_that_quotes_it(folder: Path, line: str) -> None:
    found = required(folder, line)
    assert len(found["problems"]) == 1
    assert repr(line) in found["problems"][0]


def test_empty_lines_and_comments_are_passed_over(folder: Path) -> None:
    found = required(folder, "", "   ", "# numpy", "\t# pandas")
    assert (found["requirements"], found["problems"]) == ([], [])


@pytest.mark.parametrize("line", ["otter-grader", "otter_grader>=7", "Otter-Grader[grading]>=7"])
def test_otter_itself_is_never_required(folder: Path, line: str) -> None:
    found = required(folder, line)
    assert (found["requirements"], found["missing"], found["notes"]) == ([], [], [])


def test_an_otter_of_another_version_is_noted_and_stops_nothing(folder: Path) -> None:
    found = required(folder, "otter-grader==6.1.3")
    assert (found["missing"], found["problems"]) == ([], [])
    assert len(found["notes"]) == 1
    assert "6.1.3" in found["notes"][0]


# --- environment.yml ------------------------------------------------------------------------------


def test_of_an_environment_the_pip_part_counts_and_condas_is_noted(folder: Path) -> None:
    found = found_in(folder, "environment.yml", OTTERS_OWN)
    assert found["requirements"] == ["packaging>=1", "gofer-demo-package==2.*"]
    assert found["missing"] == ["gofer-demo-package==2.*"]
    assert [note.split()[1] for note in found["notes"]] == ["git>=2"]
    assert found["problems"] == []


@pytest.mark.parametrize(
    "content",
    ["", "name: otter-env", "dependencies:", "dependencies: []", "dependencies:\n- pip:"],
    ids=repr,
)
def test_an_environment_that_asks_for_nothing_is_no_problem(folder: Path, content: str) -> None:
    found = found_in(folder, "environment.yml", content)
    assert (found["requirements"], found["problems"]) == ([], [])


@pytest.mark.parametrize(
    "content",
    [
        b"dependencies: {",
        b"- numpy",
        b"numpy",
        b"dependencies: numpy",
        b"dependencies: [3]",
        b"dependencies:\n- pip: numpy",
        b"\xff\xfe",
        b"!!python/object/apply:os.system [exit]",
        b"[" * 500,
    ],
    ids=lambda content: ascii(content[:40]),
)
def test_an_environment_that_cannot_be_read_is_a_problem(folder: Path, content: bytes) -> None:
    found = found_in(folder, "environment.yml", content)
    assert len(found["problems"]) == 1
    assert "environment.yml cannot be read" in found["problems"][0]


def test_requirements_that_are_no_text_are_a_problem(folder: Path) -> None:
    found = found_in(folder, "requirements.txt", b"\xff\xfe")
    assert len(found["problems"]) == 1
    assert "requirements.txt cannot be read" in found["problems"][0]
