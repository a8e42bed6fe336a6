"""The sample course graded for real: every sandbox ends every sample as `expected.toml` says."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gofer_console.demo.samples import Outcome, difference, load_samples
from gofer_ingest.grader.docker_sandbox import DockerSandbox
from gofer_ingest.grader.process_sandbox import ProcessSandbox
from shared.catalogue import Defaults, load_catalogue
from shared.model import AssignmentKey
from tests.docker.conftest import DOCKER_HOST, IMAGE
from tests.support.grading import grade

if TYPE_CHECKING:
    from gofer_console.demo.samples import Sample
    from gofer_ingest.grader.sandbox import Sandbox

COURSE = Path(__file__).resolve().parents[2] / "examples" / "demo101"
SAMPLES = load_samples(COURSE / "expected.toml")


@pytest.fixture(
    scope="module", params=["process", pytest.param("docker", marks=pytest.mark.docker)]
)
def outcomes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, dict[str, Outcome]]:
    """All samples graded in one of the sandboxes, two at a time."""
    volume = tmp_path_factory.mktemp("volume")
    sandbox: Sandbox = ProcessSandbox(volume)
    if request.param == "docker":
        request.getfixturevalue("engine")
        sandbox = DockerSandbox(IMAGE, volume, DOCKER_HOST)
    catalogue = load_catalogue(
        course_config=COURSE / "course.toml",
        autograders=COURSE / "autograders",
        defaults=Defaults(),
        course=None,
    )

    def outcome(sample: Sample) -> tuple[str, Outcome]:
        assignment = catalogue.find(AssignmentKey("demo101", "1", sample.assignment))
        notebook = (COURSE / sample.file).read_bytes()
        zipped = assignment.autograder_zip.read_bytes()
        result = grade(sandbox, zipped, notebook, assignment.limits)
        return sample.file, Outcome(result.verdict, result.score, result.wall_s, result.flags)

    with ThreadPoolExecutor(2) as pool:
        graded = dict(pool.map(outcome, SAMPLES))
    assert sandbox.reap() == 0, "a container was left behind"
    return sandbox.name, graded


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: Path(sample.file).stem)
def test_sample_ends_as_expected(sample: Sample, outcomes: tuple[str, dict[str, Outcome]]) -> None:
    sandbox, graded = outcomes
    assert difference(sample, graded[sample.file], sandbox) is None


def test_there_are_at_least_ten_samples_of_every_kind() -> None:
    assert len(SAMPLES) >= 10
    assert {"graded", "timed_out", "out_of_memory"} <= {str(sample.verdict) for sample in SAMPLES}
