"""Only a run in which nothing was out of the ordinary leaves its container to another."""

from __future__ import annotations

from typing import Any

import pytest

from gofer_ingest.grader.harness.grading import is_uneventful

ANSWER: dict[str, Any] = {
    "kind": "results",
    "stops": [],
    "output_truncated": False,
    "tampering": {"canary": "failed", "probe": "answered", "findings": []},
}


def with_tampering(**seen: object) -> dict[str, Any]:
    return ANSWER | {"tampering": ANSWER["tampering"] | seen}


@pytest.mark.parametrize("answer", [ANSWER, with_tampering(canary="left_out")])
def test_a_notebook_that_was_graded_is_uneventful(answer: dict[str, Any]) -> None:
    assert is_uneventful(answer)


@pytest.mark.parametrize(
    "answer",
    [
        *(ANSWER | {"kind": kind} for kind in ("refused", "failed", "timed_out", "kernel_died")),
        ANSWER | {"stops": [{"cell": 1, "check": None, "how": "interrupted"}]},
        ANSWER | {"output_truncated": True},
        *(with_tampering(canary=state) for state in ("passed", "missing", "not_run")),
        *(with_tampering(probe=state) for state in ("silent", "not_run")),
        with_tampering(findings=["Changed by the end of the run: 'doctest'."]),
    ],
)
def test_whatever_was_stopped_cut_short_or_changed_is_an_event(answer: dict[str, Any]) -> None:
    assert not is_uneventful(answer)
