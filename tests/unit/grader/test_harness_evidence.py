"""What is evidence of tampering, and what is only want of room."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING
from unittest import mock

import pytest

from gofer_ingest.grader.harness import probe
from gofer_ingest.grader.harness.canary import Canary, CanaryState
from gofer_ingest.grader.harness.evidence import REPORT_ROOM_BYTES, REPORT_SUFFIX, Evidence
from gofer_ingest.grader.harness.stops import Watch

if TYPE_CHECKING:
    from pathlib import Path

HOARDS = """
hoard, size = [], 64 << 20
while size:
    try:
        hoard.append(bytearray(size))
    except MemoryError:
        size //= 2
print("full", flush=True)
input()
"""
IS_SHORT = f"""
import os, resource, subprocess, sys
from gofer_ingest.grader.harness import memory
assert not memory.is_short(os.getpid())
resource.setrlimit(resource.RLIMIT_DATA, (512 << 20, 512 << 20))
assert not memory.is_short(os.getpid())
command = [sys.executable, "-c", {HOARDS!r}]
pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
with subprocess.Popen(command, **pipes) as other:
    assert other.stdout.readline() == b"full\\n"
    assert memory.is_short(other.pid)
    other.communicate(b"\\n")
assert not memory.is_short(other.pid)
"""


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "results.pkl"


def probed() -> Evidence:
    return Evidence(Canary("q9"), was_probed=True)


def with_results(evidence: Evidence, *names: str) -> CanaryState:
    """Let a zip of two tests have results of these names."""
    scores = SimpleNamespace(
        results={name: SimpleNamespace(_score=None) for name in names},
        has_catastrophic_failure=lambda: False,
    )
    evidence.take_scores(scores, 2, Watch(cell_time_s=1.0, ends_at=0.0))
    return evidence.canary_state


FULL = os.statvfs_result((4096, 4096, 100, 0, 0, 100, 50, 50, 0, 255))


def test_a_probe_that_says_nothing_is_silent(results: Path) -> None:
    evidence = probed()
    evidence.make_room(str(results))
    evidence.take_report(results)
    assert evidence.as_json()["probe"] == "silent"


def test_the_probe_has_room_that_was_there_before_the_notebook(results: Path) -> None:
    probed().make_room(str(results))
    place = results.with_name(results.name + REPORT_SUFFIX)
    assert place.stat().st_size == place.stat().st_blocks * 512 == REPORT_ROOM_BYTES
    said = json.dumps(probe.fingerprints())
    assert 2 * len(said) < REPORT_ROOM_BYTES


def test_without_room_at_the_start_silence_shows_nothing(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "posix_fallocate", mock.Mock(side_effect=OSError))
    evidence = probed()
    evidence.make_room(str(results))
    evidence.take_report(results)
    assert evidence.as_json()["probe"] == "answered"
    assert evidence.findings == []


def test_in_want_of_memory_silence_shows_nothing(results: Path) -> None:
    evidence = probed()
    evidence.make_room(str(results))
    evidence.is_memory_short = True
    evidence.take_report(results)
    assert not evidence.is_silent


def test_a_canary_whose_result_was_taken_away_is_missing() -> None:
    assert with_results(probed(), "q1", "q2") is CanaryState.MISSING
    all_written = probed()
    all_written.has_all = True
    assert with_results(all_written, "q1") is CanaryState.MISSING
    assert with_results(probed(), "q1") is CanaryState.NOT_RUN


def test_in_want_of_memory_a_canary_may_be_without_a_result() -> None:
    evidence = probed()
    evidence.is_memory_short = True
    assert with_results(evidence, "q1", "q2") is CanaryState.NOT_RUN


def test_on_a_full_disk_kept_results_may_be_older_than_the_canary(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence = probed()
    evidence.make_room(str(results))
    monkeypatch.setattr(os, "statvfs", lambda _: FULL)
    evidence.take_report(results)
    assert with_results(evidence, "q1", "q2") is CanaryState.NOT_RUN
    evidence.has_all = True  # then otter's own results were written after all
    assert with_results(evidence, "q1", "q2") is CanaryState.MISSING


def test_a_process_near_its_limit_of_memory_is_short() -> None:
    subprocess.run([sys.executable, "-c", IS_SHORT], check=True)


def test_mocks_any_is_nothing_under_its_own_name() -> None:
    names = {"ANY": mock.ANY}
    assert probe.always_equal(names, 1.0) == []
    assert probe.always_equal({"total": mock.ANY, "seen": [mock.ANY]}, 1.0) == ["total", "seen"]


def test_the_name_of_mocks_any_hides_no_other_value() -> None:
    always = type("Always", (), {"__eq__": lambda *_: True, "__hash__": None})
    assert probe.always_equal({"ANY": always()}, 1.0) == ["ANY"]
