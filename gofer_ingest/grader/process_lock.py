"""One grader per volume: an exclusive lock that the kernel gives back however its holder ends."""

from __future__ import annotations

import fcntl
import logging
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from shared.errors import GraderError
from shared.gradebook.writer_lock import LOCK_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 0.25
"""A standby looks so often: waiting in the kernel, it could miss a signal that ends the wait."""


def _pause() -> None:
    time.sleep(LOOK_EVERY_S)


@contextmanager
def grader_lock(volume: Path, pause: Callable[[], None] = _pause) -> Iterator[None]:
    """Hold the volume's lock; where another grader holds it, wait as its standby.

    Args:
        volume: whose lock it is.
        pause: called between two looks; what it raises ends the wait.

    Raises:
        GraderError: the lock's file cannot be opened.
    """
    try:
        descriptor = os.open(volume / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise GraderError(f"{volume / LOCK_NAME} cannot be opened: {error.strerror}.") from error
    try:
        if not _is_taken(descriptor):
            log.warning(
                "Another grader works on this volume; waiting to take over",
                extra={"action": "standby", "volume": str(volume)},
            )
            while not _is_taken(descriptor):
                pause()
        yield
    finally:
        os.close(descriptor)


def _is_taken(descriptor: int) -> bool:
    """Take the lock if nobody has it; tell whether it is ours."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
