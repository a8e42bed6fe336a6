"""What a zip asks to be installed, next to what is installed here."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING, Any

import pytest

from gofer_ingest.grader.harness.inspection import inspect
from tests.support.zips import autograder_zip, ok_test

if TYPE_CHECKING:
    from pathlib import Path

INSTALLED = metadata.version("packaging")
OTTERS_OWN = """
name: otter-env
channels: [defaults, conda-forge]
dependencies:
  - python=3.12
  - pip
  - nb_conda_kernels
  - pip:
    - otter-grader[grading]==7.0.0
    - packaging>=1
    - gofer-demo-package==2.*
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "inspected"


def found_in(
    folder: Path, *, environment: str | None = None, requirements: str | bytes | None = None
) -> dict[str, Any]:
    files = None
    if requirements is not None:
        data = requirements if isinstance(requirements, bytes) else requirements.encode()
        files = {"../requirements.txt": data}
    tests = {"q1": ok_test("q1", "x")}
    zipped = autograder_zip(tests, environment=environment)
    if files is not None:
        zipped = autograder_zip(tests, environment=environment, others=files)
    return inspect(zipped, folder)
