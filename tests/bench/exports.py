"""Measure exports of a large gradebook: rows, seconds, and the peak memory of the process.

`python -m tests.bench.exports [--students 20000] [--assignments 50]` makes a gradebook in a
temporary folder, runs `gofer grades export` in a process of its own for each layout and format, and
prints a table. It exits 1 where one failed or took more memory than is promised.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final, NamedTuple

from rich.table import Table

from gofer_console import terminal
from tests.bench.generated_gradebook import generate
from tests.support.processes import ROOT

PROMISED_BYTES: Final = 300_000_000
"""Peak memory of an export, at most."""

EXPORTS: Final = (
    ("gofer", "csv"),
    ("gofer", "xlsx"),
    ("wide", "csv"),
    ("wide", "xlsx"),
    ("questions", "csv"),
    ("canvas", "csv"),
    ("moodle", "csv"),
    ("edx", "csv"),
    ("classic", "csv"),
)


class Measured(NamedTuple):
    """One export.

    Attributes:
        rows: as the command said.
        peak_bytes: the process's largest resident set.
        is_well: whether it ended with 0.
    """

    rows: str
    seconds: float
    peak_bytes: int
    file_bytes: int
    is_well: bool


def measure(volume: Path, layout: str, file_format: str) -> Measured:
    """Run one export in a process of its own."""
    output = volume / f"export.{file_format}"
    command = [sys.executable, "-m", "gofer_console.cli", "grades", "export", "-o", str(output)]
    command += ["--layout", layout, "--format", file_format]
    if layout == "edx":
        command += ["--assignment", "lab000", "--section", "sec000"]
    begun = time.perf_counter()
    child = subprocess.Popen(
        command,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "VOLUME_PATH": str(volume)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None
    with child.stderr as said:
        lines = said.read().splitlines()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - begun
    size = output.stat().st_size if output.exists() else 0
    output.unlink(missing_ok=True)
    if child.returncode:
        terminal.err().print("\n".join(lines))
    rows = lines[0].split(" row")[0] if lines else ""
    return Measured(rows, seconds, usage.ru_maxrss * 1024, size, child.returncode == 0)


def main() -> int:
    """Make the gradebook, measure every export, print the table; return the exit code."""
    parser = argparse.ArgumentParser(description="Measure exports of a large gradebook.")
    parser.add_argument("--students", type=int, default=20_000)
    parser.add_argument("--assignments", type=int, default=50)
    asked = parser.parse_args()
    out, is_well = terminal.out(), True
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("layout", "format"):
        table.add_column(name)
    for name in ("rows", "seconds", "peak memory", "file"):
        table.add_column(name, justify="right")
    with tempfile.TemporaryDirectory(prefix="gofer-bench-") as folder:
        volume = Path(folder)
        begun = time.perf_counter()
        generate(volume, students=asked.students, assignments=asked.assignments)
        size = (volume / "gradebook.db").stat().st_size
        out.print(
            f"{asked.students * asked.assignments:,} grades of {asked.students:,} students and "
            f"{asked.assignments} assignments, {size / 1e6:,.0f} MB, "
            f"made in {time.perf_counter() - begun:.0f} s; {os.cpu_count()} cores, "
            f"load {os.getloadavg()[0]:.1f}"
        )
        for layout, file_format in EXPORTS:
            found = measure(volume, layout, file_format)
            is_well &= found.is_well and found.peak_bytes <= PROMISED_BYTES
            table.add_row(
                layout,
                file_format,
                found.rows,
                f"{found.seconds:.1f}",
                f"{found.peak_bytes / 1e6:.0f} MB",
                f"{found.file_bytes / 1e6:.1f} MB",
            )
    out.print(table)
    out.print(f"Promised: at most {PROMISED_BYTES / 1e6:.0f} MB of memory.")
    return int(not is_well)


if __name__ == "__main__":
    sys.exit(main())
