"""What the command line does not load for those who do not need it."""

from __future__ import annotations

import subprocess
import sys

from tests.support.processes import ROOT

LATER = ("alembic", "mako", "streamlit", "gofer_console.demo.run")


def test_a_command_starts_without_what_only_others_need() -> None:
    script = f"""
import sys
import gofer_console.cli
print([name for name in {LATER!r} if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
