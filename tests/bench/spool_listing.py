"""Measure how long the spool takes to list 20,000 pending entries.

`python tests/bench/spool_listing.py [FOLDER]` makes the entries in a temporary folder (inside
FOLDER, to measure another disk), lists them, and prints milliseconds beside those of the bare
`os.listdir` in the same run. The file system's cache is warm, as it is for a running grader.
"""

# ruff: noqa: T201 - figures are what a benchmark is for

from __future__ import annotations

import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from shared.model import new_submission_id
from shared.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Callable

ENTRIES = 20_000
ROUNDS = 21


def fill(spool: Spool) -> None:
    """Make entries as deliveries leave them, without the fsyncs that listing does not depend on."""
    for _ in range(ENTRIES):
        entry = spool.new_dir / new_submission_id()
        entry.mkdir()
        (entry / "envelope.json").write_bytes(b"{}")
        (entry / "submission.ipynb").write_bytes(b"{}")


def timed_ms(listing: Callable[[], list[str]]) -> list[float]:
    """Time the rounds of a listing; shortest first."""
    taken_ms = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        found = listing()
        taken_ms.append((time.perf_counter() - begun) * 1000)
        if len(found) != ENTRIES:
            raise SystemExit(f"listed {len(found)} entries of {ENTRIES}")
    return sorted(taken_ms)


def main() -> None:
    parent = sys.argv[1] if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        spool = Spool(Path(folder))
        spool.prepare()
        fill(spool)
        measured: dict[str, list[float]] = {
            "Spool.pending": timed_ms(lambda: list(spool.pending())),
            "os.listdir": timed_ms(lambda: os.listdir(spool.new_dir)),  # noqa: PTH208 - the floor
        }
    print(
        f"{ENTRIES} pending entries, {ROUNDS} rounds, warm; Python {platform.python_version()}, "
        f"{os.cpu_count()} cores"
    )
    for what, taken_ms in measured.items():
        print(
            f"  {what:14} median {statistics.median(taken_ms):5.1f} ms   "
            f"best {taken_ms[0]:5.1f} ms   worst {taken_ms[-1]:5.1f} ms"
        )


if __name__ == "__main__":
    main()
