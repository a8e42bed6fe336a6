"""`gofer override`, `extend`, `show` and `grades recompute`, against a grader that works."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from gofer_console.cli import app
from shared.grade_policy import GradePolicy
from shared.gradebook.engine import open_gradebook
from shared.gradebook.staff_decisions import record_override
from shared.model import Score
from shared.requests import OverridePayload
from tests.support.commands import run_gofer
from tests.support.posting_room import asked
from tests.support.processes import LoggedProcess
from tests.support.zips import autograder_zip, ok_test
from tests.unit.shared.gradebook_samples import graded, record, submitted

if TYPE_CHECKING:
    from typer.testing import Result

RULES = """
[courses.demo101]
timezone = "UTC"
late = { percent = 10 }
[courses.demo101.sections.fa26.assignments.lab01]
autograder = "lab01.zip"
due = 2026-09-01T12:30:00
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Ada in time; ben late, and not yet by the rules that are written down."""
    (tmp_path / "courses.toml").write_text(RULES)
    (tmp_path / "lab01.zip").write_bytes(autograder_zip({"q1": ok_test("q1", "True")}))
    engine = open_gradebook(tmp_path / "volume")
    record(engine, submitted("ada"), graded(7.0))
    record(engine, submitted("ben", minutes=45), graded(10.0))
    engine.dispose()
    return {
        "VOLUME_PATH": str(tmp_path / "volume"),
        "GOFER_AUTOGRADERS": str(tmp_path),
        "COURSE_CONFIG_PATH": str(tmp_path / "courses.toml"),
        "GOFER_SANDBOX": "process",
    }


def scores(environment: dict[str, str]) -> dict[str, float]:
    rows = json.loads(run_gofer(environment, "grades", "list", "--json").stdout)
    return {row["student"]: row["score"] for row in rows}


def test_staff_decide_and_the_story_of_a_grade_tells_it(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with LoggedProcess("gofer_ingest.grader", environment) as grader:
        told = grader.logged("grades_outdated")
        assert (told["assignment"], told["would_move"]) == ("demo101/fa26/lab01", 1)
        done = run_gofer(environment, "grades", "recompute", "--dry-run")
        assert "10.00 of 10" in done.stdout
        assert "9.00 of 10" in done.stdout
        assert scores(environment) == {"ada": 7.0, "ben": 10.0}
        done = run_gofer(environment, "grades", "recompute", "--why", "New rules.")
        assert done.returncode == 0, done.stderr
        assert "1 grade changed" in done.stderr
        assert scores(environment) == {"ada": 7.0, "ben": 9.0}

        done = run_gofer(
            environment, "override", "lab01", "ada", "--score", "8.5", "--comment", "Ambiguous."
        )
        assert done.returncode == 0, done.stderr
        assert "8.5 of 10 counts from now on" in done.stderr

        extensions = tmp_path / "extensions.csv"
        extensions.write_text(
            "student,course,section,assignment,until\n"
            "ben,demo101,fa26,lab01,2026-09-02T12:00:00+02:00\n"
        )
        done = run_gofer(environment, "extend", "--csv", str(extensions), "--why", "Ill.")
        assert done.returncode == 0, done.stderr
        assert scores(environment) == {"ada": 8.5, "ben": 10.0}

    rows = json.loads(run_gofer(environment, "grades", "list", "--json").stdout)
    of_ben = next(row["submission_id"] for row in rows if row["student"] == "ben")
    shown = run_gofer(environment, "show", of_ben[-8:])
    assert shown.returncode == 0, shown.stderr
    for text in ("makes the grade of record", "0.3 h, -10 %", "Ill.", "q2"):
        assert text in shown.stdout
    story = json.loads(run_gofer(environment, "show", of_ben, "--json").stdout)
    assert [grade["score"]["points"] for grade in story["grades"]] == [10.0, 9.0, 10.0]
    assert [grade["penalty"] for grade in story["grades"]] == [0.0, 0.1, 0.0]


@pytest.mark.parametrize(
    "arguments",
    [
        ("override", "lab01", "ada", "--score", "1"),
        ("publish", "lab01"),
        ("grades", "recompute", "--dry-run"),
        ("regrade", "start", "lab01", "--why", "x"),
        ("batch", "--dry-run", "."),
    ],
)
def test_a_terminal_that_does_not_know_the_course_config_is_told_so(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    settings = {"VOLUME_PATH": str(tmp_path), "GOFER_AUTOGRADERS": str(tmp_path / "none")}
    open_gradebook(tmp_path).dispose()
    done = run_gofer(settings, *arguments)
    assert done.returncode == 1
    assert "COURSE_CONFIG_PATH" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("override", "lab01", "ada"), "Give a --score, or take --restore."),
        (("override", "lab01", "ada", "--score", "1", "--restore"), "Give a --score"),
        (("override", "lab99", "ada", "--score", "1"), "The catalogue has no lab99"),
        (("override", "lab01", " ", "--score", "1"), "student: "),
        (("override", "lab01", "ada", "--score", "inf"), "score: "),
        (("extend", "lab01", "ada", "--why", "x"), "Name ASSIGNMENT, STUDENT and --until"),
        (
            ("extend", "lab01", "ada", "--until", "2026-12-01T10:00:00", "--why", "x"),
            "has no zone",
        ),
        (
            ("extend", "lab01", "ada", "--until", "9999-12-31T23:59:59-08:00", "--why", "x"),
            "the year is too far away",
        ),
        (("extend", "--csv", "/nowhere.csv", "--why", "x"), "cannot be read"),
        (("show", "ffffffff"), "There is no submission whose id ends in 'ffffffff'"),
        (("grades", "recompute"), "Say why with --why"),
    ],
)
def test_what_cannot_be_meant_is_said_and_nothing_is_asked_for(
    environment: dict[str, str], tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = run_gofer(environment, *arguments)
    assert done.returncode == 1
    assert said in done.stderr
    assert not (tmp_path / "volume" / "spool" / "new").exists()


def test_a_grade_of_staffs_without_a_submission_is_listed_and_shown(
    environment: dict[str, str],
) -> None:
    engine = open_gradebook(Path(environment["VOLUME_PATH"]))
    payload = OverridePayload(
        student="eve",
        course="demo101",
        section="fa26",
        assignment="lab01",
        score=4,
        points_possible=10,
        comment="Handed in on paper.",
    )
    record_override(engine, asked(payload), payload, Score(4, 10), GradePolicy(), "Set.")
    engine.dispose()

    def gofer(*arguments: str) -> Result:
        return CliRunner().invoke(app, arguments, env=environment)

    listed = gofer("grades", "list", "--student", "eve")
    assert listed.stdout.splitlines()[1].split()[3:] == ["eve", "4.00", "10.00", "40.0", "staff"]
    shown = gofer("show", "lab01", "eve").stdout
    assert "Submissions with a run: none." in shown
    for text in ("4.00 of 10", "Handed in on paper.", "now", "ta"):
        assert text in shown
    story = json.loads(gofer("show", "demo101/fa26/lab01", "eve", "--json").stdout)
    assert story["submissions"] == []
    assert [grade["score"]["points"] for grade in story["grades"]] == [4.0]
    of_ada = json.loads(gofer("show", "lab01", "ada", "--json").stdout)
    assert len(of_ada["submissions"]) == 1
    for arguments, said in (
        (("show", "lab01", "mal"), "'mal' has no grade for demo101/fa26/lab01"),
        (("show", "lab99", "eve"), "The catalogue has no lab99"),
    ):
        done = gofer(*arguments)
        assert done.exit_code != 0
        assert said in str(done.exception)
