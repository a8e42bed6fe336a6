import io
import json
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import nbformat
import pytest

from shared.catalogue import Catalogue, Defaults, load_catalogue
from shared.model import AssignmentKey, Verdict, opaque_name

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
COURSE = EXAMPLES / "demo101"
MADE_FOLDERS = ("autograders", "solutions", "student", "submissions")
NOTEBOOKS = sorted(COURSE.rglob("*.ipynb"))
ASSIGNMENTS = ("hw02", "lab01")


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLES / script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)


def made_files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for made in MADE_FOLDERS
        for path in (folder / made).rglob("*")
        if path.is_file()
    }


def read_notebook(path: Path) -> dict[str, Any]:
    notebook: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return notebook


def code_of(notebook: dict[str, Any]) -> str:
    cells = (cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    return "\n".join("".join(cell["source"]) for cell in cells)


@pytest.fixture(scope="module")
def expected() -> list[dict[str, Any]]:
    samples: list[dict[str, Any]] = tomllib.loads((COURSE / "expected.toml").read_text("utf-8"))[
        "submissions"
    ]
    return samples


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return load_catalogue(
        course_config=COURSE / "course.toml",
        autograders=tmp_path_factory.mktemp("no_autograders"),
        defaults=Defaults(),
        course=None,
    )


def test_making_the_examples_again_gives_the_committed_bytes(tmp_path: Path) -> None:
    first = run("make_examples.py", "--into", str(tmp_path))

    assert first.returncode == 0, first.stderr
    made, committed = made_files(tmp_path), made_files(COURSE)
    assert made.keys() == committed.keys()
    assert [name for name in made if made[name] != committed[name]] == []


def test_making_the_examples_twice_changes_nothing_and_removes_strangers(tmp_path: Path) -> None:
    for name, data in made_files(COURSE).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    (tmp_path / "submissions" / "of_last_year.ipynb").write_text("{}")

    again = run("make_examples.py", "--into", str(tmp_path))

    assert again.returncode == 0, again.stderr
    assert again.stdout.splitlines() == [
        "removed submissions/of_last_year.ipynb",
        "The sample course is up to date (1 files changed).",
    ]
    assert made_files(tmp_path) == made_files(COURSE)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_valid(path: Path) -> None:
    nbformat.validate(read_notebook(path))


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_handed_out_notebook_can_be_submitted_as_it_is(assignment: str) -> None:
    metadata = read_notebook(COURSE / "student" / f"{assignment}.ipynb")["metadata"]

    assert (metadata["course"], metadata["section"], metadata["assignment"]) == (
        "demo101",
        "1",
        assignment,
    )


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_handed_out_notebook_has_no_answers_and_no_hidden_tests(assignment: str) -> None:
    notebook = read_notebook(COURSE / "student" / f"{assignment}.ipynb")
    metadata = json.dumps(notebook["metadata"])

    assert "SOLUTION" not in code_of(notebook)
    assert '"hidden": true' not in metadata
    assert "hidden=True" not in metadata


@pytest.mark.parametrize(
    ("assignment", "questions", "data"),
    [("lab01", 5, []), ("hw02", 4, ["files/tree_survey.csv"])],
)
def test_zip_holds_tests_config_and_data(assignment: str, questions: int, data: list[str]) -> None:
    path = COURSE / "autograders" / assignment / "autograder.zip"
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        names = archive.namelist()
        tests = [archive.read(name) for name in names if name.startswith("tests/")]
        config = json.loads(archive.read("otter_config.json"))

    assert len(tests) == questions
    assert any(b"'hidden': True" in test or b"hidden=True" in test for test in tests)
    assert any(b"'hidden': False" in test or b"hidden=False" in test for test in tests)
    assert config["lang"] == "python"
    assert [name for name in names if name.startswith("files/")] == data
    assert names == sorted(names)


def test_every_sample_has_an_expectation_and_a_source(expected: list[dict[str, Any]]) -> None:
    sources = tomllib.loads((COURSE / "source" / "submissions.toml").read_text("utf-8"))
    files = {f"submissions/{path.name}" for path in (COURSE / "submissions").iterdir()}

    assert {sample["file"] for sample in expected} == files
    assert {f"submissions/{entry['file']}" for entry in sources["submissions"]} == files
    assert len(expected) == len(files) >= 10


def test_every_expectation_is_for_an_assignment_of_the_course_config(
    expected: list[dict[str, Any]], catalogue: Catalogue
) -> None:
    assert {sample["assignment"] for sample in expected} == set(ASSIGNMENTS)
    for sample in expected:
        assignment = catalogue.find(AssignmentKey("demo101", "1", sample["assignment"]))
        assert assignment.autograder_zip.is_file()
        assert assignment.solution is not None
        assert assignment.solution.is_file()


def test_expectations_make_sense(expected: list[dict[str, Any]]) -> None:
    for sample in expected:
        verdict = Verdict(sample["verdict"])
        assert opaque_name(sample["student"]) == sample["student"]
        assert ("score" in sample) == ("points_possible" in sample) == verdict.has_score
        for also_right in sample.get("process", {}).get("any_of", []):
            Verdict(also_right)
    assert {sample["verdict"] for sample in expected} == {"graded", "timed_out", "out_of_memory"}


def test_expected_scores_are_otters_own() -> None:
    graded = run(
        "grade_examples.py",
        "partly_right.ipynb",
        "name_used_again.ipynb",
        "hw02_partly_right.ipynb",
    )

    assert graded.returncode == 0, graded.stdout + graded.stderr
