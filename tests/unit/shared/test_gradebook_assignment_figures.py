"""Figures of a whole assignment, counted in SQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from shared.gradebook.assignment_figures import (
    SCORE_BINS,
    AssignmentCounts,
    QuestionRate,
    counts_by_assignment,
    question_rates,
    score_bins,
    submissions_by_hour,
    waits,
)
from shared.model import AssignmentKey
from tests.unit.shared.gradebook_samples import (
    fresh_gradebook,
    graded,
    record,
    submitted,
    ungraded,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

KEY = AssignmentKey("demo101", "fa26", "lab01")
OTHER = AssignmentKey("demo101", "fa26", "lab02")


@pytest.fixture
def gradebook(tmp_path: Path, database_url: str | None) -> Iterator[Engine]:
    engine = fresh_gradebook(tmp_path, database_url)
    record(engine, submitted("ada"), graded(2.0))
    record(engine, submitted("ada", minutes=59), graded(10.0))
    record(engine, submitted("ben", minutes=61), graded(5.0))
    record(engine, submitted("cy", minutes=180), graded(0.0))
    record(engine, submitted("dee", minutes=59.5), ungraded())
    record(engine, submitted("dee", assignment="lab02"), graded(3.0))
    yield engine
    engine.dispose()


def test_each_assignment_is_counted(gradebook: Engine) -> None:
    assert counts_by_assignment(gradebook) == {
        KEY: AssignmentCounts(submissions=5, students=4, grades=3, mean_fraction=0.5),
        OTHER: AssignmentCounts(submissions=1, students=1, grades=1, mean_fraction=0.3),
    }


def test_scores_fall_into_bins_with_full_points_in_the_last(gradebook: Engine) -> None:
    bins = score_bins(gradebook, KEY)
    assert len(bins) == SCORE_BINS
    assert {at: number for at, number in enumerate(bins) if number} == {0: 1, 10: 1, 19: 1}


@pytest.mark.parametrize("percent", range(0, 100, 5))
def test_a_bin_begins_at_its_lower_bound(
    tmp_path: Path, database_url: str | None, percent: int
) -> None:
    engine = fresh_gradebook(tmp_path, database_url)
    record(engine, submitted("ada"), graded(percent * 0.07, 7.0))
    assert score_bins(engine, KEY)[percent // 5] == 1
    engine.dispose()


def test_questions_are_told_from_the_runs_that_make_grades(gradebook: Engine) -> None:
    assert question_rates(gradebook, KEY) == (
        QuestionRate("q2", 3, 1, 0.5),
        QuestionRate("q1", 3, 3, 0.0),
    )


def test_submissions_are_counted_by_the_hour(gradebook: Engine) -> None:
    assert submissions_by_hour(gradebook, KEY) == [
        (datetime(2026, 9, 1, 12, tzinfo=UTC), 3),
        (datetime(2026, 9, 1, 13, tzinfo=UTC), 1),
        (datetime(2026, 9, 1, 15, tzinfo=UTC), 1),
    ]


def test_waiting_is_from_receipt_to_result(gradebook: Engine) -> None:
    # Runs end at 13:00:02; what "came in" later than that waited less than no time.
    found = dict(waits(gradebook, KEY))
    assert found[5] == 2
    assert found[60] == 1
    assert found[300] == 1
    assert found[21_600] == 1
    assert sum(found.values()) == 5


def test_an_assignment_without_anything_has_empty_figures(gradebook: Engine) -> None:
    nothing = AssignmentKey("demo101", "fa26", "lab99")
    assert sum(score_bins(gradebook, nothing)) == 0
    assert question_rates(gradebook, nothing) == ()
    assert submissions_by_hour(gradebook, nothing) == []
    assert sum(number for _, number in waits(gradebook, nothing)) == 0
