"""The bell on `spool/new`: it says that something may have come, and nothing more.

The directory listing is the truth. inotify loses events when its queue overflows, on NFS and on
some bind mounts, so the worker sweeps on a timer as well and a bell that cannot be hung is only a
warning.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from watchdog.events import DirCreatedEvent, DirMovedEvent, FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

log = logging.getLogger(__name__)


class _Ringer(FileSystemEventHandler):
    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Ring for an entry's directory that was renamed into place."""
        if isinstance(event, DirCreatedEvent | DirMovedEvent):
            self._ring()


@contextmanager
def bell(folder: Path, ring: Callable[[], None]) -> Iterator[None]:
    """Call `ring`, from a thread of its own, whenever an entry may have come into `folder`."""
    observer = Observer()
    try:
        observer.schedule(_Ringer(ring), str(folder), event_filter=[DirCreatedEvent, DirMovedEvent])
        observer.start()
    except OSError as error:
        log.warning(
            "The spool cannot be watched; entries wait for the next sweep",
            extra={"action": "no_bell", "reason": str(error)},
        )
        yield
        return
    try:
        yield
    finally:
        # its reader may be in the middle of an event, and would say so as an error
        logging.getLogger("watchdog.observers").setLevel(logging.CRITICAL)
        observer.stop()
        observer.join()
