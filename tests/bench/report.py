"""What the benchmark prints and writes down."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from otter.version import __version__ as otter_version
from rich.table import Table

from shared.model import utc_now

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rich.console import Console

    from tests.bench.scores import Measured, Timed

PEER: Final = "otter grade"
_MIB = 1 << 20
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
        ours: what each kind of Gofer took, by its name.
        differences: where their scores differ, one sentence each.
    """

    conditions: Conditions
    peer: Measured
    ours: Mapping[str, Measured]
    differences: Sequence[str]

    @property
    def graded(self) -> int:
        """How many notebooks each graded."""
        return sum(len(timed.scores) for timed in self.peer.timed)


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
        f"Load average before all of it: {report.peer.load_before:.1f}; before the many notebooks: "
        + ", ".join(
            f"{name} {measured.load_before_burst:.1f}"
            for name, measured in {PEER: report.peer, **report.ours}.items()
        )
        + ". Being the students and looking for the grades took "
        + ", ".join(
            f"{measured.burst.students_cpu_s:.1f} processor seconds of the "
            f"{measured.burst.seconds:.1f} seconds of {name}"
            for name, measured in report.ours.items()
        )
        + ".",
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
        "ours": {
            name: _figures(measured)
            | {
                "times_as_fast": {
                    "one_notebook": report.peer.one_s / measured.one_s,
                    "notebooks_a_minute": measured.a_minute / report.peer.a_minute,
                }
            }
            for name, measured in report.ours.items()
        },
        "scores_are_identical": not report.differences,
        "differences": list(report.differences),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _table(report: Report) -> Table:
    peer, ours = report.peer, report.ours.values()
    everyone = [peer, *ours]
    table = Table()
    table.add_column("")
    for heading in (PEER, *report.ours):
        table.add_column(heading, justify="right")
    table.add_row(
        f"seconds for one notebook (median of {len(peer.singles)})",
        *(f"{measured.one_s:.2f}" for measured in everyone),
    )
    table.add_row(
        "… times as fast", "", *(f"{peer.one_s / measured.one_s:.2f}" for measured in ours)
    )
    table.add_row(
        f"notebooks a minute ({len(peer.burst.scores)} at once)",
        *(f"{measured.a_minute:.1f}" for measured in everyone),
    )
    table.add_row(
        "… times as many", "", *(f"{measured.a_minute / peer.a_minute:.2f}" for measured in ours)
    )
    table.add_row(
        "processor seconds a notebook, whole machine",
        *(f"{measured.cpu_each_s:.2f}" for measured in everyone),
    )
    table.add_row(
        "memory in use rose by at most",
        *(f"{measured.burst.memory_bytes / _MIB:.0f} MiB" for measured in everyone),
    )
    return table


def _figures(measured: Measured) -> dict[str, Any]:
    return {
        "one_notebook_s": measured.one_s,
        "notebooks_a_minute": measured.a_minute,
        "load_before": measured.load_before,
        "load_before_burst": measured.load_before_burst,
        "cpu_s_a_notebook": measured.cpu_each_s,
        "warm_up": _timed(measured.warm_up),
        "singles": [_timed(timed) for timed in measured.singles],
        "burst": _timed(measured.burst),
    }


def _timed(timed: Timed) -> dict[str, Any]:
    return {
        "seconds": timed.seconds,
        "students_cpu_s": timed.students_cpu_s,
        "cpu_s": timed.cpu_s,
        "memory_bytes": timed.memory_bytes,
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
