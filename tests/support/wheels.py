"""Wheels made by hand: a wheel is a zip with three more files."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_wheel(folder: Path, package: str) -> None:
    """Write a wheel of one module, in which `answer` is 42.

    Args:
        folder: where to.
        package: its name, with `-`; the module has it with `_`. The version is 1.0.
    """
    module = package.replace("-", "_")
    info = f"{module}-1.0.dist-info"
    files = {
        f"{module}.py": "answer = 42\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},sha256={_digest(text)},{len(text)}\n" for name, text in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    wheel = folder / f"{module}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)


def environment_asking_for(package: str) -> str:
    """Return an `environment.yml` as otter writes it, with one package more."""
    return f"""\
dependencies:
  - python=3.13
  - pip
  - pip:
    - otter-grader[grading,plugins]==7.0.0
    - {package}>=1
"""


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
