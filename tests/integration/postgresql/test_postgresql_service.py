"""The whole service on PostgreSQL: real server, real grader, real database."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from shared.gradebook.engine import open_reader
from shared.gradebook.queries import grades_of_record
from tests.integration.test_end_to_end import RIGHT, WRONG, grader, installation, server, submit
from tests.support.processes import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def test_a_notebook_becomes_a_grade_and_a_csv_row_in_postgresql(
    tmp_path: Path, no_gradebook: str
) -> None:
    secret = tmp_path / "database"
    secret.write_text(f"{no_gradebook}\n")
    environment = installation(tmp_path, "process") | {"GOFER_DATABASE_URL_FILE": str(secret)}
    with server(environment) as door, grader(environment) as worker:
        right = submit(door, "josé", RIGHT)
        wrong = submit(door, "a@b.edu", WRONG)
        worker.logged("run_recorded", submission_id=right["id"], verdict="graded", score=2.0)
        worker.logged("run_recorded", submission_id=wrong["id"], verdict="graded", score=0.0)
        assert (worker.stop(), door.stop()) == (0, 0)
    volume = tmp_path / "volume"
    assert not (volume / "gradebook.db").exists()
    reader = open_reader(volume, no_gradebook)
    assert reader is not None
    assert {row.student: row.score.points for row in grades_of_record(reader)} == {
        "josé": 2.0,
        "a@b.edu": 0.0,
    }
    reader.dispose()
    dumped = subprocess.run(
        [sys.executable, "-m", "gofer_console.dump_grades"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert dumped.returncode == 0, dumped.stderr
    with (volume / "grades.csv").open(encoding="utf-8") as handle:
        assert {row["userid"]: row["grade"] for row in csv.DictReader(handle)} == {
            "josé": "1.0",
            "a@b.edu": "0.0",
        }
