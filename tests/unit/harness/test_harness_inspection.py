from __future__ import annotations

import io
import json
import math
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from gofer_ingest.grader.harness.grading import as_json
from gofer_ingest.grader.harness.inspection import inspect
from gofer_ingest.grader.results import read_spec
from shared.model import AutograderSpec, QuestionSpec, Sha256
from tests.support.zips import autograder_zip, ok_test

if TYPE_CHECKING:
    from pathlib import Path

ONE = {"q1": ok_test("q1", "total == 5")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "inspected"


def spec_of(zipped: bytes, folder: Path) -> AutograderSpec:
    """The spec as the host reads it: whatever the zip holds, it must be readable."""
    return read_spec(as_json(inspect(zipped, folder)), Sha256("0" * 64))


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def with_points(points: object, case_points: object = None) -> str:
    case = {"code": ">>> True\nTrue", "hidden": False, "points": case_points}
    test = {"name": "q1", "points": points, "suites": [{"cases": [case]}]}
    return f"OK_FORMAT = True\nnan, inf = float('nan'), float('inf')\ntest = {test!r}\n"


# --- questions ------------------------------------------------------------------------------------


def test_questions_are_found_in_the_order_of_their_files(folder: Path) -> None:
    spec = spec_of(
        autograder_zip(
            {
                "q2": ok_test("q2", "b", points=3.0, hidden=True),
                "q1": ok_test("q1", "a", "c", points=2.0),
                "q10": ok_test("q10", "d", points=0.0),
            }
        ),
        folder,
    )
    assert spec.questions == (
        QuestionSpec("q1", 2.0, hidden=False),
        QuestionSpec("q10", 0.0, hidden=False),
        QuestionSpec("q2", 3.0, hidden=True),
    )
    assert spec.points_possible == 5.0
    assert spec.score_threshold is None
    assert spec.is_usable
    assert spec.otter_version.startswith("7.")


def test_points_of_test_cases_are_added_up_as_otter_does(folder: Path) -> None:
    spec = spec_of(autograder_zip({"q1": with_points(None, 0.75)}), folder)
    assert spec.questions == (QuestionSpec("q1", 0.75, hidden=False),)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("OK_FORMAT = True\ntest = {", "SyntaxError"),
        ("OK_FORMAT = True\ntest = {}", "AssertionError"),
        ("test = {}", "OK_FORMAT"),
        ("raise SystemExit(0)", "SystemExit"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("import a_module_that_nobody_has", "a_module_that_nobody_has"),
        ("OK_FORMAT = False\nname = 3", "name"),
        (with_points(math.nan), "nan points"),
        (with_points(math.inf), "inf points"),
        (with_points(None, -1), "-1.0 points"),
        (with_points("many"), "TypeError"),
        (ok_test("", "x"), "name"),
        (ok_test("q" * 2000, "x"), "name"),
        ("OK_FORMAT = False\nname = ['q1']\npoints = 1", "name"),
    ],
    ids=lambda value: value[:40],
)
def test_a_broken_test_file_is_a_problem_that_names_it(
    folder: Path, source: str, said: str
) -> None:
    spec = spec_of(autograder_zip({"q0": ok_test("q0", "x"), "broken": source}), folder)
    assert not spec.is_usable
    assert len(spec.problems) == 1
    assert "tests/broken.py" in spec.problems[0]
    assert said in spec.problems[0]
    assert [question.name for question in spec.questions] == ["q0"]


def test_every_broken_file_is_named(folder: Path) -> None:
    spec = spec_of(autograder_zip({"q1": "1 /", "q2": "2 /", "q3": ok_test("q3", "x")}), folder)
    assert [problem.split()[0] for problem in spec.problems] == ["tests/q1.py", "tests/q2.py"]


def test_a_name_that_no_database_need_hold_is_a_problem(folder: Path) -> None:
    (problem,) = spec_of(autograder_zip({"q1": ok_test("q\0", "a")}), folder).problems
    assert "U+0000" in problem


def test_two_questions_of_one_name_are_a_problem(folder: Path) -> None:
    spec = spec_of(autograder_zip({"q1": ok_test("same", "x"), "q2": ok_test("same", "y")}), folder)
    assert len(spec.problems) == 1
    assert "same" in spec.problems[0]
    assert "q2.py" in spec.problems[0]


def test_points_that_no_number_holds_together_are_a_problem(folder: Path) -> None:
    huge = {name: ok_test(name, "x", points=1.5e308) for name in ("q1", "q2")}
    spec = spec_of(autograder_zip(huge), folder)
    assert len(spec.problems) == 2


@pytest.mark.parametrize(
    "files", [{}, {"tests/readme.txt": b""}, {"q1.py": ONE["q1"].encode()}], ids=repr
)
def test_a_zip_without_tests_is_a_problem(folder: Path, files: dict[str, bytes]) -> None:
    assert "no test files" in spec_of(zipped({"run": b"", **files}), folder).problems[0]


@pytest.mark.parametrize("data", [b"", b"not a zip", zipped({"../evil.py": b""})])
def test_what_cannot_be_unpacked_is_a_problem(folder: Path, data: bytes) -> None:
    spec = spec_of(data, folder)
    assert len(spec.problems) == 1
    assert spec.problems[0].startswith("The zip cannot be used")


# --- otter_config.json ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "points_possible", "threshold"),
    [
        ({}, 1.0, None),
        ({"points_possible": None, "score_threshold": None}, 1.0, None),
        ({"points_possible": 100}, 100.0, None),
        ({"points_possible": 0}, 0.0, None),
        ({"points_possible": 2.5, "score_threshold": 0.7}, 2.5, 0.7),
        ({"score_threshold": 1}, 1.0, 1.0),
    ],
    ids=repr,
)
def test_the_rules_of_the_config_are_taken_over(
    folder: Path, config: dict[str, Any], points_possible: float, threshold: float | None
) -> None:
    spec = spec_of(autograder_zip(ONE, config), folder)
    assert (spec.points_possible, spec.score_threshold) == (points_possible, threshold)
    assert spec.is_usable


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"lang": "r"}, "'r'"),
        ({"lang": "julia"}, "otter_config.json"),
        ({"grade_from_log": True}, "log"),
        ({"points_possible": "ten"}, "points_possible"),
        ({"points_possible": -1}, "points_possible"),
        ({"points_possible": math.nan}, "points_possible"),
        ({"points_possible": math.inf}, "points_possible"),
        ({"points_possible": True}, "points_possible"),
        ({"points_possible": [10]}, "points_possible"),
        ({"points_possible": 10**400}, "points_possible"),
        ({"score_threshold": "0.7"}, "score_threshold"),
        ({"score_threshold": math.nan}, "score_threshold"),
        ({"plugins": "course.Dates"}, "plugins"),
        ({"plugins": None}, "plugins"),
        ({"plugins": [3]}, "plugins"),
        ({"plugins": [{}]}, "plugins"),
    ],
    ids=repr,
)
def test_a_config_that_cannot_be_followed_is_a_problem_that_says_which_part(
    folder: Path, config: dict[str, Any], said: str
) -> None:
    spec = spec_of(autograder_zip(ONE, config), folder)
    assert len(spec.problems) == 1
    assert said in spec.problems[0]


@pytest.mark.parametrize("config", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_config_that_cannot_be_read_is_a_problem(folder: Path, config: bytes) -> None:
    data = zipped({"tests/q1.py": ONE["q1"].encode(), "otter_config.json": config})
    problems = spec_of(data, folder).problems
    assert len(problems) == 1
    assert "otter_config.json cannot be read" in problems[0]


def test_plugins_are_named(folder: Path) -> None:
    config = {"plugins": ["course.Dates", {"course.Sheets": {"key": 1}}]}
    assert spec_of(autograder_zip(ONE, config), folder).plugins == ("course.Dates", "course.Sheets")


@pytest.mark.parametrize("config", [{"pdf": True}, {"token": "sesame-open"}])
def test_what_is_not_made_is_noted_and_no_token_is_repeated(
    folder: Path, config: dict[str, Any]
) -> None:
    spec = spec_of(autograder_zip(ONE, config), folder)
    assert spec.is_usable
    assert "Gradescope" in spec.notes[0]
    assert "sesame" not in json.dumps(inspect(autograder_zip(ONE, config), folder / "again"))
