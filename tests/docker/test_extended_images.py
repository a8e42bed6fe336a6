"""A zip that asks for a package which the grader image does not have."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from typing import TYPE_CHECKING

import pytest

from gofer_ingest.grader.docker_sandbox import DockerSandbox
from gofer_ingest.grader.engine import connect
from gofer_ingest.grader.sandbox import Job
from shared.errors import ImageBuildFailed
from shared.model import new_run_id
from tests.docker.conftest import DOCKER_HOST, IMAGE
from tests.support.grading import TEST_LIMITS, inspect
from tests.support.zips import autograder_zip, notebook, ok_test

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.docker

PACKAGE = "gofer-sample-extra"
ENVIRONMENT = f"""\
dependencies:
  - python=3.13
  - pip
  - pip:
    - otter-grader[grading,plugins]==7.0.0
    - {PACKAGE}>=1
"""
ZIP = autograder_zip({"q1": ok_test("q1", "answer == 42")}, environment=ENVIRONMENT)


def write_wheel(folder: Path) -> None:
    """Write a wheel of one module, by hand: a wheel is a zip with three more files."""
    info = "gofer_sample_extra-1.0.dist-info"
    files = {
        "gofer_sample_extra.py": "answer = 42\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},sha256={_digest(text)},{len(text)}\n" for name, text in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    wheel = folder / "gofer_sample_extra-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@pytest.fixture
def extended(engine: None, tmp_path: Path) -> Iterator[tuple[DockerSandbox, str]]:
    """A sandbox whose wheelhouse has the package, and the image made from it."""
    wheelhouse = tmp_path / "wheels"
    wheelhouse.mkdir()
    write_wheel(wheelhouse)
    sandbox = DockerSandbox(IMAGE, tmp_path, DOCKER_HOST, wheelhouse)
    spec = inspect(sandbox, ZIP)
    assert spec.missing == (f"{PACKAGE}>=1",)
    image = sandbox.extend(None, spec.missing)
    yield sandbox, image
    connect(DOCKER_HOST).remove_image(image, force=True)


def test_what_is_missing_comes_from_the_wheelhouse_into_an_image_made_once(
    extended: tuple[DockerSandbox, str],
) -> None:
    sandbox, image = extended
    assert b'"missing": []' in sandbox.inspect(image, ZIP)
    first = sandbox.image_id(image)
    assert sandbox.extend(None, (f"{PACKAGE}>=1",)) == image
    assert sandbox.image_id(image) == first
    run_id = new_run_id()
    slot = sandbox.prepare(image, TEST_LIMITS, run_id)
    raw = sandbox.run(
        slot, Job(run_id, notebook("from gofer_sample_extra import answer"), ZIP, TEST_LIMITS)
    )
    assert raw.answer is not None
    assert b'"score": 1.0' in raw.answer


def test_what_cannot_be_had_is_named(docker_sandbox: DockerSandbox, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    sandbox = DockerSandbox(IMAGE, tmp_path, DOCKER_HOST, empty)
    with pytest.raises(ImageBuildFailed, match=PACKAGE):
        sandbox.extend(None, (f"{PACKAGE}>=1",))


def test_an_address_is_no_requirement(docker_sandbox: DockerSandbox) -> None:
    with pytest.raises(ImageBuildFailed, match="names an address"):
        docker_sandbox.extend(None, ("evil @ https://example.org/evil.whl",))
