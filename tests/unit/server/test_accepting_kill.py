from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

KILL_STEPS = Path(__file__).with_name("accepting_kill_steps.py")


def test_a_kill_before_any_system_call_loses_nothing_and_makes_two_entries_at_most(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(KILL_STEPS), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    kills = json.loads(done.stdout)
    # Fewer would mean that the calls are no longer seen. Two entries come of a kill between the
    # rename that shows the entry and the write that notes its receipt, and of no other.
    assert kills["calls"] >= 30, kills
    assert 4 <= kills["twice"] <= 8, kills
    assert kills["once"] == kills["calls"] + 1 - kills["twice"], kills
