"""Which autograder zips lie on the disk now; each is read once for as long as it stays the same."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from shared.catalogue import zip_sha256

if TYPE_CHECKING:
    from shared.catalogue import Assignment, Catalogue
    from shared.model import AssignmentKey, Sha256


def digests(catalogue: Catalogue) -> dict[AssignmentKey, Sha256]:
    """Return the SHA-256 of each assignment's zip, without those whose zip cannot be read."""
    found = {one.key: digest(one) for one in catalogue}
    return {key: sha256 for key, sha256 in found.items() if sha256 is not None}


def digest(assignment: Assignment) -> Sha256 | None:
    """Return the SHA-256 of an assignment's zip; None where it cannot be read."""
    try:
        status = assignment.autograder_zip.stat()
    except OSError:
        return None
    return _digest(assignment, (status.st_ino, status.st_size, status.st_mtime_ns))


@lru_cache(maxsize=1024)
def _digest(assignment: Assignment, state: tuple[int, ...]) -> Sha256 | None:
    del state  # another state of the file is another entry of the cache
    return zip_sha256(assignment)
