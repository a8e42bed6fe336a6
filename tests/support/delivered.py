"""A small course, and submissions delivered to its spool as the server delivers them."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Final

from shared.model import Sha256, new_submission_id, utc_now
from shared.requests import Envelope, Source, SubmitPayload
from shared.spool import Spool
from tests.support.zips import autograder_zip, notebook, ok_test

if TYPE_CHECKING:
    from pathlib import Path

    from shared.model import SubmissionId

KEY: Final = {"course": "c", "section": "1", "assignment": "lab01"}
POINTS: Final = 2.0
RIGHT: Final = notebook("total = 5", metadata=KEY)


def small_zip() -> bytes:
    """Return the zip of one question, which `RIGHT` gets all points for."""
    return autograder_zip({"q1": ok_test("q1", "total == 5", points=POINTS)})


def zip_path(folder: Path) -> Path:
    """Return where the course's one zip lies below `folder`."""
    return folder / "autograders" / "c" / "lab" / "1" / "lab01" / "autograder.zip"


def small_course(folder: Path, **settings: str) -> dict[str, str]:
    """Lay out the course below `folder`; return the environment of a docker grader for it.

    Args:
        folder: empty; the volume is made in it, as `volume`.
        settings: more of the environment, or other values for it.
    """
    path = zip_path(folder)
    path.parent.mkdir(parents=True)
    path.write_bytes(small_zip())
    environment = {
        "VOLUME_PATH": str(folder / "volume"),
        "GOFER_AUTOGRADERS": str(folder / "autograders"),
        "GOFER_SANDBOX": "docker",
        "GOFER_MEMORY_LIMIT": "512m",
        "GOFER_SWEEP_S": "1",
        "GOFER_DRAIN_S": "60",
    }
    for name in ("DOCKER_HOST", "GOFER_GRADER_IMAGE"):
        if name in os.environ:
            environment[name] = os.environ[name]
    return environment | settings


def deliver(
    volume: Path, student: str, content: bytes = RIGHT, assignment: str = KEY["assignment"]
) -> SubmissionId:
    """Deliver one submission, and return its id."""
    submission_id = new_submission_id()
    payload = SubmitPayload(
        student=student,
        course=KEY["course"],
        section=KEY["section"],
        assignment=assignment,
        sha256=Sha256(hashlib.sha256(content).hexdigest()),
        size_bytes=len(content),
        source=Source.DEV,
    )
    spool = Spool(volume)
    spool.prepare()
    spool.deliver(
        Envelope(
            id=submission_id,
            action="submit",
            payload=payload,
            requested_by=student,
            received_at=utc_now(),
        ),
        content,
    )
    return submission_id
