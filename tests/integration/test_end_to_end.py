"""A notebook in, a grade out: real server, real grader, real gradebook; kills in between."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from gofer_ingest.grader.engine import connect
from shared.errors import SandboxUnavailable
from shared.gradebook.engine import open_reader
from shared.gradebook.queries import grades_of_record, run_of_submission
from shared.model import SubmissionId
from shared.spool import Place, Spool
from tests.support.processes import ROOT, LoggedProcess, wait_until
from tests.support.zips import autograder_zip, notebook, ok_test

METADATA = {"course": "c", "section": "1", "assignment": "lab01"}
RIGHT = notebook("total = 5", metadata=METADATA)
WRONG = notebook("total = 4", metadata=METADATA)
SLOW = notebook("import time; time.sleep(4)", "total = 5", metadata=METADATA)


@pytest.fixture(params=["process", pytest.param("docker", marks=pytest.mark.docker)])
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """The environment of a small installation, once for each sandbox."""
    if request.param == "docker":
        try:
            connect(os.environ.get("DOCKER_HOST"))
        except SandboxUnavailable:
            if os.environ.get("GOFER_REQUIRE_DOCKER") == "1":
                pytest.fail("GOFER_REQUIRE_DOCKER=1, and no container engine answers")
            pytest.skip("no container engine answers")
    return installation(tmp_path, request.param)


@pytest.fixture
def small(tmp_path: Path) -> dict[str, str]:
    """The environment of a small installation with the process sandbox."""
    return installation(tmp_path, "process")


def installation(folder: Path, sandbox: str) -> dict[str, str]:
    zips = folder / "autograders" / "c" / "lab" / "1" / "lab01"
    zips.mkdir(parents=True)
    zipped = autograder_zip({"q1": ok_test("q1", "total == 5", points=2.0)})
    (zips / "autograder.zip").write_bytes(zipped)
    environment = {
        "VOLUME_PATH": str(folder / "volume"),
        "GOFER_AUTOGRADERS": str(folder / "autograders"),
        "GOFER_SANDBOX": sandbox,
        "GOFER_IDENTITY": "dev",
        "GOFER_PORT": "0",
        "GOFER_CONCURRENCY": "2",
        "GOFER_MEMORY_LIMIT": "512m",
        "GOFER_SWEEP_S": "1",
        "GOFER_DRAIN_S": "60",
    }
    if "DOCKER_HOST" in os.environ:
        environment["DOCKER_HOST"] = os.environ["DOCKER_HOST"]
    return environment


def server(environment: dict[str, str]) -> LoggedProcess:
    return LoggedProcess("gofer_ingest.server", environment)


def grader(environment: dict[str, str]) -> LoggedProcess:
    return LoggedProcess("gofer_ingest.grader", environment)


def submit(door: LoggedProcess, student: str, content: bytes) -> dict[str, Any]:
    url = str(door.logged("listening")["url"])
    answer = httpx.post(
        url,
        content=content,
        headers={
            b"X-Gofer-Student": student.encode(),
            b"Content-Type": b"application/json",
            b"Accept": b"application/json",
        },
    )
    assert answer.status_code == 202, answer.text
    receipt: dict[str, Any] = answer.json()
    return receipt


def test_a_notebook_becomes_a_grade_a_csv_row_and_an_archived_submission(
    environment: dict[str, str],
) -> None:
    with server(environment) as door, grader(environment) as worker:
        right = submit(door, "josé", RIGHT)
        wrong = submit(door, "a@b.edu", WRONG)
        worker.logged("run_recorded", submission_id=right["id"], verdict="graded", score=2.0)
        worker.logged("run_recorded", submission_id=wrong["id"], verdict="graded", score=0.0)
        worker_exit, door_exit = worker.stop(), door.stop()
    assert (worker_exit, door_exit) == (0, 0)
    spool = spool_of(environment)
    wait_until(lambda: spool.find(SubmissionId(right["id"])) is Place.ARCHIVED)
    assert spool.pending() == []
    reader = open_reader(spool_volume(environment))
    assert reader is not None
    grades = {
        row.student: (row.score.points, row.score.possible) for row in grades_of_record(reader)
    }
    assert grades == {"josé": (2.0, 2.0), "a@b.edu": (0.0, 2.0)}
    dumped = subprocess.run(
        [sys.executable, "-m", "gofer_console.dump_grades"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert dumped.returncode == 0, dumped.stderr
    with (spool_volume(environment) / "grades.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert list(rows[0]) == ["userid", "grade", "section", "lab", "timestamp"]
    assert {(row["userid"], float(row["grade"])) for row in rows} == {
        ("josé", 1.0),
        ("a@b.edu", 0.0),
    }


def test_a_student_is_told_from_paused_over_running_to_the_score(small: dict[str, str]) -> None:
    with server(small) as door:
        mine = submit(door, "josé", SLOW)

        def told(receipt: dict[str, Any] = mine) -> dict[str, Any]:
            url = httpx.URL(str(door.logged("listening")["url"])).join(receipt["status_url"])
            answer = httpx.get(url, headers={b"X-Gofer-Student": "josé".encode()})
            content: dict[str, Any] = answer.json()
            return content

        assert "Grading is paused" in told()["message"]
        with grader(small) as worker:
            wait_until(lambda: told()["state"] == "running")
            wait_until(lambda: told()["state"] == "recorded" and not told()["is_open"])
            graded = told()
            assert (graded["score"], graded["points_possible"]) == (2.0, 2.0)
            assert [row["question"] for row in graded["questions"]] == ["q1"]
            assert worker.stop() == 0
        later = submit(door, "josé", RIGHT)
        wait_until(lambda: "Grading is paused" in told(later)["message"], within_s=10)
        assert told(later)["attempt"] == 2


def test_submissions_are_taken_while_no_grader_runs_and_graded_when_one_starts(
    small: dict[str, str],
) -> None:
    with server(small) as door:
        receipts = [submit(door, f"student {number}", RIGHT) for number in range(5)]
        assert len(spool_of(small).pending()) == 5
        with grader(small) as worker:
            for receipt in receipts:
                worker.logged("run_recorded", submission_id=receipt["id"])
            assert worker.stop() == 0


def test_a_grader_killed_in_the_middle_of_a_run_grades_it_once_after_a_restart(
    environment: dict[str, str],
) -> None:
    with server(environment) as door:
        with grader(environment) as first:
            receipt = submit(door, "ada", SLOW)
            entry = SubmissionId(receipt["id"])
            wait_until(lambda: spool_of(environment).tries(entry) == 1)
            first.stop(signal.SIGKILL)
        assert spool_of(environment).find(entry) is Place.NEW
        with grader(environment) as second:
            line = second.logged("run_recorded", submission_id=entry)
            assert line["score"] == 2.0
            assert second.stop() == 0
    reader = open_reader(spool_volume(environment))
    assert reader is not None
    run = run_of_submission(reader, entry)
    assert run is not None
    assert run.tries == 2


def test_sigterm_lets_the_run_in_hand_finish_and_leaves_the_rest_in_the_spool(
    small: dict[str, str],
) -> None:
    small["GOFER_CONCURRENCY"] = "1"
    with server(small) as door, grader(small) as worker:
        in_hand = SubmissionId(submit(door, "ada", SLOW)["id"])
        wait_until(lambda: spool_of(small).tries(in_hand) == 1)
        waiting = SubmissionId(submit(door, "ben", RIGHT)["id"])
        assert worker.stop() == 0
    assert spool_of(small).find(in_hand) is Place.ARCHIVED
    assert spool_of(small).find(waiting) is Place.NEW
    assert spool_of(small).tries(waiting) == 0


def test_a_second_grader_stands_by_and_takes_over(small: dict[str, str]) -> None:
    with server(small) as door, grader(small) as first:
        first.logged("started")
        with grader(small) as second:
            second.logged("standby")
            first.stop(signal.SIGKILL)
            receipt = submit(door, "ada", RIGHT)
            second.logged("run_recorded", submission_id=receipt["id"])
            assert second.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_standby_that_is_asked_to_stop_ends_plainly(
    small: dict[str, str], number: signal.Signals
) -> None:
    with grader(small) as first:
        first.logged("started")
        with grader(small) as second:
            second.logged("standby")
            assert second.stop(number) == 0
            assert [line["action"] for line in second.lines][-1] == "stopped"
        assert first.stop() == 0


def test_a_volume_that_the_grader_cannot_use_is_named(small: dict[str, str]) -> None:
    with grader(small | {"VOLUME_PATH": "/dev/null/volume"}) as worker:
        assert worker.wait() == 1
    assert "VOLUME_PATH: /dev/null/volume cannot be used" in worker.lines[-1]["line"]


def test_an_entry_recorded_before_a_kill_is_only_moved(small: dict[str, str]) -> None:
    with server(small) as door, grader(small) as worker:
        entry = SubmissionId(submit(door, "ada", RIGHT)["id"])
        worker.logged("run_recorded", submission_id=entry)
        worker.stop()
    spool = spool_of(small)
    archived = spool_volume(small) / "submissions" / entry[-2:] / entry
    archived.rename(spool.new_dir / entry)  # as if killed between recording and settling
    with grader(small) as worker:
        wait_until(lambda: spool.find(entry) is Place.ARCHIVED)
        assert worker.stop() == 0
        assert not any(line.get("action") == "run_recorded" for line in worker.lines)


def test_a_notebook_that_keeps_taking_the_grader_down_is_set_aside(small: dict[str, str]) -> None:
    with server(small) as door:
        entry = SubmissionId(submit(door, "ada", RIGHT)["id"])
    for _ in range(5):
        spool_of(small).begin_try(entry)
    with grader(small) as worker:
        worker.logged("buried", submission_id=entry)
        assert worker.stop() == 0
    failure = spool_of(small).failure_of(entry)
    assert failure is not None
    assert failure.tries == 5


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LTI_CONSUMER_KEY", "key"),
        ("LTI_CONSUMER_SECRET", "secret"),
        ("POST_GRADE", "true"),
        ("GOFER_ADDRESS", "0.0.0.0"),
    ],
)
def test_the_process_sandbox_refuses_where_grades_or_strangers_are_near(
    small: dict[str, str], variable: str, value: str
) -> None:
    with grader({**small, variable: value}) as worker:
        assert worker.wait() == 2
    [line] = worker.lines
    assert "GOFER_SANDBOX" in line["line"]
    assert value not in line["line"] or variable == "GOFER_ADDRESS"


def spool_volume(environment: dict[str, str]) -> Path:
    return Path(environment["VOLUME_PATH"])


def spool_of(environment: dict[str, str]) -> Spool:
    return Spool(spool_volume(environment))


def test_a_run_that_outlasts_the_drain_is_left_for_the_next_grader(
    environment: dict[str, str],
) -> None:
    endless = notebook("while True: pass", metadata=METADATA)
    with server(environment) as door, grader({**environment, "GOFER_DRAIN_S": "0.5"}) as worker:
        entry = SubmissionId(submit(door, "ada", endless)["id"])
        wait_until(lambda: spool_of(environment).tries(entry) == 1)
        assert worker.stop() == 1
    assert spool_of(environment).find(entry) is Place.NEW
    reader = open_reader(spool_volume(environment))
    assert reader is not None
    assert run_of_submission(reader, entry) is None
