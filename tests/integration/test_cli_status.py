"""`gofer status`, `audit`, `publish`, JSON and completion, with a grader and without."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from gofer_console import status
from gofer_console.queries import opened_gradebook
from shared.config import ConsoleSettings, read_settings
from shared.errors import GradebookError
from shared.gradebook.engine import open_gradebook
from shared.spool import Spool
from tests.support.commands import run_gofer
from tests.support.processes import ROOT, LoggedProcess
from tests.support.zips import autograder_zip, ok_test
from tests.unit.shared.gradebook_samples import graded, record, submitted

RULES = """
[courses.demo101]
timezone = "UTC"
[courses.demo101.sections.fa26.assignments.lab01]
autograder = "lab01.zip"
publish = "manual"
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "courses.toml").write_text(RULES)
    (tmp_path / "lab01.zip").write_bytes(autograder_zip({"q1": ok_test("q1", "True")}))
    engine = open_gradebook(tmp_path / "volume")
    record(engine, submitted("ada"), graded(7.0))
    engine.dispose()
    return {
        "VOLUME_PATH": str(tmp_path / "volume"),
        "GOFER_AUTOGRADERS": str(tmp_path),
        "COURSE_CONFIG_PATH": str(tmp_path / "courses.toml"),
        "GOFER_SANDBOX": "process",
        "USER": "tess",
    }


def test_what_staff_ask_for_is_answered_in_json_and_stands_in_the_audit(
    environment: dict[str, str],
) -> None:
    with LoggedProcess("gofer_ingest.grader", environment) as grader:
        grader.logged("started")
        done = run_gofer(environment, "publish", "lab01", "--why", "All handed in.", "--json")
        assert done.returncode == 0, done.stderr
        (answer,) = json.loads(done.stdout)
        assert (answer["outcome"], answer["message"]) == ("done", "Students see results.")
        done = run_gofer(
            environment, "override", "lab01", "ada", "--score", "8", "--comment", "q2", "--json"
        )
        assert json.loads(done.stdout)[0]["outcome"] == "done"
        done = run_gofer(environment, "override", "lab01", "bob", "--restore", "--json")
        assert done.returncode == 1
        assert json.loads(done.stdout)[0]["outcome"] == "refused"

        found = json.loads(run_gofer(environment, "audit", "--json").stdout)
        assert [one["action"] for one in found] == [
            "override",
            "grade",
            "override",
            "publish",
            "grade",
        ]
        assert found[-2]["why"] == "All handed in."
        assert found[1]["about"] == "ada, demo101/fa26/lab01: 7.00 of 10 → 8.00 of 10"
        shown = run_gofer(environment, "audit", "--action", "override", "--search", "BOB")
        assert "refused" in shown.stdout
        assert "Override a grade" in shown.stdout
        assert "Publish" not in shown.stdout

        done = run_gofer(environment, "status")
        assert done.returncode == 0, done.stdout
        assert "at work" in done.stdout
        stands = json.loads(run_gofer(environment, "status", "--json").stdout)
        assert (stands["is_grader_at_work"], stands["waiting"], stands["failed"]) == (True, 0, 0)
        grader.stop()
    done = run_gofer(environment, "status")
    assert done.returncode == 1
    assert "stopped" in done.stdout


def test_without_a_grader_a_request_waits_and_says_so(
    environment: dict[str, str],
) -> None:
    done = run_gofer(environment, "publish", "lab01")
    assert done.returncode == 1
    assert "Look at VOLUME_PATH" in done.stderr
    Spool(Path(environment["VOLUME_PATH"])).prepare()
    done = run_gofer(environment, "publish", "lab01", "--withhold", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)[0]["outcome"] == "waiting"


def test_an_empty_volume_is_told_about(tmp_path: Path) -> None:
    empty = {"VOLUME_PATH": str(tmp_path), "GOFER_AUTOGRADERS": str(tmp_path)}
    done = run_gofer(empty, "status")
    assert done.returncode == 1
    assert "none has run on this volume yet" in done.stdout
    assert json.loads(run_gofer(empty, "status", "--json").stdout)["waiting"] is None
    done = run_gofer(empty, "audit")
    assert (done.returncode, done.stdout) == (0, "")
    assert "There is no gradebook yet" in done.stderr
    assert json.loads(run_gofer(empty, "audit", "--json").stdout) == []


def test_a_gradebook_that_cannot_be_read_for_a_moment_hides_nothing_else(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unread(*_given: object) -> None:
        raise GradebookError("The gradebook could not be read: the disk is full.")

    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(status, "throughput_since", unread)
    settings = read_settings(ConsoleSettings)
    spool = Spool(settings.volume_path)
    spool.prepare()
    with opened_gradebook(settings.volume_path, settings.database_url) as engine:
        found = status.look(settings, spool, engine)
    assert found.trouble == "The gradebook could not be read: the disk is full."
    assert found.census is not None
    told = io.StringIO()
    Console(file=told, width=200).print(status.as_table(found))
    assert "gradebook   The gradebook could not be read: the disk is full." in told.getvalue()
    assert "0 waiting" in told.getvalue()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("publish", "lab01", "--withhold", "--as-configured"), "Take one of --at"),
        (("publish", "lab01", "--at", "soon"), "--at: 'soon' is no time"),
        (("publish", "lab01", "--at", "2026-12-01T10:00:00"), "has no zone"),
        (("audit", "--action", "polish"), "--action: 'polish' is none. There are: retry"),
        (("audit", "--since", "yesterday"), "--since: write a day"),
        (("audit", "--limit", "9" * 20), "Invalid value for '--limit'"),
        (("audti",), "No such command 'audti'"),
    ],
)
def test_what_cannot_be_meant_is_said_with_exit_code_2(
    environment: dict[str, str], arguments: tuple[str, ...], said: str
) -> None:
    done = run_gofer(environment, *arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_the_shell_completes_commands() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from gofer_console.cli import app; app(prog_name='gofer')"],
        cwd=ROOT,
        env={"_GOFER_COMPLETE": "complete_bash", "COMP_WORDS": "gofer regr", "COMP_CWORD": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.split() == ["regrade"], done.stderr
