"""What the benchmark prints and writes down."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from otter.version import __version__ as otter_version
from rich.table import Table

from shared.model import utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from tests.bench.scores import Measured, Timed

_BUSY_SHARE = 0.5
"""Of the processors: with more than this in use by others, figures are rough."""


@dataclass(frozen=True)
class Conditions:
    """What was measured, and on what."""

    measured_at: str
    cores: int
    machine: str
    engine: str
    image_id: str
    otter: str

    @classmethod
    def now(cls, *, cores: int, engine: str, image_id: str) -> Self:
        """Return the conditions of a run that begins now."""
        return cls(
            measured_at=f"{utc_now():%Y-%m-%d %H:%M} UTC",
            cores=cores,
            machine=f"{platform.system()} {platform.release()} {platform.machine()}",
            engine=engine,
            image_id=image_id,
            otter=otter_version,
        )


@dataclass(frozen=True)
class Report:
    """One run of the benchmark.

    Attributes:
        conditions: of the run.
        peer: what `otter grade` took.
        ours: what Gofer took.
        differences: where their scores differ, one sentence each.
    """

    conditions: Conditions
    peer: Measured
    ours: Measured
    differences: Sequence[str]

    @property
    def graded(self) -> int:
        """How many notebooks each graded."""
        return sum(len(timed.scores) for timed in self.ours.timed)


def load() -> float:
    """Return how many processes wanted a processor during the last minute, on average."""
    return os.getloadavg()[0]


def show(report: Report, out: Console) -> None:
    """Print the figures, and whether the scores agree."""
    conditions = report.conditions
    out.print()
    out.print(_table(report))
    out.print(
        f"\n{conditions.cores} processors, {conditions.machine}, engine {conditions.engine}, "
        f"otter-grader {conditions.otter}, image {conditions.image_id[7:19]}, "
        f"{conditions.measured_at}.",
        soft_wrap=True,
    )
    out.print(
        f"Load average before: otter grade {report.peer.load_before:.1f}, "
        f"Gofer {report.ours.load_before:.1f}. Being the students and looking for the grades took "
        f"{report.ours.burst.students_cpu_s:.1f} processor seconds of Gofer's "
        f"{report.ours.burst.seconds:.1f} seconds.",
        soft_wrap=True,
    )
    # The second one's minute still has the first one's own load in it.
    if report.peer.load_before > _BUSY_SHARE * conditions.cores:
        out.print("This machine was busy with other things: the figures are rough.", style="yellow")
    if report.differences:
        out.print("The scores DIFFER:", style="bold red")
        for line in report.differences:
            out.print(f"  {line}", style="red", soft_wrap=True)
    else:
        out.print(
            f"All scores are identical, question by question ({report.graded} notebooks).",
            style="green",
        )


def write(report: Report, path: Path) -> None:
    """Write the whole report as JSON."""
    content = {
        "conditions": asdict(report.conditions),
        "otter_grade": _figures(report.peer),
        "gofer": _figures(report.ours),
        "ratio": {
            "one_notebook": report.peer.one_s / report.ours.one_s,
            "notebooks_a_minute": report.ours.a_minute / report.peer.a_minute,
        },
        "scores_are_identical": not report.differences,
        "differences": list(report.differences),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _table(report: Report) -> Table:
    peer, ours = report.peer, report.ours
    table = Table()
    table.add_column("")
    for heading in ("otter grade", "Gofer", "Gofer is"):
        table.add_column(heading, justify="right")
    table.add_row(
        f"seconds for one notebook (median of {len(ours.singles)})",
        f"{peer.one_s:.2f}",
        f"{ours.one_s:.2f}",
        f"{peer.one_s / ours.one_s:.2f} times as fast",
    )
    table.add_row(
        f"notebooks a minute ({len(ours.burst.scores)} at once)",
        f"{peer.a_minute:.1f}",
        f"{ours.a_minute:.1f}",
        f"{ours.a_minute / peer.a_minute:.2f} times as fast",
    )
    return table


def _figures(measured: Measured) -> dict[str, Any]:
    return {
        "one_notebook_s": measured.one_s,
        "notebooks_a_minute": measured.a_minute,
        "load_before": measured.load_before,
        "warm_up": _timed(measured.warm_up),
        "singles": [_timed(timed) for timed in measured.singles],
        "burst": _timed(measured.burst),
    }


def _timed(timed: Timed) -> dict[str, Any]:
    return {
        "seconds": timed.seconds,
        "students_cpu_s": timed.students_cpu_s,
        "scores": [
            {
                "notebook": score.notebook,
                "points": score.points,
                "points_possible": score.possible,
                "questions": {name: earned for name, (earned, _) in score.questions.items()},
            }
            for score in timed.scores
        ],
    }
