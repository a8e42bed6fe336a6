"""The autograder zips as the grader may use them: read, inspected once, proven by their solution.

A zip is known by the SHA-256 of its bytes, never by its path: staff may replace it at any time, and
a replaced zip is inspected and proven again before it grades anyone.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gofer_ingest.grader.extensions import Extensions
from gofer_ingest.grader.notebooks import InvalidNotebook, without_outputs
from gofer_ingest.grader.results import conclude, read_spec
from gofer_ingest.grader.sandbox import ImageId, Job, Sandbox
from shared.catalogue import read_zip
from shared.errors import (
    AssignmentBlocked,
    ImageMissing,
    InspectionFailed,
    ResultsUnreadable,
)
from shared.gradebook.queries import find_autograder
from shared.gradebook.record import record_autograder
from shared.model import AutograderSpec, Sha256, Verdict, new_run_id

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from shared.catalogue import Assignment

INSPECT_AGAIN_AFTER_S: Final = 600.0
"""How long an inspection that came to no end is held against a zip. It takes a place of the
grader's for minutes, and may have failed for a reason of the machine's."""

LOOKED_THROUGH_WITHIN_S: Final = 20.0
"""How long after somebody began to look through a zip, or to run its solution, others wait for
that. It is most often done by then, and all that wait keep the places of other assignments."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Autograder:
    """A zip that may grade.

    Attributes:
        data: its bytes.
        spec: what it holds.
        image: the name of the image to grade in, None for the grader's own.
        image_id: what that name means now.
    """

    data: bytes
    spec: AutograderSpec
    image: str | None
    image_id: ImageId


@dataclass(frozen=True, slots=True)
class _Stamp:
    """Enough to see that a file was replaced without reading it."""

    size: int
    mtime_ns: int
    inode: int


@dataclass(slots=True)
class _Look:
    """Who looks through a zip.

    Attributes:
        lock: whoever does has it.
        since: when they began, monotonic; None while nobody does.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    since: float | None = None


class Autograders:
    """Hands out autograders; threads may ask at the same time."""

    def __init__(self, sandbox: Sandbox, gradebook: Engine) -> None:
        self._sandbox = sandbox
        self._extensions = Extensions(sandbox)
        self._gradebook = gradebook
        self._lock = threading.Lock()
        self._looks: dict[Path, _Look] = {}
        self._zips: dict[Path, tuple[_Stamp, bytes, Sha256]] = {}
        self._specs: dict[tuple[Sha256, ImageId], AutograderSpec] = {}
        self._failed: dict[tuple[Sha256, ImageId], tuple[float, str]] = {}
        self._proofs: dict[tuple[Sha256, ImageId, Sha256], str] = {}

    def ready(self, assignment: Assignment) -> Autograder:
        """Return what grades `assignment` now.

        Raises:
            AssignmentBlocked: staff have to mend something; the text says what.
            SandboxUnavailable: the engine does not answer.
            ImageMissing: there is no grader image. One that this assignment alone names is for
                staff to mend.
            HarnessNotReady: the zip could not be inspected.
            RunInterrupted: somebody outside ended that.
            GradebookError: what was found could not be written down.
        """
        # One at a time for each zip: a deadline burst must not inspect it eight times over.
        with self._alone_with(assignment.autograder_zip):
            data, sha256 = self._read_zip(assignment.autograder_zip)
            image, image_id = assignment.image, self._image_id(assignment)
            spec = self._inspect(assignment, image, data, sha256, image_id)
            if spec.missing and not spec.problems:
                image = self._extensions.image_with(image, image_id, spec.missing)
                image_id = self._sandbox.image_id(image)
                spec = self._inspect(assignment, image, data, sha256, image_id)
            if not spec.is_usable:
                raise AssignmentBlocked(_why_blocked(assignment, spec))
            autograder = Autograder(data, spec, image, image_id)
            if assignment.solution is not None:
                self._prove(assignment, assignment.solution, autograder)
            return autograder

    @contextmanager
    def _alone_with(self, path: Path) -> Iterator[None]:
        now = time.monotonic()
        with self._lock:
            look = self._looks.setdefault(path, _Look())
            since = now if look.since is None else look.since
        if not look.lock.acquire(timeout=max(0.0, since + LOOKED_THROUGH_WITHIN_S - now)):
            raise AssignmentBlocked(f"The zip {path.name} is being looked through.")
        try:
            look.since = time.monotonic()
            yield
        finally:
            look.since = None
            look.lock.release()

    def _read_zip(self, path: Path) -> tuple[bytes, Sha256]:
        try:
            found = path.stat()
            stamp = _Stamp(found.st_size, found.st_mtime_ns, found.st_ino)
            known = self._zips.get(path)
            if known is not None and known[0] == stamp:
                return known[1], known[2]
            data = read_zip(path)
        except OSError as error:
            raise AssignmentBlocked(
                f"The autograder zip {path} cannot be read: {error.strerror}."
            ) from error
        sha256 = Sha256(hashlib.sha256(data).hexdigest())
        self._zips[path] = (stamp, data, sha256)
        return data, sha256

    def _image_id(self, assignment: Assignment) -> ImageId:
        try:
            return self._sandbox.image_id(assignment.image)
        except ImageMissing as error:
            if assignment.image is None:
                raise
            # Nobody else's grading waits for this one's image.
            raise AssignmentBlocked(
                f"The image {assignment.image} cannot be used. {error}"
            ) from error

    def _inspect(
        self,
        assignment: Assignment,
        image: str | None,
        data: bytes,
        sha256: Sha256,
        image_id: ImageId,
    ) -> AutograderSpec:
        known = self._specs.get((sha256, image_id))
        if known is None:
            known = find_autograder(self._gradebook, sha256, image_id)
        if known is None:
            try:
                known = self._inspected(image, data, sha256, image_id)
            except (InspectionFailed, ResultsUnreadable) as error:
                raise AssignmentBlocked(
                    f"The zip {assignment.autograder_zip.name} cannot be used. {error}"
                ) from error
            record_autograder(self._gradebook, known, image_id)
            log.info(
                "An autograder zip was inspected",
                extra={
                    "action": "zip_inspected",
                    "assignment": str(assignment.key),
                    "autograder_sha256": sha256,
                    "questions": len(known.questions),
                    "points_possible": known.points_possible,
                    "problems": len(known.problems),
                },
            )
        self._specs[sha256, image_id] = known
        return known

    def _inspected(
        self, image: str | None, data: bytes, sha256: Sha256, image_id: ImageId
    ) -> AutograderSpec:
        until, reason = self._failed.get((sha256, image_id), (0.0, ""))
        if time.monotonic() < until:
            raise InspectionFailed(reason)
        try:
            return read_spec(self._sandbox.inspect(image, data), sha256)
        except InspectionFailed as error:
            until = time.monotonic() + INSPECT_AGAIN_AFTER_S
            self._failed[sha256, image_id] = until, str(error)
            raise

    def _prove(self, assignment: Assignment, path: Path, autograder: Autograder) -> None:
        try:
            solution = path.read_bytes()
            notebook = without_outputs(solution)
        except OSError as error:
            raise AssignmentBlocked(
                f"The solution notebook {path} cannot be read: {error.strerror}."
            ) from error
        except InvalidNotebook as error:
            raise AssignmentBlocked(
                f"The solution notebook {path} is not a valid notebook: {error}"
            ) from error
        solution_sha256 = Sha256(hashlib.sha256(solution).hexdigest())
        proof = (autograder.spec.sha256, autograder.image_id, solution_sha256)
        if proof not in self._proofs:
            self._proofs[proof] = self._grade_solution(assignment, notebook, autograder)
        if self._proofs[proof]:
            raise AssignmentBlocked(self._proofs[proof])

    def _grade_solution(
        self, assignment: Assignment, notebook: bytes, autograder: Autograder
    ) -> str:
        slot = self._sandbox.prepare(autograder.image, assignment.limits, new_run_id())
        job = Job(slot.run_id, notebook, autograder.data, assignment.limits)
        result = conclude(self._sandbox.run(slot, job), autograder.spec, assignment.limits)
        log.info(
            "A zip was tried on its solution",
            extra={
                "action": "solution_tried",
                "assignment": str(assignment.key),
                "autograder_sha256": autograder.spec.sha256,
                "verdict": result.verdict,
            },
        )
        if result.verdict is not Verdict.GRADED or result.score is None:
            return f"The zip's own solution ends as {result.verdict}: {result.staff_text}"
        if result.score.points < result.score.possible:
            lost = [q.question for q in result.questions if q.score < q.points_possible]
            earned = f"{result.score.points:g} of {result.score.possible:g} points"
            return (
                f"The zip's own solution earns only {earned}; it loses some on {', '.join(lost)}. "
                f"{result.staff_text}"
            ).strip()
        return ""


def _why_blocked(assignment: Assignment, spec: AutograderSpec) -> str:
    reasons = list(spec.problems)
    if spec.missing:
        wanted = ", ".join(spec.missing)
        reasons.append(f"It needs packages that the grader image does not have: {wanted}.")
    return f"The zip {assignment.autograder_zip.name} cannot be used. {' '.join(reasons)}"
