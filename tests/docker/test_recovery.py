"""A grader killed with its hands full, and what the next one makes of it; all of it real."""

from __future__ import annotations

import hashlib
import signal
import sqlite3
import time
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gofer_ingest.grader.engine import connect
from shared.spool import Place, Spool
from tests.docker.conftest import DOCKER_HOST
from tests.support.delivered import POINTS, deliver, small_course
from tests.support.processes import LoggedProcess, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from shared.model import SubmissionId

pytestmark = pytest.mark.docker

DELIVERED = 75
UNSETTLED_AT_THE_KILL = 50
CONCURRENCY = 2
FIRST_VERDICT_WITHIN_S = 10.0
ALL_GRADED_WITHIN_S = 400.0


def grader(environment: dict[str, str], module: str = "gofer_ingest.grader") -> LoggedProcess:
    return LoggedProcess(module, environment)


def initial_runs(volume: Path) -> list[tuple[str, str, float, int]]:
    """Read every initial run, without Gofer's own code: submission, verdict, score, tries."""
    path = f"file:{volume}/gradebook.db?mode=ro"
    with closing(sqlite3.connect(path, uri=True, timeout=30)) as gradebook:
        return gradebook.execute(
            "SELECT submission_id, verdict, score, tries FROM grading_runs WHERE reason = 'initial'"
        ).fetchall()


def containers(volume: Path) -> dict[str, str]:
    """Return the state of each container of a volume's, by its id."""
    mark = hashlib.sha256(str(volume.resolve()).encode()).hexdigest()[:16]
    found = connect(DOCKER_HOST).containers(all=True, filters={"label": f"gofer.volume={mark}"})
    return {container["Id"]: container["State"] for container in found}


def is_one_in_hand(spool: Spool) -> bool:
    """Whether a pending submission has a begun try."""
    return any(spool.tries(one) > 0 for one in spool.pending())


@pytest.mark.timeout(600)
def test_a_grader_killed_with_fifty_unsettled_is_back_in_ten_seconds_and_grades_each_once(
    engine: None, tmp_path: Path
) -> None:
    environment = small_course(tmp_path, GOFER_CONCURRENCY=str(CONCURRENCY))
    volume, spool = tmp_path / "volume", Spool(tmp_path / "volume")
    delivered = {deliver(volume, f"student {number}") for number in range(DELIVERED)}
    began = time.monotonic()
    with grader(environment) as first:
        first.logged("run_recorded")
        usual_start_s = time.monotonic() - began
        wait_until(lambda: is_one_in_hand(spool))
        first.stop(signal.SIGKILL)
    orphans = {one for one, state in containers(volume).items() if state == "running"}
    unsettled = spool.pending()
    recorded_before = {submission for submission, *_ in initial_runs(volume)}
    in_hand = {one for one in unsettled if spool.tries(one) and one not in recorded_before}
    assert orphans
    assert in_hand
    assert len(unsettled) >= UNSETTLED_AT_THE_KILL

    started = time.monotonic()
    with grader(environment) as second:
        wait_until(lambda: len(initial_runs(volume)) > len(recorded_before))
        first_verdict_s = time.monotonic() - started
        wait_until(lambda: not orphans & containers(volume).keys())
        orphans_gone_s = time.monotonic() - started
        wait_until(lambda: not spool.pending(), ALL_GRADED_WITHIN_S)
        all_graded_s = time.monotonic() - started
        assert second.stop() == 0
    print(  # noqa: T201 - what was measured
        f"\nkilled with {len(unsettled)} unsettled and {len(orphans)} containers; first verdict "
        f"{first_verdict_s:.1f} s after the start ({usual_start_s:.1f} s the first time), "
        f"containers gone by {orphans_gone_s:.1f} s, all graded by {all_graded_s:.0f} s"
    )

    runs = initial_runs(volume)
    assert Counter(submission for submission, *_ in runs) == dict.fromkeys(delivered, 1)
    assert {(verdict, score) for _, verdict, score, _ in runs} == {("graded", POINTS)}
    assert {tries for submission, *_, tries in runs if submission in in_hand} == {2}
    assert {spool.find(one) for one in delivered} == {Place.ARCHIVED}
    assert containers(volume) == {}
    assert first_verdict_s < FIRST_VERDICT_WITHIN_S


def test_a_grader_killed_between_recording_and_settling_leaves_one_run_and_nothing_behind(
    engine: None, tmp_path: Path
) -> None:
    environment = small_course(tmp_path, GOFER_CONCURRENCY="1")
    volume, spool = tmp_path / "volume", Spool(tmp_path / "volume")
    delivered = [deliver(volume, student) for student in ("ada", "ben")]
    with grader(environment, "tests.support.grader_killed_before_settling") as first:
        assert first.wait() == -signal.SIGKILL
    [(recorded, *_)] = initial_runs(volume)
    assert spool.find(as_id(recorded, delivered)) is Place.NEW

    with grader(environment) as second:
        wait_until(lambda: not spool.pending())
        assert second.stop() == 0
    graded_again = [line for line in second.lines if line.get("action") == "run_recorded"]
    assert [line["submission_id"] for line in graded_again] == [
        one for one in delivered if one != recorded
    ]
    assert Counter(submission for submission, *_ in initial_runs(volume)) == dict.fromkeys(
        delivered, 1
    )
    assert {spool.find(one) for one in delivered} == {Place.ARCHIVED}
    assert containers(volume) == {}


def as_id(text: str, known: list[SubmissionId]) -> SubmissionId:
    return next(one for one in known if one == text)
