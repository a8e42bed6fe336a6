"""What the demo shows of its results: a table, and each sample that is not as expected. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from gofer_console.demo.samples import Outcome, Sample, difference
from shared.model import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_VERDICT_STYLES = {Verdict.GRADED: "green"}


@dataclass(frozen=True, slots=True)
class Result:
    """One sample, how it ended, and how that differs from what is expected, if it does."""

    sample: Sample
    outcome: Outcome
    difference: str | None


def results(
    samples: Sequence[Sample], outcomes: Sequence[Outcome], sandbox: str
) -> tuple[Result, ...]:
    """Return each sample with its outcome, in the samples' order."""
    return tuple(
        Result(sample, outcome, difference(sample, outcome, sandbox))
        for sample, outcome in zip(samples, outcomes, strict=True)
    )


def results_table(found: Iterable[Result]) -> Table:
    """Return the results as a table: who, what, how many points, how it ended, how long it took."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("student", overflow="fold")
    table.add_column("assignment", overflow="fold")
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("points", justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("seconds", justify="right", no_wrap=True)
    table.add_column("as expected", no_wrap=True)
    for result in found:
        score = result.outcome.score
        verdict = result.outcome.verdict
        table.add_row(
            result.sample.student,
            result.sample.assignment,
            f"{score.points:.2f}" if score else "-",
            f"{score.possible:.2f}" if score else "-",
            Text(verdict, style=_VERDICT_STYLES.get(verdict, "yellow")),
            f"{result.outcome.grading_s:.1f}",
            Text("no", style="bold red") if result.difference else Text("yes", style="green"),
        )
    return table


def differences(found: Iterable[Result]) -> list[str]:
    """Return one line for each sample that is not as expected."""
    return [
        f"{result.sample.file} by {result.sample.student}: {result.difference}"
        for result in found
        if result.difference
    ]


def one_line(sample: Sample, outcome: Outcome) -> str:
    """Return what is said of a sample the moment its verdict is there."""
    score = outcome.score
    points = f" {score.points:g} of {score.possible:g}" if score else ""
    return (
        f"{sample.student}: {sample.assignment} {outcome.verdict}{points}"
        f" in {outcome.grading_s:.1f} s"
    )
