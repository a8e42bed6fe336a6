"""Measure how many notebooks a second the server takes in, beside a handler that promises nothing.

`python -m tests.bench.ingest [--seconds 8] [--folder FOLDER]` prints tables and writes
`var/bench/ingest.json`. It exits 1 where a notebook was refused or a receipt's promise was not
kept, and never for a time. What is measured and how: `docs/performance.md`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from gofer_console import terminal
from shared.errors import SpoolError
from shared.model import SubmissionId
from shared.spool import Spool
from tests.bench.ingest_report import Conditions, Measured, Report, show, write
from tests.bench.ingest_steps import measure_steps
from tests.bench.measured_servers import ROOT, MeasuredServer, gofer, plain
from tests.bench.posted_notebooks import PostedNotebooks
from tests.bench.receipts import Promise, broken
from tests.bench.report import load
from tests.bench.students import Came, Plan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

CONNECTIONS = (1, 50, 200)
SECONDS = 8.0
BURST_STUDENTS = 500
BURST_S = 10.0
_WARM_UP_S = 1.0
_NUMBERS_APART = 1_000_000
"""Between the first notebooks of two measurements, so that none is posted twice."""


class Bench:
    """One run: both servers stand beside each other and take turns."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._out = terminal.out()
        self._runs = 0
        self.measured: list[Measured] = []
        self.numbers: list[tuple[int, str, str]] = []
        """Of Gofer's receipts: the notebook's number, the id, the SHA-256."""

    def run(self, servers: Sequence[MeasuredServer]) -> None:
        """Measure each server with each number of connections, and Gofer with the burst."""
        for server in servers:
            self._post(server, 10, _WARM_UP_S)
        for connections in CONNECTIONS:
            for server in servers:
                self._measure(server, connections, self._seconds)
        self._measure(servers[0], BURST_STUDENTS, BURST_S, is_burst=True)

    def _measure(
        self, server: MeasuredServer, connections: int, seconds: float, *, is_burst: bool = False
    ) -> None:
        what = (
            f"{connections} students within {seconds:g} s" if is_burst else f"{connections} at once"
        )
        self._out.print(f"{server.name}: {what} … ", end="")
        load_before, cpu_before = load(), server.processors
        came = self._post(server, connections, seconds, is_burst=is_burst)
        measured = Measured(
            server=server.name,
            connections=connections,
            is_burst=is_burst,
            accepted=len(came.latencies_s),
            refused=came.others,
            seconds=came.seconds,
            latencies_s=sorted(came.latencies_s),
            server_cpu=server.processors.since(cpu_before),
            students_cpu_s=came.cpu_s,
            peaks_bytes=server.peaks_bytes,
            load_before=load_before,
        )
        self.measured.append(measured)
        self._out.print(f"{measured.a_second:.0f} a second")

    def _post(
        self, server: MeasuredServer, connections: int, seconds: float, *, is_burst: bool = False
    ) -> Came:
        first = self._runs * _NUMBERS_APART
        self._runs += 1
        plan = Plan("127.0.0.1", server.port, server.path, first, connections, seconds, is_burst)
        students = subprocess.run(
            [sys.executable, "-m", "tests.bench.students"],
            cwd=ROOT,
            input=json.dumps(asdict(plan)),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        came = Came(**json.loads(students.stdout))
        if server.name == "Gofer":
            self.numbers += [(n, receipt["id"], receipt["sha256"]) for n, receipt in came.receipts]
        return came


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; return its exit code."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, _leave)
    parent = ROOT / "var" / "bench"
    parent.mkdir(parents=True, exist_ok=True)
    bench = Bench(options.seconds)
    # By default on the project's own disk: `/tmp` may be memory, where fsync costs nothing.
    with tempfile.TemporaryDirectory(dir=options.folder or parent, prefix="run-") as name:
        folder = Path(name)
        with ExitStack() as stack:
            servers = [
                stack.enter_context(gofer(folder / "gofer", parent / "logs" / "server.log")),
                stack.enter_context(plain(folder / "plain", parent / "logs" / "plain.log")),
            ]
            conditions = Conditions.now(folder, [len(server.peaks_bytes) for server in servers])
            bench.run(servers)
        lost = _lost(folder / "gofer" / "volume", bench.numbers)
        steps = measure_steps(folder / "steps")
    report = Report(conditions, bench.measured, steps=steps, receipts=len(bench.numbers), lost=lost)
    path = parent / "ingest.json"
    write(report, path)
    out = terminal.out()
    show(report, out)
    out.print(f"Every figure, machine-readable: {path.relative_to(ROOT)}", soft_wrap=True)
    return 1 if lost or report.refused else 0


def _lost(volume: Path, numbers: Sequence[tuple[int, str, str]]) -> list[str]:
    """Look for the entry of every receipt, after the server has gone."""
    notebooks = PostedNotebooks.of("demo101", "1", "lab01")
    spool = Spool(volume)

    def stored_sha256(entry_id: str) -> str | None:
        try:
            return hashlib.sha256(spool.read(SubmissionId(entry_id)).notebook()).hexdigest()
        except SpoolError:
            return None

    promises = (Promise(id_, sha256, notebooks.sha256(n)) for n, id_, sha256 in numbers)
    return broken(promises, stored_sha256)


def _leave(_number: int, _frame: FrameType | None) -> None:
    # as an exception, so that the servers and the folder go with the benchmark
    sys.exit(128 + signal.SIGTERM)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.ingest",
        description="Measure the server beside a plain handler in one run on this machine.",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=SECONDS,
        help=f"for how long each number of connections is measured (default: {SECONDS:g})",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        help="on which disk: a folder for the volumes (default: the project's own var/bench)",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
