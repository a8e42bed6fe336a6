"""`gofer doctor` on real volumes, with the grader's own checks merged in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from gofer_console.grader_side import Health
from gofer_console.outbox_check import check_outbox
from shared.gradebook.engine import open_gradebook
from shared.spool import Spool
from tests.support.commands import run_gofer
from tests.support.lti_keys import TOOL_KEY, TOOL_PEM
from tests.support.posting_room import PostingRoom
from tests.support.processes import LoggedProcess
from tests.support.scripted_lms import CLOSED
from tests.support.strict_lms import StrictLms
from tests.unit.shared.gradebook_samples import submitted

if TYPE_CHECKING:
    from pathlib import Path


def installation(folder: Path) -> dict[str, str]:
    """An installation for trying Gofer out, which needs no engine."""
    zips = folder / "autograders" / "c" / "lab" / "1" / "lab01"
    zips.mkdir(parents=True)
    (zips / "autograder.zip").write_bytes(b"")
    return {
        "VOLUME_PATH": str(folder / "volume"),
        "GOFER_AUTOGRADERS": str(folder / "autograders"),
        "GOFER_SANDBOX": "process",
        "GOFER_URL": "http://127.0.0.1:9/services/gofer_nb/",  # nobody listens on discard
    }


def examined(environment: dict[str, str]) -> tuple[int, dict[str, dict[str, Any]]]:
    done = run_gofer(environment, "doctor", "--json")
    found = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    return done.returncode, found


def test_a_fresh_machine_has_warnings_and_no_problem(tmp_path: Path) -> None:
    exit_code, found = examined(installation(tmp_path))
    assert exit_code == 0, found
    assert found["catalogue"]["status"] == found["autograder zips"]["status"] == "ok"
    assert found["server"]["status"] == found["grader"]["status"] == "warning"
    assert {"sandbox", "engine"} <= found.keys(), "the grader's own checks are missing"
    assert not (tmp_path / "volume").exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "GOFER_IDENTITY: is not set"),
        ({"GOFER_IDENTITY": "signed"}, "GOFER_IDENTITY_SECRET: is not set"),
        ({"GOFER_IDENTITY": "dev", "GOFER_ADDRESS": "192.0.2.1"}, "GOFER_ADDRESS: is not a loop"),
        ({"GOFER_IDENTITY": "dev", "GOFER_PORT": "many"}, "GOFER_PORT: "),
    ],
)
def test_a_server_that_would_refuse_to_start_is_told_with_its_own_reason(
    tmp_path: Path, more: dict[str, str], said: str
) -> None:
    exit_code, found = examined(installation(tmp_path) | more)
    check = found["server start"]
    assert (exit_code, check["status"]) == (0, "warning")
    assert check["message"].splitlines()[1].startswith(said)
    assert "where the server is started" in check["advice"]


def test_a_server_that_would_start_is_well(tmp_path: Path) -> None:
    _, found = examined(installation(tmp_path) | {"GOFER_IDENTITY": "dev"})
    assert found["server start"]["status"] == "ok"
    assert not (tmp_path / "volume").exists()


def test_what_runs_and_what_failed_is_seen(tmp_path: Path) -> None:
    environment = installation(tmp_path)
    running = environment | {"GOFER_IDENTITY": "dev", "GOFER_PORT": "0"}
    with (
        LoggedProcess("gofer_ingest.server", running) as server,
        LoggedProcess("gofer_ingest.grader", running) as grader,
    ):
        url = str(server.logged("listening")["url"])
        grader.logged("started")
        envelope = submitted()
        folder = tmp_path / "volume" / "spool" / "failed" / envelope.id
        folder.mkdir()
        (folder / "envelope.json").write_text(envelope.model_dump_json(), "utf-8")
        exit_code, found = examined(environment | {"GOFER_URL": url})
    assert exit_code == 0, found
    assert "server start" not in found, "the settings of this terminal are not the server's"
    assert [found[name]["status"] for name in ("server", "grader", "gradebook")] == ["ok"] * 3
    assert found["failed entries"]["message"].startswith("1 could not be graded")
    assert Spool(tmp_path / "volume").failed()[0].id == envelope.id


def test_a_problem_is_said_with_what_to_do_and_fails(tmp_path: Path) -> None:
    environment = installation(tmp_path)
    (tmp_path / "course.json").write_text('{"c": ', "utf-8")
    done = run_gofer(environment | {"COURSE_CONFIG_PATH": str(tmp_path / "course.json")}, "doctor")
    assert done.returncode == 1
    line = next(line for line in done.stdout.splitlines() if line.startswith("problem"))
    assert "catalogue" in line
    assert str(tmp_path / "course.json") in line


def test_an_open_gradebook_is_read_without_changing_it(tmp_path: Path) -> None:
    environment = installation(tmp_path)
    open_gradebook(tmp_path / "volume").dispose()
    _, found = examined(environment)
    assert found["gradebook"]["message"] == "It can be read."


def posting_installation(folder: Path, lms: StrictLms) -> dict[str, str]:
    """One assignment each by LTI 1.1 and by LTI 1.3, at one LMS."""
    environment = installation(folder)
    (folder / "key").write_text(lms.key)
    (folder / "secret").write_text(lms.secret)
    (folder / "lti.pem").write_text(TOOL_PEM)
    config = folder / "courses.toml"
    config.write_text(
        f"""
[courses.c.sections.1.assignments.lab01.passback]
service_url = "{lms.service_url}"
key_file = "{folder / "key"}"
secret_file = "{folder / "secret"}"
[courses.c.sections.1.assignments.lab02.passback]
kind = "lti13"
client_id = "{lms.client_id}"
token_url = "{lms.token_url}"
private_key_file = "{folder / "lti.pem"}"
line_items = "{lms.line_items_url}"
"""
    )
    return environment | {"COURSE_CONFIG_PATH": str(config)}


def of_lms(environment: dict[str, str]) -> list[dict[str, Any]]:
    done = run_gofer(environment, "doctor", "--json")
    checks = json.loads(done.stdout)["checks"]
    return [check for check in checks if check["name"].startswith("LMS ")]


def test_each_lms_is_asked_whether_it_lets_gofer_in(tmp_path: Path) -> None:
    with StrictLms(["ada"], TOOL_KEY.public_pem()) as lms:
        environment = posting_installation(tmp_path, lms)
        assert [check["status"] for check in of_lms(environment)] == ["ok", "ok"]
        assert lms.history() == {}

        (tmp_path / "secret").write_text("another")
        (tmp_path / "lti.pem").unlink()
        by_secret, by_key = of_lms(environment)
        assert by_secret["status"] == by_key["status"] == "problem"
        assert "does not let Gofer in" in by_secret["message"]
        assert f"private_key_file: {tmp_path / 'lti.pem'} cannot be read" in by_key["message"]
        assert "another" not in json.dumps([by_secret, by_key])


def test_a_classic_course_that_sends_no_grades_is_well(tmp_path: Path) -> None:
    config = tmp_path / "classic.json"
    section = {
        "course_id": "course-v1:stat20",
        "subpath_to_zips": "lab",
        "assignments": {"lab01": "6333e19d"},
    }
    config.write_text(json.dumps({"stat20": {"1": section}}), "utf-8")
    environment = installation(tmp_path) | {"COURSE_CONFIG_PATH": str(config)}
    (check,) = of_lms(environment)
    assert check["status"] == "ok"
    assert "POST_GRADE is off" in check["message"]
    (check,) = of_lms(environment | {"POST_GRADE": "true", "GOFER_SANDBOX": "docker"})
    assert check["status"] == "problem"
    assert "LTI_CONSUMER_KEY" in check["message"]


def test_grades_that_did_not_arrive_are_told(tmp_path: Path) -> None:
    (tmp_path / "volume").mkdir()
    room = PostingRoom(tmp_path / "volume")
    room.lms.will_answer(CLOSED)
    room.grade("ada", 5)
    room.post_until_quiet()
    room.close()
    (found,) = check_outbox(tmp_path / "volume", None)
    assert found.status is Health.WARNING
    assert "1 failed" in found.message
    assert "gofer post retry" in found.advice


def test_a_course_without_an_lms_is_told_of_no_grade_on_its_way(tmp_path: Path) -> None:
    (tmp_path / "volume").mkdir()
    room = PostingRoom(tmp_path / "volume")
    room.grade("ada", 5, course="unposted")
    room.post_until_quiet()
    assert room.state("ada") == "parked"
    room.close()
    (found,) = check_outbox(tmp_path / "volume", None)
    assert (found.status, found.advice) == (Health.OK, "")
    assert found.message == "On their way to the LMS: none. 1 grade goes to no LMS."
