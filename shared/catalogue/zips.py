"""The zip that an assignment has on disk now: its bytes, and which it is by its SHA-256."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from typing import TYPE_CHECKING, Final

from shared.model import Sha256

if TYPE_CHECKING:
    from io import BufferedReader
    from pathlib import Path

    from shared.catalogue.entries import Assignment, Catalogue
    from shared.model import AssignmentKey


ZIP_MAX_BYTES: Final = 512 << 20
"""A larger file is no zip of tests but another one by mistake, and fills the memory."""


def read_zip(path: Path) -> bytes:
    """Return the bytes of an autograder zip.

    Raises:
        OSError: it cannot be read, is no file, or is larger than any zip may be.
    """
    with _opened(path) as file:
        data = file.read(ZIP_MAX_BYTES + 1)
    if len(data) > ZIP_MAX_BYTES:  # it has grown since
        raise _too_large()
    return data


def zip_sha256(assignment: Assignment) -> Sha256 | None:
    """Return the SHA-256 of an assignment's autograder zip; None where it cannot be read."""
    try:
        with _opened(assignment.autograder_zip) as file:
            return Sha256(hashlib.file_digest(file, "sha256").hexdigest())
    except OSError:
        return None


def present_zips(catalogue: Catalogue) -> tuple[tuple[AssignmentKey, Sha256], ...]:
    """Return the zip that each assignment has now; without those whose zip cannot be read."""
    found = ((assignment.key, zip_sha256(assignment)) for assignment in catalogue)
    return tuple((key, sha256) for key, sha256 in found if sha256 is not None)


def _opened(path: Path) -> BufferedReader:
    # A pipe is not to keep whoever opens it waiting for somebody to write to it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    found = os.fstat(descriptor)
    problem = None
    if not stat.S_ISREG(found.st_mode):
        problem = OSError(errno.EINVAL, "it is not a file")
    elif found.st_size > ZIP_MAX_BYTES:
        problem = _too_large()
    if problem is not None:
        os.close(descriptor)
        raise problem
    return os.fdopen(descriptor, "rb")


def _too_large() -> OSError:
    return OSError(errno.EFBIG, f"it is larger than {ZIP_MAX_BYTES >> 20} MiB")
