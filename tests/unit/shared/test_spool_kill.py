from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

KILL_STEPS = Path(__file__).with_name("spool_kill_steps.py")


def test_a_kill_before_any_system_call_leaves_nothing_or_a_whole_entry_in_one_place(
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
    calls = json.loads(done.stdout)
    # Fewer would mean that the calls are no longer seen, and nothing was killed.
    assert set(calls) == {"deliver", "begin_try", "settle", "bury", "retry", "discard"}
    assert min(calls.values()) >= 8, calls
