"""One fsync of a folder for all who wait for one: whoever renamed into it before it began."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

from shared.spool import disk

if TYPE_CHECKING:
    from pathlib import Path


class SharedSync:
    """Makes durable which names a folder holds. Threads share it, and with it the disk's work.

    An fsync covers what was renamed before it began, and nothing else. So whoever comes while one
    is under way waits for the next, together with all others who come meanwhile; the first of them
    does it. Whoever comes alone waits for nobody.

    Args:
        folder: of the spool.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._next: Future[None] | None = None
        """The fsync that somebody is about to begin; what was renamed by now it will cover."""

    def sync(self) -> None:
        """Return once an fsync that began after this call has succeeded.

        Raises:
            OSError: that fsync failed. The kernel reports a failure once, so an fsync that succeeds
                afterwards says nothing about it: everyone who waited for this one is told.
        """
        with self._lock:
            awaited = self._next
            is_ours = awaited is None
            if awaited is None:
                awaited = self._next = Future()
        if is_ours:
            self._do(awaited)
        awaited.result()

    def _do(self, done: Future[None]) -> None:
        with self._turn:
            with self._lock:
                self._next = None  # whoever comes from here on may have renamed too late for it
            try:
                disk.sync_folder(self._folder)
            except BaseException as error:  # noqa: BLE001 - it is raised by whoever waits
                done.set_exception(error)
            else:
                done.set_result(None)
