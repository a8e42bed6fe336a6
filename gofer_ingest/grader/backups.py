"""The daily backup: a copy of the gradebook each day, in a thread of its own, a few of them kept.

A failure is said loudly each time and holds no grading up.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from shared.errors import GradebookError
from shared.gradebook.backups import backups_in, keep_newest, make_backup
from shared.gradebook.engine import file_of
from shared.model import utc_now

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

log = logging.getLogger(__name__)

EVERY: Final = timedelta(days=1)
LOOK_EVERY_S: Final = 600.0
"""Also how soon a backup that failed is tried again."""


class Backups:
    """Makes the daily backup where one is due.

    Args:
        volume: `VOLUME_PATH`.
        database_url: `GOFER_DATABASE_URL`; a database server is backed up there, and not here.
        folder: where to; None makes no backups.
        kept: how many stay, ≥ 1.

    Raises:
        ConfigError: `database_url` cannot be used.
    """

    def __init__(
        self, volume: Path, database_url: str | None, folder: Path | None, kept: int
    ) -> None:
        self._volume = volume
        self._database_url = database_url
        self._folder = None if file_of(volume, database_url) is None else folder
        self._kept = kept
        self.made_at: datetime | None = None
        """Of the newest backup there is; None without one, or before the first look."""

    def look(self) -> None:
        """Make one if the newest is a day old; what goes wrong is logged."""
        if self._folder is None:
            return
        try:
            made = backups_in(self._folder)
            self.made_at = made[0][0] if made else None
            # One from the future is of a clock that was wrong, and must not put off the next.
            if self.made_at is not None and abs(utc_now() - self.made_at) < EVERY:
                return
            began = time.monotonic()
            path = make_backup(self._volume, self._database_url, None, self._folder)
            self.made_at = utc_now()
            removed = keep_newest(self._folder, self._kept)
            log.info(
                "The gradebook was backed up",
                extra={
                    "action": "backup_made",
                    "file": str(path),
                    "size_bytes": path.stat().st_size,
                    "wall_s": round(time.monotonic() - began, 3),
                    "removed": removed,
                },
            )
        except (GradebookError, OSError) as error:
            log.error(  # noqa: TRY400 - the message is what staff need; the disk is what failed
                "THE GRADEBOOK COULD NOT BE BACKED UP",
                extra={
                    "action": "backup_failed",
                    "folder": str(self._folder),
                    "reason": str(error),
                    "newest": self.made_at.isoformat() if self.made_at else "none",
                },
            )

    @contextmanager
    def making(self, look_every_s: float = LOOK_EVERY_S) -> Iterator[None]:
        """Look at once, and then every so often inside the block."""
        if self._folder is None:
            log.info("No daily backups are made", extra={"action": "backups_off"})
            yield
            return
        is_over = threading.Event()

        def go_on() -> None:
            self.look()
            while not is_over.wait(look_every_s):
                self.look()

        thread = threading.Thread(target=go_on, name="backups", daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join(5.0)  # half a copy has another name, and is removed before the next
