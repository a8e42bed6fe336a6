"""Measure the staff console in a real browser on a large gradebook, beside nbgrader's formgrader.

`python -m tests.bench.console [--million]` makes a gradebook of 1,000 students, 20 assignments and
5 attempts (with `--million`, of 10,000 students), serves it by `gofer console`, and drives Debian's
Chromium. In the same run it does the like with 1,000 students and one assignment, in Gofer and in
nbgrader. It exits 1 where a promise is not kept; at a million submissions each may take twice as
long.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from playwright.sync_api import sync_playwright
from rich.table import Table

from gofer_console import terminal
from tests.bench.browsing import REPEATED, Timed, peak_bytes
from tests.bench.console_pages import SESSIONS, console_on, measure_grades, watch_overview
from tests.bench.formgrader import formgrader_on, is_there, measure_formgrader
from tests.bench.generated_gradebook import generate
from tests.browser.conftest import ARGUMENTS

if TYPE_CHECKING:
    from playwright.sync_api import Browser

STUDENTS: Final = 1000
ASSIGNMENTS: Final = 20
ATTEMPTS: Final = 5
PROMISED_S: Final = {"opened": 1.0, "paged": 0.5, "searched": 0.5, "filtered": 0.5}
PROMISED_CORES: Final = 0.10
PROMISED_BYTES: Final = 300_000_000
MILLION_TIMES: Final = 2
"""How many times as long each may take at a million submissions."""
_SAID: Final = {
    "opened": "Grades opened, warm",
    "by student": "Students by assignments opened",
    "paged": "Another page of rows",
    "searched": "A search for a student",
    "filtered": "One more assignment in the filter",
}
_CPU: Final = ("server's CPU", "browser's CPU")


class Console(NamedTuple):
    """What was measured of one console.

    Attributes:
        timed: by what was done.
        cores: that ten sessions on the overview took.
        peak_bytes: the most memory that its process had resident.
    """

    timed: dict[str, Timed]
    cores: float
    peak_bytes: int


def measure(browser: Browser, volume: Path, students: int, assignments: int) -> Console:
    """Serve a volume by a console of its own and measure that."""
    with console_on(volume) as (link, process):
        timed = measure_grades(browser, link, process, students, assignments)
        cores = watch_overview(browser, link, process)
        return Console(timed, cores, peak_bytes(process))


def main() -> int:
    """Make the gradebooks, measure, print the tables; return the exit code."""
    asked = _asked()
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("There is no chromium on the PATH.")
    students = STUDENTS * 10 if asked.million else STUDENTS
    out = terminal.out()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gofer-bench-")))
        volume = _volume(folder / "large", students, ASSIGNMENTS, ATTEMPTS)
        small = _volume(folder / "small", STUDENTS, 1, 1)
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        stack.callback(browser.close)
        out.print(
            f"{os.cpu_count()} cores for the servers and Chromium {browser.version} together; "
            f"load {os.getloadavg()[0]:.1f} before. Medians of {REPEATED}, from the gesture until "
            "the browser has drawn what it changed.\n"
        )
        found = measure(browser, volume, students, ASSIGNMENTS)
        grades = students * ASSIGNMENTS
        title = f"Gofer, {grades * ATTEMPTS:,} submissions, {grades:,} grades of record"
        times = MILLION_TIMES if asked.million else 1
        out.print(_promises(title, found, times))
        if not asked.no_peer:
            _beside_peer(browser, small, folder / "nbgrader")
        out.print(f"\nLoad {os.getloadavg()[0]:.1f} after.")
    return int(not _is_kept(found, times))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the staff console in a browser.")
    parser.add_argument("--million", action="store_true", help="A million submissions.")
    parser.add_argument("--no-peer", action="store_true", help="Leave nbgrader out.")
    return parser.parse_args()


def _volume(folder: Path, students: int, assignments: int, attempts: int) -> Path:
    folder.mkdir()
    begun = time.perf_counter()
    generate(folder, students=students, assignments=assignments, attempts=attempts)
    size = (folder / "gradebook.db").stat().st_size
    terminal.err().print(
        f"Made a gradebook of {students * assignments * attempts:,} submissions, "
        f"{size / 1e6:,.0f} MB, in {time.perf_counter() - begun:.0f} s."
    )
    return folder


def _promises(title: str, found: Console, times: int) -> Table:
    table = _table(title, "median", "worst", "promised", *_CPU)
    for what, timed in found.timed.items():
        promised = PROMISED_S.get(what)
        limit = "" if promised is None else f"{promised * times:.1f} s"
        table.add_row(_SAID[what], *_seconds(timed), limit, *_cpu(timed))
    overview = f"{SESSIONS} sessions on the overview"
    table.add_row(overview, f"{found.cores:.1%} of a core", "", f"{PROMISED_CORES:.0%}")
    memory = f"{found.peak_bytes / 1e6:.0f} MB"
    table.add_row("Memory, at its most", memory, "", f"{PROMISED_BYTES / 1e6:.0f} MB")
    return table


def _is_kept(found: Console, times: int) -> bool:
    in_time = [found.timed[what].median_s <= most * times for what, most in PROMISED_S.items()]
    return all(in_time) and found.cores <= PROMISED_CORES and found.peak_bytes <= PROMISED_BYTES


def _beside_peer(browser: Browser, volume: Path, folder: Path) -> None:
    out = terminal.out()
    if not is_there():
        out.print("\nnbgrader is not installed here; `make bench-console` does that.")
        return
    with console_on(volume) as (link, process):
        own = measure_grades(browser, link, process, STUDENTS, 1)
        own_bytes = peak_bytes(process)
    folder.mkdir()
    with formgrader_on(folder, STUDENTS) as (address, process):
        peer = measure_formgrader(browser, address, process, STUDENTS)
        peer_bytes = peak_bytes(process)
    table = _table(f"\n{STUDENTS:,} students, one assignment", "median", "worst", *_CPU)
    for what, title in (("opened", "All of it opened, warm"), ("searched", _SAID["searched"])):
        for name, timed in (("Gofer", own[what]), ("formgrader", peer[what])):
            table.add_row(f"{title}: {name}", *_seconds(timed), *_cpu(timed))
    for name, memory in (("Gofer", own_bytes), ("formgrader", peer_bytes)):
        table.add_row(f"Memory, at its most: {name}", f"{memory / 1e6:.0f} MB")
    out.print(table)
    out.print(
        "formgrader's page is of all rows, and searches in the browser; Gofer's is of the first "
        "hundred, and searches in the gradebook."
    )


def _cpu(timed: Timed) -> tuple[str, str]:
    return f"{timed.cpu_s:.2f} s", f"{timed.browser_cpu_s:.2f} s"


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    table.add_column("what")
    for name in columns:
        table.add_column(name, justify="right")
    return table


def _seconds(timed: Timed) -> tuple[str, str]:
    return f"{timed.median_s:.2f} s", f"{timed.worst_s:.2f} s"


if __name__ == "__main__":
    sys.exit(main())
