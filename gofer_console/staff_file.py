"""Reading a file that staff named, of a size that can be meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.errors import GoferError

if TYPE_CHECKING:
    from pathlib import Path


def content_of(path: Path, *, max_bytes: int) -> bytes:
    """Return what a file holds.

    Raises:
        GoferError: it cannot be read, or is larger than `max_bytes`; the line names it.
    """
    try:
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except OSError as error:
        raise GoferError(f"{path}: cannot be read: {error.strerror}.") from error
    if len(content) > max_bytes:
        raise GoferError(f"{path}: is larger than {max_bytes >> 20} MB.")
    return content
