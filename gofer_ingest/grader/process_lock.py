"""One grader per volume: an exclusive lock that the kernel gives back however its holder ends."""

from __future__ import annotations

import fcntl
import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shared.errors import GraderError
from shared.gradebook.writer_lock import LOCK_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

log = logging.getLogger(__name__)


@contextmanager
def grader_lock(volume: Path) -> Iterator[None]:
    """Hold the volume's lock; where another grader holds it, wait as its standby.

    Raises:
        GraderError: the lock's file cannot be opened.
    """
    try:
        descriptor = os.open(volume / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise GraderError(f"{volume / LOCK_NAME} cannot be opened: {error.strerror}.") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.warning(
                "Another grader works on this volume; waiting to take over",
                extra={"action": "standby", "volume": str(volume)},
            )
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
