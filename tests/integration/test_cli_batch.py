"""`gofer batch` and the drop folder with a real grader: files in, verdicts out, kills between."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from shared.gradebook.engine import open_reader
from shared.gradebook.queries import counts, grades_of_record
from shared.requests import Source
from shared.spool import Spool
from tests.support.commands import run_gofer
from tests.support.processes import ROOT, LoggedProcess, wait_until
from tests.support.zips import autograder_zip, notebook, ok_test

METADATA = {"course": "c", "section": "1", "assignment": "lab01"}
RIGHT = notebook("total = 5", metadata=METADATA)
WRONG = notebook("total = 4", metadata=METADATA)
DEMO = ROOT / "examples" / "demo101"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    zips = tmp_path / "autograders" / "c" / "lab" / "1" / "lab01"
    zips.mkdir(parents=True)
    zipped = autograder_zip({"q1": ok_test("q1", "total == 5", points=2.0)})
    (zips / "autograder.zip").write_bytes(zipped)
    return {
        "VOLUME_PATH": str(tmp_path / "volume"),
        "GOFER_AUTOGRADERS": str(tmp_path / "autograders"),
        "GOFER_SANDBOX": "process",
        "GOFER_CONCURRENCY": "2",
        "GOFER_SWEEP_S": "0.5",
    }


@pytest.fixture
def blocked(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """An installation whose one assignment has no zip, so that everything waits."""
    config = tmp_path / "course.toml"
    config.write_text('[courses.c.sections.1.assignments.lab01]\nautograder = "none.zip"\n')
    return {**environment, "COURSE_CONFIG_PATH": str(config)}


def grader(environment: dict[str, str]) -> LoggedProcess:
    return LoggedProcess("gofer_ingest.grader", environment)


def put(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def crowd(folder: Path, size: int) -> Path:
    return put(folder, {f"s{number:03}/a.ipynb": RIGHT for number in range(size)})


def spool_of(environment: dict[str, str]) -> Spool:
    return Spool(volume(environment))


def volume(environment: dict[str, str]) -> Path:
    return Path(environment["VOLUME_PATH"])


def count(folder: Path) -> int:
    return len(list(folder.iterdir())) if folder.exists() else 0


def students(spool: Spool) -> list[str]:
    return sorted(spool.envelope_of(entry).payload.student for entry in spool.pending())


def batch_json(environment: dict[str, str], *arguments: str, code: int = 0) -> dict[str, Any]:
    done = run_gofer(environment, "batch", "--json", *arguments)
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_folder_and_a_zip_become_grades_and_are_skipped_the_next_time(
    environment: dict[str, str], tmp_path: Path
) -> None:
    labs = put(tmp_path / "labs", {"ada/a.ipynb": RIGHT, "josé/b.ipynb": WRONG})
    put(labs, {"ben/notes.txt": b"x", "ben/c.ipynb": b"{"})
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.writestr("carl/d.ipynb", RIGHT)
        archive.writestr("ada/a again.ipynb", RIGHT)
    paths = (str(labs), str(tmp_path / "more.zip"))
    with grader(environment) as worker:
        worker.logged("started")
        done = run_gofer(environment, "batch", *paths, "--why", "The deadline.")
        assert done.returncode == 1, "one could not be taken"
        lines = [line.split() for line in done.stdout.splitlines()]
        assert ["josé", "c/1/lab01", "0.00", "2.00", "graded"] in lines
        assert lines.count(["ada", "c/1/lab01", "2.00", "2.00", "graded"]) == 2
        assert "labs/ben/c.ipynb" in done.stderr
        assert "not a Jupyter notebook" in done.stderr
        assert (
            "3 notebooks taken, 1 skipped, as they were there already, 1 not taken, "
            "1 other file passed over." in done.stderr
        )
        again = batch_json(environment, *paths, code=1)
        assert worker.stop() == 0
    assert [one["is_duplicate"] for one in again["notebooks"]] == [True] * 4
    assert {one["verdict"] for one in again["notebooks"]} == {"graded"}
    envelope = spool_of(environment).envelope_of(again["notebooks"][0]["id"])
    assert (envelope.payload.source, envelope.reason) == (Source.BATCH, "The deadline.")
    reader = open_reader(volume(environment))
    assert reader is not None
    assert counts(reader).submissions == 3
    reader.dispose()


def test_a_canvas_download_scores_as_the_samples_do(
    environment: dict[str, str], tmp_path: Path
) -> None:
    expected = {
        one["file"]: one
        for one in tomllib.loads((DEMO / "expected.toml").read_text("utf-8"))["submissions"]
    }
    files = ["all_right", "partly_right"]
    with zipfile.ZipFile(tmp_path / "submissions.zip", "w") as archive:
        sample = DEMO / "submissions"
        archive.write(sample / f"{files[0]}.ipynb", "lovelaceada_17_900_lab01-1.ipynb")
        archive.write(sample / f"{files[1]}.ipynb", "hopperg_LATE_18_901_Lab 1 (final).ipynb")
    config = tmp_path / "course.toml"
    config.write_text(
        "[courses.demo101.sections.1.assignments.lab01]\n"
        f'autograder = "{DEMO}/autograders/lab01/autograder.zip"\n'
        "time_limit_s = 200\n"  # a busy machine is not what is tested here
    )
    environment["COURSE_CONFIG_PATH"] = str(config)
    with grader(environment) as worker:
        worker.logged("started")
        found = batch_json(environment, str(tmp_path / "submissions.zip"))
    scores = [expected[f"submissions/{stem}.ipynb"]["score"] for stem in files]
    assert {one["student"]: one["score"] for one in found["notebooks"]} == dict(
        zip(["lovelaceada", "hopperg"], scores, strict=True)
    )


def test_a_dry_run_shows_who_and_what_and_does_nothing(
    environment: dict[str, str], tmp_path: Path
) -> None:
    put(tmp_path, {"labs/ada/a.ipynb": RIGHT, "labs/ben/b.ipynb": notebook("1")})
    done = run_gofer(environment, "batch", "--dry-run", str(tmp_path / "labs"))
    assert done.returncode == 1
    (line,) = [line.split() for line in done.stdout.splitlines()[1:]]
    assert line == ["labs/ada/a.ipynb", "ada", "c/1/lab01", "now", "graded"]
    assert "which assignment" in done.stderr
    assert not volume(environment).exists()
    found = batch_json(
        environment, "--dry-run", "--assignment", "c/1/lab01", str(tmp_path / "labs")
    )
    assert [one["student"] for one in found["notebooks"]] == ["ada", "ben"]
    assert found["problems"] == []


def test_a_manifest_says_whose_and_since_when(environment: dict[str, str], tmp_path: Path) -> None:
    put(tmp_path, {"a.ipynb": notebook("1"), "b.ipynb": RIGHT})
    manifest = tmp_path / "whose.csv"
    manifest.write_bytes(
        b"\xef\xbb\xbffile,student,assignment,received_at\r\n"
        b"a.ipynb,ada,c/1/lab01,2026-01-02T03:04:05+01:00\r\nb.ipynb,ben,,\r\n"
    )
    files = (str(tmp_path / "a.ipynb"), str(tmp_path / "b.ipynb"))
    common = ("--no-wait", "--manifest", str(manifest), "--as-of", "2026-01-05T00:00:00Z")
    found = batch_json(environment, *common, *files)
    assert [(one["student"], one["received_at"], one["state"]) for one in found["notebooks"]] == [
        ("ada", "2026-01-02T02:04:05+00:00", "waiting"),
        ("ben", "2026-01-05T00:00:00+00:00", "waiting"),
    ]
    assert students(spool_of(environment)) == ["ada", "ben"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--pattern", "(", "."], 2, "--pattern: it is no regular expression"),
        (["--assignment", "lab9", "."], 2, "--assignment: the catalogue has no lab9"),
        (["--as-of", "yesterday", "."], 2, "--as-of: write a time as"),
        (["--manifest", "/none.csv", "."], 1, "/none.csv: it cannot be read"),
        (["/none"], 1, "/none: it cannot be read: No such file"),
        ([str(ROOT / "README.md")], 1, "no notebook, no folder and no zip"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_line(
    environment: dict[str, str], arguments: list[str], code: int, said: str
) -> None:
    done = run_gofer(environment, "batch", *arguments)
    assert done.returncode == code
    assert said in done.stderr


def test_a_pattern_from_the_settings_names_the_students(
    environment: dict[str, str], tmp_path: Path
) -> None:
    put(tmp_path, {"labs/hw-ada.ipynb": RIGHT, "labs/hw-ben.ipynb": RIGHT})
    environment["GOFER_BATCH_PATTERN"] = r"hw-(?P<student>\w+)\.ipynb"
    batch_json(environment, "--no-wait", str(tmp_path / "labs"))
    assert students(spool_of(environment)) == ["ada", "ben"]
    environment["GOFER_BATCH_PATTERN"] = "hw"
    done = run_gofer(environment, "batch", str(tmp_path / "labs"))
    assert done.returncode == 2
    assert "GOFER_BATCH_PATTERN: it needs a group" in done.stderr


def test_killed_in_the_middle_it_goes_on_where_it_stopped(
    blocked: dict[str, str], tmp_path: Path
) -> None:
    labs = crowd(tmp_path / "labs", 300)
    new = volume(blocked) / "spool" / "new"
    command = [sys.executable, "-m", "gofer_console.cli", "batch", "--no-wait", str(labs)]
    with subprocess.Popen(
        command, cwd=ROOT, env={"PATH": os.environ["PATH"], **blocked}, stderr=subprocess.PIPE
    ) as first:
        wait_until(lambda: count(new) >= 5)
        first.kill()
    taken = count(new)
    assert taken < 300, "it was killed in the middle"
    found = batch_json(blocked, "--no-wait", str(labs))
    assert sum(one["is_duplicate"] for one in found["notebooks"]) == taken
    assert students(spool_of(blocked)) == [f"s{number:03}" for number in range(300)]


def test_ctrl_c_while_waiting_says_that_nothing_is_lost(
    blocked: dict[str, str], tmp_path: Path
) -> None:
    labs = crowd(tmp_path / "labs", 2)
    command = [sys.executable, "-m", "gofer_console.cli", "batch", str(labs)]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **blocked},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as waiting:
        assert waiting.stderr is not None
        assert waiting.stdout is not None
        assert "No grader runs" in waiting.stderr.readline()
        waiting.send_signal(signal.SIGINT)
        said, shown = waiting.stderr.read(), waiting.stdout.read()
        assert waiting.wait(30) == 130
    assert "the same command again goes on here" in said
    assert shown.count("waiting") == 2
    assert len(spool_of(blocked).pending()) == 2


def test_a_live_submission_is_graded_before_a_batch_that_was_there_first(
    environment: dict[str, str], tmp_path: Path
) -> None:
    environment["GOFER_CONCURRENCY"] = "1"
    labs = put(tmp_path / "labs", {"ada/a.ipynb": RIGHT, "ben/b.ipynb": RIGHT})
    batch_json(environment, "--no-wait", str(labs))
    spool = spool_of(environment)
    batched = spool.envelope_of(spool.pending()[0])
    live = batched.model_copy(
        update={
            "id": batched.id[:-12] + "f" * 12,
            "payload": batched.payload.model_copy(
                update={"source": Source.DEV, "student": "grace"}
            ),
        }
    )
    spool.deliver(live, RIGHT)
    with grader(environment) as worker:
        worker.logged("run_recorded")
        first = next(line for line in worker.lines if line["action"] == "run_recorded")
        assert first["submission_id"] == live.id


def test_what_is_dropped_is_graded_and_put_away(
    environment: dict[str, str], tmp_path: Path
) -> None:
    drop = volume(environment) / "spool" / "drop"
    with grader(environment) as worker:
        worker.logged("started")
        wait_until(drop.exists)
        shutil.copytree(put(tmp_path / "labs", {"ada/a.ipynb": RIGHT}), drop / "labs")
        with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
            archive.writestr("ben/b.ipynb", WRONG)
        content = (tmp_path / "more.zip").read_bytes()
        (drop / "more.zip").write_bytes(content[:-20])
        worker.logged("drop_taken", entry_name="'labs'")
        worker.logged("run_recorded", score=2.0)
        assert (drop / "more.zip").exists(), "half a zip waits"
        with (drop / "more.zip").open("ab") as file:
            file.write(content[-20:])
        worker.logged("drop_taken", entry_name="'more.zip'")
        worker.logged("run_recorded", score=0.0)
        assert worker.stop() == 0
    assert len(list(drop.glob("done/*/report.txt"))) == 2
    reader = open_reader(volume(environment))
    assert reader is not None
    assert {grade.student for grade in grades_of_record(reader)} == {"ada", "ben"}
    reader.dispose()


def test_a_grader_killed_while_it_takes_in_what_was_dropped_takes_nothing_twice(
    blocked: dict[str, str], tmp_path: Path
) -> None:
    drop = volume(blocked) / "spool" / "drop"
    new = volume(blocked) / "spool" / "new"
    crowd(drop / "labs", 300)
    with grader(blocked) as first:
        wait_until(lambda: count(new) >= 5)
        first.stop(signal.SIGKILL)
    assert (drop / "labs").exists()
    assert count(new) < 300, "it was killed in the middle"
    with grader(blocked) as second:
        line = second.logged("drop_taken")
        assert line["skipped"] >= 5
        assert line["taken"] + line["skipped"] == 300
        assert second.stop() == 0
    assert students(spool_of(blocked)) == [f"s{number:03}" for number in range(300)]
    assert not (drop / "labs").exists()
