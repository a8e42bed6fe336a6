"""A grader killed while a grade is on its way sends it again: the same grade, not a new one."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from shared.gradebook.engine import open_gradebook
from shared.gradebook.outbox import State
from shared.gradebook.outbox_list import postings
from shared.requests import Selection
from tests.support.processes import ROOT
from tests.unit.shared.gradebook_samples import graded, record, submitted

if TYPE_CHECKING:
    from pathlib import Path


def send(volume: Path, dies: str) -> int:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.integration.passback_kill", volume, dies],
        cwd=ROOT,
        check=False,
        timeout=120,
        capture_output=True,
        text=True,
    )
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode


@pytest.mark.parametrize(("dies", "saved"), [("before", 0), ("after", 1)])
def test_what_was_on_its_way_is_sent_again_with_the_same_time(
    tmp_path: Path, dies: str, saved: int
) -> None:
    engine = open_gradebook(tmp_path)
    record(engine, submitted("ada"), graded(7.5))
    engine.dispose()
    lms = tmp_path / "lms.jsonl"
    lms.touch()
    assert send(tmp_path, dies) == -signal.SIGKILL
    assert len(lms.read_text().splitlines()) == saved
    assert send(tmp_path, "never") == 0
    rows = [json.loads(line) for line in lms.read_text().splitlines()]
    assert len(rows) == saved + 1
    assert {tuple(row) for row in rows} == {("ada", 7.5, rows[0][2])}
    engine = open_gradebook(tmp_path)
    (posting,) = postings(engine, Selection(every=True))
    engine.dispose()
    assert posting.state is State.SENT
    assert send(tmp_path, "never") == 0
    assert len(lms.read_text().splitlines()) == saved + 1  # nothing is sent for nothing
