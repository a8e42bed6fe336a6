"""Which signed tokens were used: each once, across threads, processes and restarts.

A token that is used leaves an empty file, named by a hash of its id, which only one of all who try
can make. The file may go once the token would be refused as expired. Nothing is fsynced: a power
cut may forget the tokens of its last seconds, and those expire within minutes.
"""

# pathlib knows no descriptors, and hides which calls it makes:
# ruff: noqa: PTH208

from __future__ import annotations

import logging
import os
import re
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from gofer_ingest.server.small_files import FILE_MODE, SmallFiles, file_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_log = logging.getLogger(__name__)

KEPT_S: Final = 600.0
"""Seconds that a token's file is kept: longer than any token lives, and clocks differ a little."""
SWEEP_S: Final = 600.0
"""Seconds between two sweeps."""

_PREFIX: Final = re.compile(r"[0-9a-f]{2}")
_TAKE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class TakenTokens:
    """The ids of used tokens. Making it touches nothing; threads may share it.

    Args:
        folder: where the files lie.
        now: seconds since 1970, as the files' times are.
    """

    def __init__(self, folder: Path, now: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._files = SmallFiles(folder)
        self._now = now
        self._sweeping = threading.Lock()
        self._swept_at_s: float | None = None

    def take(self, token_id: str) -> bool:
        """Take a token for oneself; return False where somebody has taken it already.

        Raises:
            OSError: that cannot be found out.
        """
        called = file_name(token_id)
        with self._files.opened_folder(called[:2]) as directory:
            try:
                os.close(os.open(called, _TAKE, FILE_MODE, dir_fd=directory))
            except FileExistsError:
                return False
        return True

    @property
    def is_sweep_due(self) -> bool:
        """Whether the last sweep is long ago; before the first one it is."""
        swept_at_s = self._swept_at_s
        # A clock that was set back makes it look as if it were to come; then it is due as well.
        is_recent = swept_at_s is not None and 0 <= self._now() - swept_at_s < SWEEP_S
        return not is_recent and not self._sweeping.locked()

    def sweep(self) -> int:
        """Remove the files of tokens that have expired; return how many there were.

        What cannot be removed stays and is logged. A sweep while another is under way does nothing.
        """
        if not self._sweeping.acquire(blocking=False):
            return 0
        try:
            self._swept_at_s = self._now()
            return sum(map(self._sweep_folder, _prefixes_in(self._folder)))
        except OSError as error:
            _log.warning(
                "Used tokens could not be swept",
                extra={"action": "tokens.unswept", "reason": str(error)},
            )
            return 0
        finally:
            self._sweeping.release()

    def _sweep_folder(self, prefix: str) -> int:
        swept = 0
        oldest_s = self._now() - KEPT_S
        with self._files.opened_folder(prefix) as directory:
            for name in os.listdir(directory):
                with suppress(FileNotFoundError):  # another process sweeps as well
                    if os.stat(name, dir_fd=directory, follow_symlinks=False).st_mtime < oldest_s:
                        os.unlink(name, dir_fd=directory)
                        swept += 1
        return swept


def _prefixes_in(folder: Path) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if _PREFIX.fullmatch(name)]
    except FileNotFoundError:
        return []
