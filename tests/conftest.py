"""What every test run prints: how long each folder took, beside what it may take.

The suite is to stay under forty minutes on two cores as it grows. A folder past its budget is said
loudly and fails nothing: machines here and there are noisy.
"""

from __future__ import annotations

import os
import signal
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    import pytest

BUDGETS_S: Final = {
    "unit": 60.0,
    "integration": 420.0,
    "docker": 1140.0,
    "browser": 300.0,
    "chaos": 180.0,
}
"""Seconds on two cores. The unit folder is meant to take 20 on a quiet machine."""

# How long an example takes, or the making of it, is the machine's doing. New examples are for those
# who can look into them: where GOFER_SAME_EXAMPLES is 1 each run has those of the one before.
settings.register_profile(
    "gofer",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("GOFER_SAME_EXAMPLES") == "1",
)
settings.load_profile("gofer")

_seconds: defaultdict[str, float] = defaultdict(float)


def pytest_configure() -> None:
    """Heed Ctrl-C, also where this was started in a shell's background, which has it ignored.

    What tests start inherits it, and some of them send it.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up what each folder takes, set-up and tear-down included."""
    folder = Path(report.nodeid.split("::")[0]).parts
    _seconds[folder[1] if len(folder) > 1 else folder[0]] += report.duration


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print each folder's seconds beside its budget."""
    terminalreporter.section("time by folder")
    for folder, seconds in _seconds.items():
        budget = BUDGETS_S.get(folder)
        line = f"tests/{folder}: {seconds:.0f} s"
        if budget is not None:
            line += f" of {budget:.0f} s"
        is_over = budget is not None and seconds > budget
        terminalreporter.write_line(line + (" OVER ITS BUDGET" if is_over else ""), red=is_over)
