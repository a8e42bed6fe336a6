"""The total is otter's own: each case is also reckoned by otter from results of its own kind."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from otter.run.run_autograder import AutograderConfig
from otter.test_files import GradingResults
from otter.test_files.ok_test import OKTestFile

from gofer_ingest.grader.results import total
from shared.model import AutograderSpec, QuestionSpec, Score
from tests.unit.grader.harness_answers import SHA256

POINTS = st.integers(0, 40).map(lambda quarters: quarters / 4)
SCORED = st.lists(
    st.tuples(POINTS, st.floats(0, 1)).map(lambda pair: (pair[0], pair[0] * pair[1])), max_size=6
)
"""Questions as (points, score)."""


def spec_of(scored: list[tuple[float, float]], config: dict[str, Any]) -> AutograderSpec:
    """The spec of a zip with these questions and this `otter_config.json`."""
    points_possible = config.get("points_possible")
    return AutograderSpec(
        sha256=SHA256,
        questions=tuple(
            QuestionSpec(f"q{number}", points, hidden=False)
            for number, (points, _) in enumerate(scored)
        ),
        points_possible=(
            sum(points for points, _ in scored) if points_possible is None else points_possible
        ),
        score_threshold=config.get("score_threshold"),
    )


def ours(scored: list[tuple[float, float]], config: dict[str, Any]) -> Score:
    scores = {f"q{number}": score for number, (_, score) in enumerate(scored)}
    return total(spec_of(scored, config), scores)


def otters(scored: list[tuple[float, float]], config: dict[str, Any]) -> float:
    files = []
    for number, (points, score) in enumerate(scored):
        case = {"code": ">>> True\nTrue", "points": points}
        test_file = OKTestFile.from_spec({"name": f"q{number}", "suites": [{"cases": [case]}]})
        test_file.update_score(score)
        files.append(test_file)
    results = GradingResults(files)
    output = results.to_gradescope_dict(AutograderConfig(config))
    # without a rule in the zip's config Gradescope adds up the questions
    return float(output.get("score", results.total))


def assert_agrees(scored: list[tuple[float, float]], config: dict[str, Any]) -> Score:
    score = ours(scored, config)
    assert score.points == pytest.approx(otters(scored, config))
    return score


def test_questions_are_added_up() -> None:
    assert assert_agrees([(2.0, 1.5), (3.0, 3.0)], {}) == Score(4.5, 5.0)


def test_points_possible_rescale_the_total() -> None:
    score = assert_agrees([(2.0, 1.0), (3.0, 1.5)], {"points_possible": 100})
    assert score == Score(50.0, 100.0)


@pytest.mark.parametrize(("earned", "points"), [(3.5, 5.0), (3.4, 0.0), (5.0, 5.0), (0.0, 0.0)])
def test_a_threshold_gives_all_or_nothing(earned: float, points: float) -> None:
    assert assert_agrees([(5.0, earned)], {"score_threshold": 0.7}) == Score(points, 5.0)


@pytest.mark.parametrize(("earned", "points"), [(4.0, 20.0), (3.9, 0.0)])
def test_a_threshold_gives_all_or_nothing_of_points_possible(earned: float, points: float) -> None:
    config = {"score_threshold": 0.8, "points_possible": 20}
    assert assert_agrees([(5.0, earned)], config) == Score(points, 20.0)


@pytest.mark.parametrize("scored", [[], [(0.0, 0.0)]])
@pytest.mark.parametrize(
    ("config", "score"),
    [
        ({}, Score(0.0, 0.0)),
        ({"points_possible": 10}, Score(0.0, 10.0)),
        ({"score_threshold": 0.5}, Score(0.0, 0.0)),
        ({"score_threshold": 0.5, "points_possible": 10}, Score(0.0, 10.0)),
        ({"score_threshold": 0, "points_possible": 10}, Score(10.0, 10.0)),
    ],
)
def test_a_zip_without_points_is_no_division_by_zero(
    scored: list[tuple[float, float]], config: dict[str, Any], score: Score
) -> None:
    assert assert_agrees(scored, config) == score


def test_a_question_without_a_score_counts_as_zero() -> None:
    assert total(spec_of([(2.0, 0.0), (3.0, 0.0)], {}), {"q0": 2.0}) == Score(2.0, 5.0)


@settings(max_examples=50, deadline=None)
@given(scored=SCORED)
def test_a_plain_total_agrees_with_otters(scored: list[tuple[float, float]]) -> None:
    assert_agrees(scored, {})


@settings(max_examples=50, deadline=None)
@given(scored=SCORED, points_possible=st.integers(1, 200))
def test_a_rescaled_total_agrees_with_otters(
    scored: list[tuple[float, float]], points_possible: int
) -> None:
    score = assert_agrees(scored, {"points_possible": points_possible})
    assert 0.0 <= score.points <= score.possible + 1e-9


@settings(max_examples=50, deadline=None)
@given(
    scored=SCORED,
    threshold=st.floats(0, 1),
    points_possible=st.none() | st.integers(1, 200),
)
def test_all_or_nothing_agrees_with_otters(
    scored: list[tuple[float, float]], threshold: float, points_possible: int | None
) -> None:
    config = {"score_threshold": threshold, "points_possible": points_possible}
    assert assert_agrees(scored, config).points in {0.0, spec_of(scored, config).points_possible}
