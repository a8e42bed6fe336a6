"""What a run shows of tampering with its tests: the canary's end, and what the probe found.

The probe's cell runs in the notebook's kernel, and a notebook that is clever enough can answer in
its place. What it may say is compared here, in the harness's own process.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import canary as canary_module
from . import kept_results, probe
from .canary import Canary, CanaryState

if TYPE_CHECKING:
    from .stops import Watch

REPORT_SUFFIX = ".probe"
REPORT_MAX_BYTES = 1 << 20
REPORT_ROOM_BYTES = 256 << 10
"""What the probe has to say takes a quarter of it."""
DISK_SHORT_BYTES = 1 << 20
FINDINGS_MAX = 10
FINDING_MAX_CHARACTERS = 200
_COMPARING_S = 2.0
"""How long the probe may compare values, all together."""
_PROBE_SOURCE = """\
__import__("builtins").exec({source!r} + {call!r}, {{"__name__": "probe"}})
"""
_COLLECTOR = kept_results.KeptResults.__qualname__

# Now, before any job: the harness itself is to put some of its own behind otter's names.
_EXPECTED = probe.fingerprints()


@dataclass
class Evidence:
    """What is known of one run.

    Attributes:
        canary: what was laid; None where the zip takes none.
        has_plugins: whether the zip's plugins may change scores after the kernel's end.
        was_probed: whether the kernel was given the probe, and the time to run it.
        has_all: whether otter's last cell wrote the results.
        findings: in plain words for staff.
        is_silent: whether the probe was to answer and did not.
        is_memory_short: whether the kernel had hardly any memory left in the canary's or the
            probe's turn: what is missing then shows nothing.
    """

    canary: Canary | None = None
    has_plugins: bool = False
    was_probed: bool = False
    has_all: bool = False
    findings: list[str] = field(default_factory=list)
    is_silent: bool = False
    is_memory_short: bool = False
    canary_state: CanaryState = CanaryState.NOT_RUN
    _nonce: str = field(default_factory=lambda: secrets.token_hex(16))
    _has_room: bool = False
    _is_disk_short: bool = False

    def __post_init__(self) -> None:
        if self.canary is None:
            self.canary_state = CanaryState.LEFT_OUT

    def probe_source(self, results: str, cell_time_s: float) -> str:
        """Return the source of the probe's cell.

        Args:
            results: path of the file that the run's results go to.
            cell_time_s: how long a cell may run; the probe is done long before that.
        """
        source = Path(probe.__file__).read_text("utf-8")
        path, all_s = results + REPORT_SUFFIX, min(_COMPARING_S, cell_time_s / 4)
        call = f"\nreport({path!r}, {self._nonce!r}, {_COLLECTOR!r}, {all_s!r})\n"
        return _PROBE_SOURCE.format(source=source, call=call)

    def make_room(self, results: str) -> None:
        """Set room on the disk aside for the probe, before the notebook may fill all there is."""
        with contextlib.suppress(OSError), Path(results + REPORT_SUFFIX).open("xb") as file:
            os.posix_fallocate(file.fileno(), 0, REPORT_ROOM_BYTES)
            self._has_room = True

    def take_report(self, results: Path) -> None:
        """Read what the probe wrote beside `results`, once the kernel is gone, and remove it."""
        path = Path(f"{results}{REPORT_SUFFIX}")
        self._is_disk_short = _left_bytes(path.parent) < DISK_SHORT_BYTES
        report = _report(path, self._nonce)
        with contextlib.suppress(OSError):
            path.unlink()
        if not self.was_probed:
            return
        if report is None:
            self.is_silent = self._has_room and not self.is_memory_short
            return
        self.findings += _changes(report)

    def take_scores(self, scores: Any, tests: int, watch: Watch) -> None:
        """Take the canary out of otter's results, and look for what no kernel of otter's writes.

        Args:
            scores: otter's results; from here on as if there had been no canary.
            tests: how many tests the zip has of its own.
            watch: of the run.
        """
        results = getattr(scores, "results", None)
        if not isinstance(results, dict) or scores.has_catastrophic_failure():
            return
        result = canary_module.take_out(results, self.canary)
        if self.canary is not None:
            self.canary_state = self._state(result, has_others=len(results) >= tests, watch=watch)
        if not self.has_plugins and any(
            getattr(test_file, "_score", None) is not None for test_file in results.values()
        ):
            self.findings.append("A result holds a score that no test gave it.")

    def _state(self, result: Any, *, has_others: bool, watch: Watch) -> CanaryState:
        if result is not None:
            failed = canary_module.has_failed(result)
            return CanaryState.FAILED if failed else CanaryState.PASSED
        if self.is_memory_short:
            return CanaryState.NOT_RUN
        if self.has_all:
            return CanaryState.MISSING
        # what was kept is as old as the last time that there was room for it
        is_missing = has_others and not watch.stops and not self._is_disk_short
        return CanaryState.MISSING if is_missing else CanaryState.NOT_RUN

    def as_json(self) -> dict[str, Any]:
        """Return what the answer tells of it."""
        state = "not_run"
        if self.is_silent:
            state = "silent"
        elif self.was_probed:
            state = "answered"
        told = [finding[:FINDING_MAX_CHARACTERS] for finding in self.findings]
        if len(told) > FINDINGS_MAX:
            told = [*told[: FINDINGS_MAX - 1], f"{len(told) - FINDINGS_MAX + 1} more."]
        return {"canary": self.canary_state.value, "probe": state, "findings": told}


def _left_bytes(folder: Path) -> int:
    try:
        disk = os.statvfs(folder)
    except OSError:
        return 0  # the notebook took the folder away
    return disk.f_bavail * disk.f_frsize


def _report(path: Path, nonce: str) -> dict[str, Any] | None:
    try:
        # neither a link nor a pipe that nobody writes to may hold this up
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            data = file.read(REPORT_MAX_BYTES + 1)
        report = json.loads(data) if len(data) <= REPORT_MAX_BYTES else None
    except (OSError, ValueError, RecursionError):
        return None
    is_ours = (
        isinstance(report, dict)
        and report.get("nonce") == nonce
        and isinstance(report.get("fingerprints"), dict)
        and isinstance(report.get("always_equal"), list)
    )
    return report if is_ours else None


def _changes(report: dict[str, Any]) -> list[str]:
    found = [
        f"The value of {str(name)!a} equals whatever it is compared with."
        for name in report["always_equal"]
    ]
    changed = differences(_EXPECTED, report["fingerprints"])
    if report.get("collector") != probe.collector_text(kept_results.KeptResults):
        changed.append("the list of otter's results")
    found += [f"Changed by the end of the run: {name!a}." for name in changed]
    return found


def differences(expected: dict[str, str], found: dict[str, Any]) -> list[str]:
    """Return the names behind which something else stands than `expected`, or that are new.

    Modules that are held by name are left out where only one side has loaded them; what is new in
    `builtins` changes nothing for anyone.
    """
    changed = [
        name
        for name, text in expected.items()
        if found.get(name) != text and not (text.startswith("module ") and name not in found)
    ]
    new = [
        str(name)
        for name, text in found.items()
        if name not in expected
        and not name.startswith("builtins.")
        and not str(text).startswith("module ")
    ]
    return sorted(changed + new)
