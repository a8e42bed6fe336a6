"""Which zip an assignment has on disk now, by its SHA-256."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from shared.model import Sha256

if TYPE_CHECKING:
    from shared.catalogue.entries import Assignment, Catalogue
    from shared.model import AssignmentKey


def zip_sha256(assignment: Assignment) -> Sha256 | None:
    """Return the SHA-256 of an assignment's autograder zip; None where it cannot be read."""
    try:
        with assignment.autograder_zip.open("rb") as file:
            return Sha256(hashlib.file_digest(file, "sha256").hexdigest())
    except OSError:
        return None


def present_zips(catalogue: Catalogue) -> tuple[tuple[AssignmentKey, Sha256], ...]:
    """Return the zip that each assignment has now; without those whose zip cannot be read."""
    found = ((assignment.key, zip_sha256(assignment)) for assignment in catalogue)
    return tuple((key, sha256) for key, sha256 in found if sha256 is not None)
