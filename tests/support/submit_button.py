"""The Submit button's wheel, built and installed as on a campus."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Final

from tests.support.processes import ROOT

if TYPE_CHECKING:
    from pathlib import Path

SOURCE: Final = ROOT / "gofer_ingest" / "labextension"
"""The distribution's source."""
CODE: Final = SOURCE / "labextension" / "code"
"""Its JavaScript."""
DEADLINE_S: Final = 120.0


def build_wheel(folder: Path) -> Path:
    """Build the wheel into a folder, as `make submit-button` does, and return its path."""
    _run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=SOURCE,
    )
    (wheel,) = folder.glob("gofer_submit-*.whl")
    return wheel


def install_wheel(wheel: Path, prefix: Path, python: Path) -> dict[str, str]:
    """Install the wheel beside an environment that stays as it is.

    Args:
        wheel: as `build_wheel` made it.
        prefix: folder it is installed into.
        python: the interpreter of the environment with Jupyter.

    Returns:
        The variables with which that environment's Jupyter finds it.
    """
    uv = ROOT / ".venv" / "bin" / "uv"
    options = ["--quiet", "--no-deps", "--offline", "--no-cache"]
    _run([uv, "pip", "install", *options, "--prefix", prefix, "--python", python, wheel])
    (packages,) = prefix.glob("lib/python*/site-packages")
    return {
        "JUPYTER_PATH": str(prefix / "share" / "jupyter"),
        "JUPYTER_CONFIG_PATH": str(prefix / "etc" / "jupyter"),
        "PYTHONPATH": str(packages),
    }


def _run(command: list[str | Path], cwd: Path = ROOT) -> None:
    done = subprocess.run(
        command,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )
    assert done.returncode == 0, done.stderr
