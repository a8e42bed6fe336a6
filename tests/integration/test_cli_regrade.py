"""`gofer regrade`, with the real harness: started, watched, shown, applied and cancelled."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from gofer_console.grader_side import Health
from gofer_console.old_zips import check_old_zips
from shared.config import ConsoleSettings, read_settings
from shared.gradebook.engine import open_gradebook, open_reader
from shared.gradebook.regrades.progress import regrades
from shared.model import QuestionScore
from shared.spool import Spool
from tests.support.commands import run_gofer
from tests.support.delivered import RIGHT, deliver, small_course, zip_path
from tests.support.processes import LoggedProcess, wait_until
from tests.support.zips import autograder_zip, notebook, ok_test
from tests.unit.shared.gradebook_samples import graded, record, sql

if TYPE_CHECKING:
    from pathlib import Path

WRONG = notebook("total = 6", metadata={"course": "c", "section": "1", "assignment": "lab01"})
MENDED = autograder_zip({"q1": ok_test("q1", "total in {5, 6}", points=2.0)})
LONG_S = 300.0
"""A notebook takes a second, and on a busy machine half a minute."""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A course whose test was wrong: ada has her points, bob and =cyd have none."""
    made = small_course(tmp_path, GOFER_SANDBOX="process")
    volume = tmp_path / "volume"
    engine = open_gradebook(volume)
    spool = Spool(volume)
    for student, content, points in (
        ("ada", RIGHT, 2.0),
        ("bob", WRONG, 0.0),
        ("=cyd", WRONG, 0.0),
    ):
        submission_id = deliver(volume, student, content)
        envelope = spool.read(submission_id).envelope
        result = replace(graded(points, 2.0), questions=(QuestionScore("q1", points, 2.0),))
        record(engine, envelope, result)
        spool.settle(submission_id)
    engine.dispose()
    zip_path(tmp_path).write_bytes(MENDED)
    return made


def gofer(environment: dict[str, str], *words: str) -> Any:
    """Run a command of `gofer regrade` that prints JSON."""
    done = run_gofer(environment, "regrade", *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def grades(environment: dict[str, str], *words: str) -> dict[str, float]:
    rows = json.loads(run_gofer(environment, "grades", "list", "--json", *words).stdout)
    return {row["student"]: row["score"] for row in rows}


def states(volume: Path) -> list[str]:
    engine = open_reader(volume)
    assert engine is not None
    try:
        return [one.state for one in regrades(engine)]
    finally:
        engine.dispose()


def start(environment: dict[str, str], *words: str) -> None:
    done = run_gofer(environment, "regrade", "start", "lab01", "--why", "6 is right too", *words)
    assert done.returncode == 0, done.stderr


def test_a_regrade_from_its_start_to_the_grades(environment: dict[str, str]) -> None:
    with LoggedProcess("gofer_ingest.grader", environment) as grader:
        grader.logged("started")
        done = run_gofer(
            environment, "regrade", "start", "c/1/lab01", "--old-zip", "--why", "6 is right too"
        )
        assert done.returncode == 0, done.stderr
        assert "3 submissions of 3 students" in done.stderr
        (listed,) = gofer(environment, "list")
        shown = run_gofer(
            environment, "regrade", "show", listed["id"][-8:], "--watch", within_s=LONG_S
        )
        assert shown.returncode == 0, shown.stderr
        assert "2 grades would move: 2 up, 0 down. 1 stay as they are." in shown.stdout
        assert "q1 0 to 2" in shown.stdout
        assert grades(environment) == {"ada": 2.0, "bob": 0.0, "=cyd": 0.0}
        found = gofer(environment, "show", listed["id"])
        assert f"--shown {found['fingerprint']}" in shown.stderr
        assert found["state"] == "ready"
        applied = run_gofer(
            environment,
            *("regrade", "apply", listed["id"], "--shown", found["fingerprint"]),
            *("--why", "agreed"),
        )
        assert applied.returncode == 0, applied.stderr
        assert "2 grades moved, 1 stayed" in applied.stderr
    assert grades(environment) == {"ada": 2.0, "bob": 2.0, "=cyd": 2.0}
    (listed,) = gofer(environment, "list")
    assert (listed["state"], listed["regraded"], listed["left"]) == ("applied", 3, 0)
    after = run_gofer(environment, "regrade", "show", listed["id"])
    assert "2 grades moved" in after.stdout


def test_all_can_be_asked_for_and_looked_at_while_the_grader_is_down(
    environment: dict[str, str], tmp_path: Path
) -> None:
    start(environment, "--student", "bob")
    with LoggedProcess("gofer_ingest.grader", environment) as grader:
        wait_until(lambda: states(tmp_path / "volume") == ["ready"], LONG_S)
        grader.stop()
    (listed,) = gofer(environment, "list")
    as_csv = run_gofer(environment, "regrade", "show", listed["id"], "--csv")
    (row,) = csv.DictReader(io.StringIO(as_csv.stdout))
    assert (row["student"], row["effect"], row["change"]) == ("bob", "moves", "2.0")
    refused = run_gofer(environment, "regrade", "apply", listed["id"], "--why", "")
    assert refused.returncode == 1
    assert "--shown" in refused.stderr
    asked = run_gofer(environment, "regrade", "apply", listed["id"], "--yes", "--why", "agreed")
    assert "the grader does it when it runs" in asked.stderr
    assert grades(environment)["bob"] == 0.0
    with LoggedProcess("gofer_ingest.grader", environment) as grader:
        grader.logged("request_done", request="regrade_apply")
        grader.stop()
    assert grades(environment)["bob"] == 2.0
    again = run_gofer(environment, "regrade", "cancel", listed["id"], "--why", "")
    assert "the grader does it when it runs" in again.stderr


def test_grades_of_an_old_zip_are_listed_and_told_by_the_doctor(
    environment: dict[str, str], tmp_path: Path
) -> None:
    assert set(grades(environment, "--old-zip")) == {"ada", "bob", "=cyd"}
    said = run_gofer(environment, "doctor", "--json")
    found = {check["name"]: check for check in json.loads(said.stdout)["checks"]}
    assert found["old zips"]["status"] == "warning"
    assert "c/1/lab01: 3" in found["old zips"]["message"]
    engine = open_gradebook(tmp_path / "volume")
    present = hashlib.sha256(MENDED).hexdigest()
    sql(engine, f"UPDATE grading_runs SET autograder_sha256 = '{present}'")
    engine.dispose()
    assert grades(environment, "--old-zip") == {}
    (check,) = check_old_zips(console_settings(environment))
    assert check.status is Health.OK


def console_settings(environment: dict[str, str]) -> ConsoleSettings:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        return read_settings(ConsoleSettings)


def test_what_is_not_there_is_said_in_words(environment: dict[str, str], tmp_path: Path) -> None:
    for words, told in (
        (("start", "lab02", "--why", "x"), "no assignment 'lab02'"),
        (("start", "lab01", "--why", "x", "--best", "--failed"), "Take one of"),
        (("start", "lab01", "--why", "x", "--student", "a\nb"), "cannot be a name"),
        (("show", "abcd"), "No regrade has"),
        (("apply", "abcd", "--why", "x"), "No regrade has"),
        (("cancel", "abcd", "--why", "x"), "No regrade has"),
    ):
        done = run_gofer(environment, "regrade", *words)
        assert (done.returncode, told in done.stderr) == (1, True), done.stderr
    done = run_gofer(environment, "regrade", "list")
    assert (done.returncode, done.stdout) == (0, "")
    assert "There is no regrade" in done.stderr
    empty = environment | {"VOLUME_PATH": str(tmp_path / "empty")}
    assert "no gradebook yet" in run_gofer(empty, "regrade", "list").stderr
