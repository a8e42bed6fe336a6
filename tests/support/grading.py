"""Grading one notebook in a given sandbox, as the worker would."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from gofer_ingest.grader.notebooks import without_outputs
from gofer_ingest.grader.results import conclude, read_spec
from gofer_ingest.grader.sandbox import Job
from shared.model import Limits, Sha256, new_run_id

if TYPE_CHECKING:
    from gofer_ingest.grader.sandbox import RawResult, Sandbox
    from shared.model import AutograderSpec, GradingResult

TEST_LIMITS = Limits(time_s=60.0, memory_bytes=512 << 20)
_specs: dict[tuple[str, bytes], AutograderSpec] = {}
"""As the grader keeps them in the gradebook."""


def inspect(sandbox: Sandbox, autograder_zip: bytes) -> AutograderSpec:
    """Return the spec of a zip."""
    sha256 = Sha256(hashlib.sha256(autograder_zip).hexdigest())
    return read_spec(sandbox.inspect(None, autograder_zip), sha256)


def run(
    sandbox: Sandbox, autograder_zip: bytes, notebook: bytes, limits: Limits = TEST_LIMITS
) -> RawResult:
    """Run one notebook and return what came back."""
    run_id = new_run_id()
    slot = sandbox.prepare(None, limits, run_id)
    job = Job(run_id, without_outputs(notebook), autograder_zip, limits)
    return sandbox.run(slot, job)


def grade(
    sandbox: Sandbox, autograder_zip: bytes, notebook: bytes, limits: Limits = TEST_LIMITS
) -> GradingResult:
    """Grade one notebook, spec and all; each zip is inspected once in each kind of sandbox."""
    known = sandbox.name, autograder_zip
    if known not in _specs:
        _specs[known] = inspect(sandbox, autograder_zip)
    spec = _specs[known]
    return conclude(run(sandbox, autograder_zip, notebook, limits), spec, limits)
