from __future__ import annotations

import pytest

from gofer_ingest.grader.results import conclude
from gofer_ingest.grader.tampering import FINDINGS_MAX
from shared.model import GradingResult, Limits, Score, Verdict
from tests.unit.grader.harness_answers import (
    TWO_QUESTIONS,
    answer,
    answered,
    question,
    tampering,
)


def concluded(**changes: object) -> GradingResult:
    return conclude(answered(answer(**changes)), TWO_QUESTIONS, Limits())


@pytest.mark.parametrize("canary", ["failed", "not_run", "left_out"])
@pytest.mark.parametrize("probe", ["answered", "not_run"])
def test_a_run_that_shows_nothing_has_no_flag(canary: str, probe: str) -> None:
    result = concluded(tampering=tampering(canary, probe))
    assert result.flags == frozenset()
    assert result.staff_text == ""


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (tampering("passed"), "nobody can pass was reported as passed"),
        (tampering("missing"), "was taken away"),
        (tampering(probe="silent"), "kept from answering"),
        (tampering(findings=("Changed: 'doctest.exec'.",)), "Changed: 'doctest.exec'."),
    ],
)
def test_a_run_that_shows_tampering_keeps_its_score_and_is_flagged(
    found: dict[str, object], told: str
) -> None:
    result = concluded(tampering=found)
    assert result.verdict is Verdict.GRADED
    assert result.score == Score(1.5, 5.0)
    assert result.flags == {"tampered"}
    assert told in result.staff_text
    assert result.student_text == concluded().student_text


def test_an_implausible_score_hides_no_tampering() -> None:
    result = concluded(
        questions=[question("q1", 1000.0, 2.0), question("q2", 0.0, 3.0)],
        tampering=tampering("passed"),
    )
    assert result.verdict is Verdict.CRASHED
    assert result.flags == {"implausible_score", "tampered"}


def test_a_probe_that_memory_ended_is_not_held_against_anyone() -> None:
    result = concluded(
        tampering=tampering(probe="silent"), memory={"peak_bytes": 1 << 27, "oom_kills": 1}
    )
    assert result.flags == frozenset()


def test_a_run_without_results_is_not_flagged() -> None:
    result = concluded(kind="failed", questions=[], tampering=tampering(probe="silent"))
    assert result.flags == frozenset()


def test_a_canary_that_was_left_out_is_in_the_log() -> None:
    assert "No canary was laid" in concluded(tampering=tampering("left_out")).log_tail
    assert "No canary was laid" not in concluded().log_tail


@pytest.mark.parametrize(
    "found",
    [
        {},
        tampering("sang"),
        tampering(probe="well"),
        tampering(findings=("x" * 201,)),
        tampering(findings=("x",) * (FINDINGS_MAX + 1)),
        {**tampering(), "more": 1},
    ],
)
def test_another_shape_is_no_answer_of_the_harness(found: dict[str, object]) -> None:
    result = concluded(tampering=found)
    assert result.verdict is Verdict.CRASHED
    assert result.score is None
