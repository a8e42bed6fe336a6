"""What the demo shows of its results."""

from __future__ import annotations

import io

from rich.console import Console

from gofer_console.demo.report import differences, one_line, results, results_table
from gofer_console.demo.samples import Outcome, Sample
from shared.model import Score, Verdict

SAMPLES = (
    Sample(
        file="a.ipynb",
        student="chloé",
        assignment="lab01",
        verdict=Verdict.GRADED,
        score=10,
        points_possible=10,
    ),
    Sample(file="b.ipynb", student="[red]", assignment="lab01", verdict=Verdict.TIMED_OUT),
)
OUTCOMES = (
    Outcome(Verdict.GRADED, Score(8.5, 10), 3.21),
    Outcome(Verdict.TIMED_OUT, None, 20.0),
)


def test_the_table_has_a_line_for_each_sample_with_its_numbers_aligned() -> None:
    written = io.StringIO()
    console = Console(file=written, width=100, markup=False)
    console.print(results_table(results(SAMPLES, OUTCOMES, "docker")))
    assert [line.rstrip() for line in written.getvalue().splitlines()] == [
        "student  assignment  score  points  verdict    seconds  as expected",
        "chloé    lab01        8.50   10.00  graded         3.2  no",
        "[red]    lab01           -       -  timed_out     20.0  yes",
    ]


def test_what_is_not_as_expected_is_said_with_file_and_student() -> None:
    assert differences(results(SAMPLES, OUTCOMES, "docker")) == [
        "a.ipynb by chloé: expected 10 of 10 points, but it got 8.5 of 10 points"
    ]


def test_one_line_says_who_what_and_how() -> None:
    said = [one_line(*pair) for pair in zip(SAMPLES, OUTCOMES, strict=True)]
    assert said == [
        "chloé: lab01 graded 8.5 of 10 in 3.2 s",
        "[red]: lab01 timed_out in 20.0 s",
    ]
