"""A zip that asks for a package which the grader image does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gofer_ingest.grader.docker_sandbox import DockerSandbox
from gofer_ingest.grader.engine import connect
from gofer_ingest.grader.sandbox import Job
from shared.errors import ImageBuildFailed
from shared.model import new_run_id
from tests.docker.conftest import DOCKER_HOST, IMAGE
from tests.support.grading import TEST_LIMITS, inspect
from tests.support.wheels import environment_asking_for, write_wheel
from tests.support.zips import autograder_zip, notebook, ok_test

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.docker

PACKAGE = "gofer-sample-extra"
ZIP = autograder_zip(
    {"q1": ok_test("q1", "answer == 42")}, environment=environment_asking_for(PACKAGE)
)


@pytest.fixture
def extended(engine: None, tmp_path: Path) -> Iterator[tuple[DockerSandbox, str]]:
    """A sandbox whose wheelhouse has the package, and the image made from it."""
    wheelhouse = tmp_path / "wheels"
    wheelhouse.mkdir()
    write_wheel(wheelhouse, PACKAGE)
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
