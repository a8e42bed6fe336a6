"""`gofer flags`: staff see runs that are worth a look, and let those count that are held."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gofer_console import flags
from shared.errors import GoferError
from shared.gradebook.engine import open_gradebook
from shared.gradebook.flagged import FlaggedRun, flagged_runs
from tests.support.commands import run_gofer
from tests.support.processes import LoggedProcess
from tests.support.zips import autograder_zip, ok_test
from tests.unit.shared.gradebook_samples import graded, record, submitted

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A volume with an honest run, an odd one and two that are held."""
    folder = tmp_path / "autograders" / "lab" / "fa26" / "lab01"
    folder.mkdir(parents=True)
    (folder / "autograder.zip").write_bytes(autograder_zip({"q1": ok_test("q1", "True")}))
    engine = open_gradebook(tmp_path / "volume")
    record(engine, submitted("ada"), graded(2.0))
    odd = replace(graded(3.0), flags=frozenset({"suspicious_source"}), staff_text="Cell 1 names x.")
    record(engine, submitted("bob"), odd)
    for student in ("cyd", "dee"):
        held = replace(graded(9.0), flags=frozenset({"tampered"}), staff_text="\x1b[31mChanged.")
        record(engine, submitted(student), held)
    engine.dispose()
    return {
        "VOLUME_PATH": str(tmp_path / "volume"),
        "GOFER_AUTOGRADERS": str(tmp_path / "autograders"),
        "GOFER_COURSE": "demo101",
        "GOFER_SANDBOX": "process",
    }


def held(tmp_path: Path) -> list[FlaggedRun]:
    engine = open_gradebook(tmp_path / "volume")
    runs = [run for run in flagged_runs(engine) if run.is_held]
    engine.dispose()
    return runs


def test_the_list_tells_who_what_and_whether_it_counts(environment: dict[str, str]) -> None:
    done = run_gofer(environment, "flags", "list")
    assert done.returncode == 0, done.stderr
    assert "ada" not in done.stdout
    for student, counts in (("bob", "yes"), ("cyd", "held")):
        (line,) = (line for line in done.stdout.splitlines() if student in line)
        assert counts in line.split()
    assert "\x1b" not in done.stdout
    rows = json.loads(run_gofer(environment, "flags", "list", "--json").stdout)
    assert [(row["student"], row["is_held"]) for row in rows] == [
        ("bob", False),
        ("cyd", True),
        ("dee", True),
    ]


def test_grades_show_flags_and_leave_out_what_is_held(environment: dict[str, str]) -> None:
    done = run_gofer(environment, "grades", "list")
    assert "suspicious_source" in done.stdout
    assert "cyd" not in done.stdout


def test_a_run_that_is_accepted_counts(environment: dict[str, str], tmp_path: Path) -> None:
    cyd, dee = held(tmp_path)
    with LoggedProcess("gofer_ingest.grader", environment) as grader:
        grader.logged("started")
        done = run_gofer(
            environment, "flags", "accept", cyd.submission_id[-8:], "--why", "Their own library."
        )
    assert done.returncode == 0, done.stderr
    assert "counts from now on" in done.stderr
    assert held(tmp_path) == [dee]
    (row,) = json.loads(
        run_gofer(environment, "grades", "list", "--student", "cyd", "--json").stdout
    )
    assert (row["score"], row["flags"]) == (9.0, "tampered")


def test_only_what_is_held_can_be_named(environment: dict[str, str], tmp_path: Path) -> None:
    engine = open_gradebook(tmp_path / "volume")
    runs = flagged_runs(engine)
    engine.dispose()
    bob, cyd, dee = runs
    assert flags.chosen(runs, [cyd.submission_id, cyd.submission_id[-8:]]) == [cyd]
    assert flags.chosen(runs, [cyd.submission_id, dee.submission_id]) == [cyd, dee]
    with pytest.raises(GoferError, match="No submission that is held"):
        flags.chosen(runs, [bob.submission_id])
    with pytest.raises(GoferError, match="Several"):
        flags.chosen(runs, [""])


def test_an_empty_volume_says_so(tmp_path: Path) -> None:
    done = run_gofer({"VOLUME_PATH": str(tmp_path)}, "flags", "list")
    assert (done.returncode, done.stdout) == (0, "")
    assert "no gradebook yet" in done.stderr
