"""What `gofer doctor` finds, in plain words, with what to do about it."""

from __future__ import annotations

import fcntl
import json
import socket
from typing import TYPE_CHECKING

import pytest

from gofer_console import checks
from gofer_console.doctor import as_json, exit_code
from gofer_console.grader_side import Check, Health
from shared.catalogue import Assignment
from shared.config import ConsoleSettings
from shared.model import AssignmentKey, Limits

if TYPE_CHECKING:
    from pathlib import Path

MEBIBYTE = 1 << 20
GIBIBYTE = 1 << 30


def assignment(name: str, autograder_zip: Path) -> Assignment:
    return Assignment(
        key=AssignmentKey("demo101", "1", name),
        autograder_zip=autograder_zip,
        solution=None,
        image=None,
        limits=Limits(),
        lms_id=None,
    )


@pytest.mark.parametrize(
    ("version", "status"),
    [
        ((3, 11, 1), Health.PROBLEM),
        ((3, 11, 2), Health.OK),
        ((3, 13, 0), Health.OK),
        ((2, 7, 18), Health.PROBLEM),
    ],
)
def test_an_old_python_is_a_problem(version: tuple[int, int, int], status: Health) -> None:
    found = checks.check_python(version)
    assert found.status is status
    assert "3.11.2" in found.message or found.status is Health.OK


def test_a_volume_that_is_not_there_yet_is_well_and_stays_away(tmp_path: Path) -> None:
    found = checks.check_volume(tmp_path / "var" / "gofer")
    assert (found.status, "first start" in found.message) == (Health.OK, True)
    assert list(tmp_path.iterdir()) == []


def test_a_volume_that_can_be_written_is_left_as_it_was(tmp_path: Path) -> None:
    assert checks.check_volume(tmp_path).status is Health.OK
    assert list(tmp_path.iterdir()) == []


def test_a_volume_that_is_a_file_is_a_problem_with_advice(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("", "utf-8")
    found = checks.check_volume(tmp_path / "var")
    assert found.status is Health.PROBLEM
    assert "VOLUME_PATH" in found.advice


@pytest.mark.parametrize(
    ("free", "status"),
    [
        (100 * MEBIBYTE, Health.PROBLEM),
        (GIBIBYTE, Health.WARNING),
        (50 * GIBIBYTE, Health.OK),
    ],
)
def test_a_disk_that_fills_is_told_before_it_is_full(free: int, status: Health) -> None:
    found = checks.judge_free_disk(free, 100 * GIBIBYTE)
    assert found.status is status
    assert bool(found.advice) is (status is not Health.OK)


def test_zips_that_are_not_there_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"")
    found = checks.check_zips(
        [assignment("lab01", tmp_path / "a.zip"), assignment("lab02", tmp_path / "b.zip")]
    )
    assert found.status is Health.PROBLEM
    assert found.message == f"1 not there: demo101/1/lab02: {tmp_path / 'b.zip'}."


def test_of_many_missing_zips_some_are_named_and_the_rest_counted(tmp_path: Path) -> None:
    found = checks.check_zips(assignment(f"lab{n}", tmp_path / f"{n}.zip") for n in range(9))
    assert found.message.startswith("9 not there:")
    assert found.message.endswith("and 6 more.")


def test_every_zip_there_is_well(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"")
    assert checks.check_zips([assignment("lab01", tmp_path / "a.zip")]).status is Health.OK


def test_a_course_config_that_cannot_be_read_is_a_problem_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "course.toml").write_text("[courses", "utf-8")
    settings = ConsoleSettings(course_config_path=tmp_path / "course.toml")
    (found,) = checks.check_catalogue(settings)
    assert found.status is Health.PROBLEM
    assert str(tmp_path / "course.toml") in found.message


def test_a_catalogue_without_assignments_is_a_warning(tmp_path: Path) -> None:
    (found,) = checks.check_catalogue(ConsoleSettings(autograders=tmp_path))
    assert found.status is Health.WARNING


def test_the_catalogues_assignments_are_counted(tmp_path: Path) -> None:
    folder = tmp_path / "demo101" / "lab" / "1" / "lab01"
    folder.mkdir(parents=True)
    (folder / "autograder.zip").write_bytes(b"")
    counted, zips = checks.check_catalogue(ConsoleSettings(autograders=tmp_path))
    assert counted.message == f"1 assignment in {tmp_path}."
    assert zips.status is Health.OK


def test_no_server_is_a_warning_with_the_command_to_start_one() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        found = checks.check_server(f"http://127.0.0.1:{nobody.getsockname()[1]}/x/")
    assert found.status is Health.WARNING
    assert "gofer up" in found.advice


def test_a_lock_that_is_held_means_a_running_grader(tmp_path: Path) -> None:
    lock = tmp_path / checks.LOCK_NAME
    assert checks.check_grader(tmp_path).status is Health.WARNING
    with lock.open("w") as held:
        assert checks.check_grader(tmp_path).status is Health.WARNING
        fcntl.flock(held, fcntl.LOCK_EX)
        assert checks.check_grader(tmp_path).status is Health.OK
    assert checks.check_grader(tmp_path).status is Health.WARNING


def test_asking_for_the_lock_does_not_keep_it(tmp_path: Path) -> None:
    lock = tmp_path / checks.LOCK_NAME
    with lock.open("w") as mine:
        assert not checks.is_locked(lock)
        fcntl.flock(mine, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_no_gradebook_yet_is_well(tmp_path: Path) -> None:
    found = checks.check_gradebook(tmp_path, None)
    assert (found.status, "none yet" in found.message) == (Health.OK, True)


def test_a_volume_without_a_spool_has_no_failed_entries(tmp_path: Path) -> None:
    assert checks.check_failed(tmp_path).status is Health.OK


def test_only_a_problem_fails() -> None:
    well = Check(name="a", status=Health.OK, message="")
    warning = Check(name="b", status=Health.WARNING, message="")
    problem = Check(name="c", status=Health.PROBLEM, message="")
    assert exit_code([well, warning]) == 0
    assert exit_code([well, problem]) == 1


def test_the_json_is_what_the_graders_side_writes_too() -> None:
    found = Check(name="a", status=Health.WARNING, message="m", advice="d")
    assert json.loads(as_json([found])) == {
        "checks": [{"name": "a", "status": "warning", "message": "m", "advice": "d"}]
    }
