"""The lock of the gradebook's only writer, for those who must not come between.

The grader holds it for as long as it works, and waits for it where another one does. Whoever else
needs the gradebook to themselves takes it only where it is free.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from shared.errors import GradebookError
from shared.gradebook.copies import hand_to_owner
from shared.gradebook.transactions import gradebook_errors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK_NAME: Final = "grader.lock"


@contextmanager
def without_a_grader(volume: Path) -> Iterator[None]:
    """Keep graders from starting inside the block.

    Args:
        volume: `VOLUME_PATH`.

    Raises:
        GradebookError: one works on this volume, or the lock's file cannot be opened.
    """
    lock = volume / LOCK_NAME
    with gradebook_errors("be reserved"):
        is_new = not lock.exists()
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        if is_new:
            with gradebook_errors("be reserved"):
                hand_to_owner(lock, volume)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise GradebookError(
                "A grader works on this volume. Stop it first, then do this again."
            ) from None
        yield
    finally:
        os.close(descriptor)
