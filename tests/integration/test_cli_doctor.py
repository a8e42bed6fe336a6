"""`gofer doctor` on real volumes, with the grader's own checks merged in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from shared.gradebook.engine import open_gradebook
from shared.spool import Spool
from tests.support.commands import run_gofer
from tests.support.processes import LoggedProcess
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
