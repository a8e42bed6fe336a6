"""`gofer post` and `gofer roster`, with a grader at work and an edX that takes its grades."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from shared.gradebook.engine import open_gradebook
from shared.spool import Spool
from tests.support.commands import run_gofer
from tests.support.edx_outcomes import Edx, serving
from tests.support.processes import LoggedProcess, wait_until
from tests.unit.shared.gradebook_samples import graded, record, submitted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = "sesame-open-wide"


@pytest.fixture
def edx() -> Iterator[Edx]:
    with serving() as server:
        yield server


@pytest.fixture
def environment(tmp_path: Path, edx: Edx) -> dict[str, str]:
    """A volume with two students' grades, and the classic course config of an edX course."""
    config = tmp_path / "course-config.json"
    section = {
        "course_id": "course-v1:Org+Demo+Run",
        "subpath_to_zips": "zips",
        "assignments": {"lab01": "6333e19d"},
    }
    config.write_text(json.dumps({"demo101": {"fa26": section}}))
    engine = open_gradebook(tmp_path / "volume")
    record(engine, submitted("ada"), graded(7.5))
    record(engine, submitted("bob"), graded(0))
    engine.dispose()
    Spool(tmp_path / "volume").prepare()
    return {
        "VOLUME_PATH": str(tmp_path / "volume"),
        "COURSE_CONFIG_PATH": str(config),
        "EDX_URL": edx.url,
        "LTI_CONSUMER_KEY": "the-key",
        "LTI_CONSUMER_SECRET": SECRET,
        "POST_GRADE": "true",
        "GOFER_SWEEP_S": "0.2",
    }


def listed(environment: dict[str, str], *options: str) -> dict[str, dict[str, Any]]:
    done = run_gofer(environment, "post", "list", "--json", *options)
    assert done.returncode == 0, done.stderr
    return {row["student"]: row for row in json.loads(done.stdout)}


def test_grades_go_where_the_classic_course_config_says(
    environment: dict[str, str], edx: Edx
) -> None:
    with LoggedProcess("gofer_ingest.grader", environment) as grader:
        grader.logged("started")
        wait_until(lambda: edx.scores() == {"ada": "0.75", "bob": "0"})
        wait_until(lambda: listed(environment)["bob"]["state"] == "sent")
        assert grader.stop() == 0
        assert SECRET not in json.dumps(grader.lines)
    (path, sourcedid, _) = edx.taken[0]
    assert path == (
        "/courses/course-v1:Org+Demo+Run/xblock/"
        "block-v1:Org+Demo+Run+type@lti_consumer+block@6333e19d"
        "/handler_noauth/outcome_service_handler"
    )
    assert sourcedid.startswith("course-v1%3AOrg%2BDemo%2BRun:")
    row = listed(environment, "--student", "ada")["ada"]
    assert (row["sent_score"], row["answer_status"], row["tries"]) == (7.5, 200, 1)
    table = run_gofer(environment, "post", "list").stdout
    assert "7.5 of 10" in table


def test_staff_hold_look_release_and_send(environment: dict[str, str], edx: Edx) -> None:
    environment["POST_GRADE"] = "false"
    with LoggedProcess("gofer_ingest.grader", environment) as grader:
        grader.logged("started")
        wait_until(lambda: {r["state"] for r in listed(environment).values()} == {"held"})
        dry = run_gofer(environment, "post", "send", "--student", "ada", "--dry-run")
        assert "1 grade now. Nothing was done." in dry.stderr
        assert not edx.taken
        done = run_gofer(environment, "post", "send", "--student", "ada", "--why", "Asked for.")
        assert done.returncode == 0, done.stderr
        assert "1 grade to be sent." in done.stderr
        wait_until(lambda: edx.scores() == {"ada": "0.75"})
        edx.refused.add("bob")
        done = run_gofer(environment, "post", "release", "--assignment", "lab01")
        assert "1 grade released." in done.stderr
        wait_until(lambda: listed(environment)["bob"]["state"] == "failed")
        assert "does not know this student" in listed(environment)["bob"]["message"]
        edx.refused.discard("bob")
        done = run_gofer(environment, "post", "retry", "--all")
        assert "1 grade to be sent again." in done.stderr
        wait_until(lambda: edx.scores() == {"ada": "0.75", "bob": "0"})
        done = run_gofer(environment, "post", "hold", "--assignment", "lab01")
        assert "are held from now on" in done.stderr
        tried = run_gofer(environment, "post", "test", "--all")
        assert tried.returncode == 0, tried.stderr
        assert "127.0.0.1: The LMS accepts our signature." in tried.stderr


def test_a_roster_says_where_grades_go(
    environment: dict[str, str], edx: Edx, tmp_path: Path
) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text("student,anonymous id,name\nada,0fa1,Ada L.\n")
    with LoggedProcess("gofer_ingest.grader", environment | {"POST_GRADE": "false"}) as grader:
        grader.logged("started")
        done = run_gofer(environment, "roster", "import", str(roster), "--why", "From the LMS.")
        assert done.returncode == 0, done.stderr
        assert "roster.csv: 1 row taken." in done.stderr
        assert run_gofer(environment, "post", "send", "--student", "ada").returncode == 0
        wait_until(lambda: edx.scores() == {"0fa1": "0.75"})


def test_a_bad_roster_is_refused_before_anything_is_asked(
    environment: dict[str, str], tmp_path: Path
) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text("student,user_id\nada,1\nada,2\n")
    done = run_gofer(environment, "roster", "import", str(roster))
    assert done.returncode == 1
    assert "roster.csv, line 3, column student: line 2 is about the same" in done.stderr
    assert not list((tmp_path / "volume" / "spool").glob("new/*"))


def test_what_is_asked_while_the_grader_is_down_is_done_later(
    environment: dict[str, str], edx: Edx
) -> None:
    environment["POST_GRADE"] = "false"
    for words in (["post", "send"], ["post", "hold", "--student", "ada"]):
        done = run_gofer(environment, *words)
        assert done.returncode in {1, 2}
    done = run_gofer(environment, "post", "send", "--all")
    assert "1 not done yet" in done.stderr
    with LoggedProcess("gofer_ingest.grader", environment) as grader:
        grader.logged("request_done", request="post_send")
        wait_until(lambda: len(edx.taken) == 2)


def test_files_of_secrets_are_refused_beside_the_process_sandbox(
    environment: dict[str, str], tmp_path: Path
) -> None:
    config = tmp_path / "course.toml"
    config.write_text(
        "[courses.demo101.passback]\nkey_file = 'key'\nsecret_file = 'secret'\n"
        "[courses.demo101.sections.fa26.assignments.lab01]\n"
    )
    environment = {
        "VOLUME_PATH": environment["VOLUME_PATH"],
        "COURSE_CONFIG_PATH": str(config),
        "GOFER_SANDBOX": "process",
    }
    with LoggedProcess("gofer_ingest.grader", environment) as grader:
        assert grader.wait() == 2
    assert "names files of secrets (demo101/fa26/lab01)" in grader.lines[-1]["line"]


@pytest.mark.usefixtures("edx")
def test_a_name_that_is_no_utf8_is_said_and_no_failure_of_ours(
    environment: dict[str, str],
) -> None:
    done = run_gofer(environment, "post", "list", "--student", "a\udcff")
    assert (done.returncode, done.stdout) == (1, "")
    assert "--student: a name may not hold the character U+DCFF." in done.stderr
