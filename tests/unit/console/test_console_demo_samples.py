"""Which samples there are, and what counts as the expected outcome."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gofer_console.demo.samples import Alternative, Outcome, Sample, difference, load_samples
from shared.errors import ConfigError
from shared.model import Score, Verdict

if TYPE_CHECKING:
    from pathlib import Path

GRADED = Sample(
    file="a.ipynb",
    student="ben",
    assignment="lab01",
    verdict=Verdict.GRADED,
    score=5,
    points_possible=10,
)
HOG = Sample(
    file="b.ipynb",
    student="grace",
    assignment="lab01",
    verdict=Verdict.OUT_OF_MEMORY,
    process=Alternative(any_of=(Verdict.GRADED, Verdict.CRASHED)),
)

LISTED = """
[[submissions]]
file = "submissions/a.ipynb"
student = "chloé"
assignment = "lab01"
verdict = "graded"
score = 8.5
points_possible = 10.0

[[submissions]]
file = "submissions/b.ipynb"
student = "grace"
assignment = "lab01"
verdict = "out_of_memory"

[submissions.process]
any_of = ["graded", "crashed"]
"""


def graded(points: float, possible: float = 10) -> Outcome:
    return Outcome(Verdict.GRADED, Score(points, possible), 1.0)


def test_the_same_verdict_and_score_are_as_expected() -> None:
    assert difference(GRADED, graded(5 + 1e-9), "docker") is None


def test_another_score_is_said_with_both() -> None:
    assert difference(GRADED, graded(4), "docker") == (
        "expected 5 of 10 points, but it got 4 of 10 points"
    )


def test_a_flag_that_is_not_there_is_said() -> None:
    sample = GRADED.model_copy(update={"flags": frozenset({"cell_timeout"})})
    assert difference(sample, graded(5), "docker") == "expected the flag cell_timeout"
    flags = frozenset({"cell_timeout", "output_truncated"})
    assert difference(sample, replace(graded(5), flags=flags), "docker") is None


def test_the_same_points_out_of_others_differ() -> None:
    assert difference(GRADED, graded(5, 12), "docker") is not None


def test_another_verdict_is_said_with_both() -> None:
    assert difference(GRADED, Outcome(Verdict.CRASHED, None, 1.0), "docker") == (
        "expected graded, but it ended as crashed"
    )


def test_an_alternative_holds_in_its_own_sandbox_alone() -> None:
    assert difference(HOG, graded(3), "process") is None
    assert difference(HOG, graded(3), "docker") is not None
    assert difference(HOG, Outcome(Verdict.OUT_OF_MEMORY, None, 1.0), "process") is None
    assert difference(HOG, Outcome(Verdict.TIMED_OUT, None, 1.0), "process") is not None


def test_samples_are_read_in_the_files_order(tmp_path: Path) -> None:
    (tmp_path / "expected.toml").write_text(LISTED, "utf-8")
    first, second = load_samples(tmp_path / "expected.toml")
    assert (first.student, first.expected_score) == ("chloé", Score(8.5, 10))
    assert (second.expected_score, second.alternatives("process")) == (
        None,
        (Verdict.GRADED, Verdict.CRASHED),
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("score = 8.5", "", "submissions.0"),
        ('verdict = "graded"', 'verdict = "fine"', "submissions.0.verdict"),
        ('student = "grace"', 'student = ""', "submissions.1.student"),
        ("[submissions.process]", "[submissions.proces]", "submissions.1.proces"),
        ("any_of", "[", "expected.toml"),
    ],
)
def test_a_file_that_cannot_be_understood_is_said_with_the_place(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    (tmp_path / "expected.toml").write_text(LISTED.replace(old, new, 1), "utf-8")
    with pytest.raises(ConfigError, match=said):
        load_samples(tmp_path / "expected.toml")


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_samples(tmp_path / "expected.toml")
