from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

KILL_STEPS = Path(__file__).with_name("gradebook_kill_steps.py")


def test_a_kill_before_any_step_leaves_all_or_nothing_and_the_next_start_completes_it(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(KILL_STEPS), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    steps = json.loads(done.stdout)
    # Fewer would mean that the steps are no longer seen, and nothing was killed.
    assert steps["record"] >= 20, steps
    assert steps["import"] >= 50, steps
    assert steps["apply"] >= 30, steps
