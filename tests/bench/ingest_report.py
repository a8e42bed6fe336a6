"""What the ingest benchmark prints and writes down."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

import tornado
from rich.table import Table

from shared.model import utc_now
from tests.bench.ingest_steps import TIMES
from tests.bench.posted_notebooks import NOTEBOOK_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rich.console import Console

    from tests.bench.ingest_steps import Step
    from tests.bench.measured_servers import Processors

TARGET_A_SECOND = 250
TARGET_P99_MS = 150
TARGET_RATIO = 0.6
TARGET_PEAK_MB = 150
_TARGET_CONNECTIONS = 50
_BUSY_SHARE = 0.5


@dataclass(frozen=True)
class Conditions:
    """On what it was measured."""

    measured_at: str
    cores: int
    machine: str
    python: str
    tornado: str
    disk: str
    processes: int

    @classmethod
    def now(cls, folder: Path, processes: Sequence[int]) -> Self:
        """Return the conditions of a run that begins now."""
        found = subprocess.run(
            ["findmnt", "--noheadings", "--output", "FSTYPE", "--target", str(folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        return cls(
            measured_at=f"{utc_now():%Y-%m-%d %H:%M} UTC",
            cores=len(os.sched_getaffinity(0)),
            machine=f"{platform.system()} {platform.release()} {platform.machine()}",
            python=platform.python_version(),
            tornado=tornado.version,
            disk=found.stdout.strip() or "unknown",
            processes=min(processes),
        )


@dataclass(frozen=True)
class Measured:
    """One server under one load.

    Attributes:
        latencies_s: shortest first.
        refused: by status; 0 is a broken connection.
        seconds: it took.
        server_cpu: what the server took of the processors meanwhile.
        students_cpu_s: what being the students took, starting up included.
        peaks_bytes: the most memory that each process has had so far.
        load_before: average of the minute before.
    """

    server: str
    connections: int
    is_burst: bool
    accepted: int
    refused: Mapping[int, int]
    seconds: float
    latencies_s: Sequence[float]
    server_cpu: Processors
    students_cpu_s: float
    peaks_bytes: Sequence[int]
    load_before: float

    @property
    def a_second(self) -> float:
        """Accepted notebooks a second."""
        return self.accepted / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Of the server, for each accepted notebook."""
        return self._each_ms(self.server_cpu.all_s)

    @property
    def kernel_ms(self) -> float:
        """Of that, in the kernel."""
        return self._each_ms(self.server_cpu.kernel_s)

    @property
    def students_ms(self) -> float:
        """Of being the students, for each accepted notebook."""
        return self._each_ms(self.students_cpu_s)

    def _each_ms(self, seconds: float) -> float:
        return 1000 * seconds / max(1, self.accepted)

    def percentile_ms(self, percent: int) -> float:
        """Return the latency that so many percent of the notebooks do not exceed."""
        if not self.latencies_s:
            return float("nan")
        place = -(-percent * len(self.latencies_s) // 100) - 1
        return 1000 * self.latencies_s[place]


@dataclass(frozen=True)
class Report:
    """One run of the benchmark.

    Attributes:
        steps: of accepting, each by itself.
        receipts: how many were given, warming up included.
        lost: one line for each receipt whose promise was not kept.
    """

    conditions: Conditions
    measured: Sequence[Measured]
    steps: Sequence[Step]
    receipts: int
    lost: Sequence[str]

    @property
    def refused(self) -> int:
        """How many requests to Gofer did not get a receipt."""
        return sum(sum(one.refused.values()) for one in self.measured if one.server == "Gofer")

    def ratio(self, connections: int) -> float:
        """Return Gofer's notebooks a second, of those of the plain handler."""
        ours, plain = self._both(connections)
        return ours.a_second / plain.a_second

    def cpu_ratio(self, connections: int) -> float:
        """Return the same by what a notebook takes of the processors, the students' part included.

        That is what the rates come to where nothing else runs and nobody waits for the disk, and it
        says the same on a machine that is busy with other things.
        """
        ours, plain = self._both(connections)
        # The students do the same for both, whichever of them is measured.
        students_ms = (ours.students_ms + plain.students_ms) / 2
        return (plain.cpu_ms + students_ms) / (ours.cpu_ms + students_ms)

    def _both(self, connections: int) -> tuple[Measured, Measured]:
        ours, plain = (
            next(m for m in self.measured if m.server == name and m.connections == connections)
            for name in ("Gofer", "plain handler")
        )
        return ours, plain


def show(report: Report, out: Console) -> None:
    """Print the figures, and whether every receipt was kept."""
    conditions = report.conditions
    table = Table()
    figures = ("a second", "p50 ms", "p95 ms", "p99 ms", "CPU ms each", "kernel's", "of plain")
    for heading in ("", *figures, "by CPU"):
        table.add_column(heading, justify="right" if heading else "left")
    for one in report.measured:
        kind = f"burst of {one.connections}" if one.is_burst else f"{one.connections} connections"
        is_beside = one.server == "Gofer" and not one.is_burst
        table.add_row(
            f"{one.server}, {kind}",
            f"{one.a_second:.0f}",
            *(f"{one.percentile_ms(percent):.1f}" for percent in (50, 95, 99)),
            f"{one.cpu_ms:.2f}",
            f"{one.kernel_ms:.2f}",
            f"{report.ratio(one.connections):.2f}" if is_beside else "",
            f"{report.cpu_ratio(one.connections):.2f}" if is_beside else "",
        )
    out.print()
    out.print(table)
    out.print(
        f"\nNotebooks of {NOTEBOOK_BYTES / 1000:.0f} kB, {conditions.processes} server processes, "
        f"{conditions.cores} processors with the students on them, {conditions.machine}, disk "
        f"{conditions.disk}, Python {conditions.python}, tornado {conditions.tornado}, "
        f"{conditions.measured_at}.",
        soft_wrap=True,
    )
    _show_steps(report, out)
    loads = [one.load_before for one in report.measured]
    out.print(
        f"Load average before the first: {loads[0]:.1f}. "
        f"Students took {_students_ms(report):.2f} ms of the processors for each notebook.",
        soft_wrap=True,
    )
    if loads[0] > _BUSY_SHARE * conditions.cores:
        out.print("This machine was busy with other things: the figures are rough.", style="yellow")
    for line in _targets(report):
        out.print(line, soft_wrap=True)
    if report.lost or report.refused:
        out.print(f"{report.refused} refused, {len(report.lost)} LOST:", style="bold red")
        for text in report.lost[:20]:
            out.print(f"  {text}", style="red", soft_wrap=True)
    else:
        out.print(
            f"None refused, none lost: each of {report.receipts} receipts has its whole entry.",
            style="green",
        )


def _show_steps(report: Report, out: Console) -> None:
    table = Table()
    table.add_column(f"step by step, in one thread, median of {TIMES}")
    table.add_column("CPU ms", justify="right")
    for step in report.steps:
        table.add_row(step.name, f"{step.cpu_ms:.3f}")
    out.print(table)


def _students_ms(report: Report) -> float:
    accepted = sum(one.accepted for one in report.measured)
    return 1000 * sum(one.students_cpu_s for one in report.measured) / max(1, accepted)


def _targets(report: Report) -> list[str]:
    """Say of each target what was measured, in one line each."""
    at_fifty = next(
        one
        for one in report.measured
        if one.server == "Gofer" and one.connections == _TARGET_CONNECTIONS
    )
    peak_mb = max(max(m.peaks_bytes) for m in report.measured if m.server == "Gofer") / 1e6
    ratio = report.ratio(_TARGET_CONNECTIONS)
    cpu_ratio = report.cpu_ratio(_TARGET_CONNECTIONS)
    p99_ms = at_fifty.percentile_ms(99)
    return [
        f"{'met' if is_met else 'MISSED'}: {text}"
        for is_met, text in (
            (
                at_fifty.a_second >= TARGET_A_SECOND,
                f"{at_fifty.a_second:.0f} a second at 50 connections; wanted {TARGET_A_SECOND}",
            ),
            (p99_ms < TARGET_P99_MS, f"p99 {p99_ms:.0f} ms there; wanted under {TARGET_P99_MS}"),
            (
                ratio >= TARGET_RATIO,
                f"{ratio:.2f} of the plain handler by the clock; wanted {TARGET_RATIO}",
            ),
            (
                cpu_ratio >= TARGET_RATIO,
                f"{cpu_ratio:.2f} of it by what both take of the processors",
            ),
            (
                peak_mb < TARGET_PEAK_MB,
                f"{peak_mb:.0f} MB at most in a process; wanted under {TARGET_PEAK_MB}",
            ),
        )
    ]


def write(report: Report, path: Path) -> None:
    """Write the whole report as JSON."""
    content = {
        "conditions": asdict(report.conditions),
        "notebook_bytes": NOTEBOOK_BYTES,
        "measured": [_figures(one, report) for one in report.measured],
        "steps_cpu_ms": {step.name: step.cpu_ms for step in report.steps},
        "receipts": report.receipts,
        "refused": report.refused,
        "lost": list(report.lost),
    }
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _figures(one: Measured, report: Report) -> dict[str, Any]:
    figures: dict[str, Any] = asdict(one)
    del figures["latencies_s"]
    figures["a_second"] = one.a_second
    figures["cpu_ms_each"] = one.cpu_ms
    figures["kernel_ms_each"] = one.kernel_ms
    figures["students_ms_each"] = one.students_ms
    figures["latency_ms"] = {f"p{p}": one.percentile_ms(p) for p in (50, 95, 99, 100)}
    if one.server == "Gofer" and not one.is_burst:
        figures["of_plain"] = report.ratio(one.connections)
        figures["of_plain_by_cpu"] = report.cpu_ratio(one.connections)
    return figures
