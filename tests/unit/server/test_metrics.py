from __future__ import annotations

from typing import TYPE_CHECKING

from gofer_ingest.server.grader_state import GraderState
from gofer_ingest.server.metrics import Metrics
from shared.model import AssignmentKey
from shared.spool import Spool

if TYPE_CHECKING:
    from pathlib import Path

KEY = AssignmentKey("demo101", "1", "lab01")


def at_work() -> GraderState:
    return GraderState(is_running=True, paused=None, silent_s=2.0)


def lines(metrics: Metrics) -> set[str]:
    return set(metrics.text().decode().splitlines())


def test_sections_are_not_told_apart_so_that_labels_stay_few(tmp_path: Path) -> None:
    metrics = Metrics(Spool(tmp_path), at_work)
    metrics.accepted(KEY, 0.02)
    metrics.accepted(AssignmentKey("demo101", "2", "lab01"), 0.2)
    told = lines(metrics)
    labels = '{assignment="lab01",course="demo101"}'
    assert f"gofer_submissions_accepted_total{labels} 2.0" in told
    assert 'gofer_accept_seconds_bucket{le="0.025"} 1.0' in told
    assert 'gofer_accept_seconds_bucket{le="0.25"} 2.0' in told


def test_each_process_counts_by_itself(tmp_path: Path) -> None:
    one, other = Metrics(Spool(tmp_path), at_work), Metrics(Spool(tmp_path), at_work)
    one.rejected("too_large")
    one.received(100)
    one.in_hand(2)
    one.connections(5)
    assert {
        'gofer_requests_rejected_total{code="too_large"} 1.0',
        "gofer_received_bytes_total 100.0",
        "gofer_requests_in_hand 2.0",
        "gofer_connections 5.0",
    } <= lines(one)
    assert "gofer_received_bytes_total 0.0" in lines(other)


def test_every_name_is_ours_and_explained(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.prepare()
    metrics = Metrics(spool, at_work)
    metrics.accepted(KEY, 1)
    metrics.rejected("busy")
    told = metrics.text().decode().splitlines()
    explained = {line.split()[2] for line in told if line.startswith("# HELP ")}
    for line in told:
        if not line.startswith("#"):
            assert any(line.startswith(name) for name in explained), line
    assert all(name.startswith("gofer_") for name in explained)


def test_the_grader_is_told_by_whether_it_runs_and_why_it_is_paused(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    told = lines(Metrics(spool, at_work))
    assert {"gofer_grader_running 1.0", "gofer_grader_silent_seconds 2.0"} <= told
    assert not any(line.startswith("gofer_grader_paused{") for line in told)
    told = lines(
        Metrics(spool, lambda: GraderState(is_running=True, paused="engine", silent_s=2.0))
    )
    assert {"gofer_grader_running 1.0", 'gofer_grader_paused{reason="engine"} 1.0'} <= told
    told = lines(Metrics(spool, lambda: GraderState(is_running=False, paused=None, silent_s=None)))
    assert "gofer_grader_running 0.0" in told
    assert not any(line.startswith("gofer_grader_silent_seconds") for line in told)


def test_how_many_sandboxes_were_ready_is_told(tmp_path: Path) -> None:
    def warm() -> GraderState:
        return GraderState(
            is_running=True, paused=None, silent_s=2.0, warm_idle=3, warm_hits=20, warm_misses=2
        )

    assert {
        "gofer_grader_warm_idle 3.0",
        'gofer_grader_slots_total{ready="yes"} 20.0',
        'gofer_grader_slots_total{ready="no"} 2.0',
    } <= lines(Metrics(Spool(tmp_path), warm))
