"""`gofer backup` and `gofer restore`, beside a grader that works and one that was stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.gradebook.engine import open_gradebook
from tests.support.commands import run_gofer
from tests.support.processes import LoggedProcess
from tests.unit.shared.gradebook_samples import graded, record, submitted

if TYPE_CHECKING:
    from pathlib import Path


def test_a_gradebook_is_backed_up_while_graded_and_put_back_when_not(tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    engine = open_gradebook(volume)
    record(engine, submitted("ada"), graded(7.0))
    engine.dispose()
    environment = {
        "VOLUME_PATH": str(volume),
        "GOFER_AUTOGRADERS": str(tmp_path),
        "GOFER_SANDBOX": "process",
        "GOFER_BACKUPS": str(tmp_path / "elsewhere"),
    }
    mine = tmp_path / "mine.db"
    with LoggedProcess("gofer_ingest.grader", environment) as grader:
        told = grader.logged("backup_made")
        assert told["size_bytes"] > 0
        done = run_gofer(environment, "backup", str(mine))
        assert done.returncode == 0, done.stderr
        done = run_gofer(environment, "restore", str(mine))
        assert done.returncode == 1
        assert "Stop it first" in done.stderr
    (daily,) = (tmp_path / "elsewhere").iterdir()
    assert str(daily) == told["file"]

    engine = open_gradebook(volume)
    record(engine, submitted("ben"), graded(3.0))
    engine.dispose()
    done = run_gofer(environment, "restore", str(daily))
    assert done.returncode == 0, done.stderr
    assert "2026-09-01 12:00 UTC" in done.stderr
    listed = run_gofer(environment, "grades", "list").stdout
    assert "ada" in listed
    assert "ben" not in listed
    assert len(list(volume.glob("gradebook-replaced-*.db"))) == 1
    done = run_gofer(environment, "backup")
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "elsewhere").iterdir())) == 2
    done = run_gofer(environment, "backup", str(tmp_path / "missing" / "mine.db"))
    assert done.returncode == 1
    assert f"there is no folder {tmp_path / 'missing'}" in done.stderr
