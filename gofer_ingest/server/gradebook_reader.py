"""The gradebook as the server may have it: for reading, when it is asked for, and maybe not at all.

Telling a student that a submission is safe needs no gradebook, so one that cannot be opened keeps
nobody from being answered. Where it failed it is left alone for a while: trying may take long.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final, TypeVar

from shared.errors import ConfigError, GradebookError
from shared.gradebook.engine import open_reader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Engine

R = TypeVar("R")

_log = logging.getLogger(__name__)

AGAIN_AFTER_S: Final = 5.0


class GradebookReader:
    """Asks the gradebook; threads may share it. Making one opens nothing.

    Args:
        volume: `VOLUME_PATH`.
        database_url: `GOFER_DATABASE_URL`; None means `gradebook.db` in the volume.
    """

    def __init__(self, volume: Path, database_url: str | None) -> None:
        self._volume = volume
        self._database_url = database_url
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._not_before = 0.0
        self._is_sick = False

    def ask(self, question: Callable[[Engine], R]) -> R | None:
        """Return the gradebook's answer; None where there is no gradebook yet.

        Raises:
            GradebookError: it cannot be read just now.
        """
        try:
            engine = self._opened()
            answer = None if engine is None else question(engine)
        except (GradebookError, ConfigError) as error:
            self._failed(error)
            raise GradebookError(str(error)) from error
        self._worked()
        return answer

    def close(self) -> None:
        """Let go of it."""
        with self._lock:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None

    def _opened(self) -> Engine | None:
        with self._lock:
            if self._engine is None:
                if time.monotonic() < self._not_before:
                    raise _LeftAlone
                self._engine = open_reader(self._volume, self._database_url)
            return self._engine

    def _failed(self, error: GradebookError | ConfigError) -> None:
        if isinstance(error, _LeftAlone):
            return
        self.close()
        with self._lock:
            self._not_before = time.monotonic() + AGAIN_AFTER_S
            is_news, self._is_sick = not self._is_sick, True
        if is_news:
            _log.warning(
                "The gradebook cannot be read, so students are not shown their scores",
                extra={"action": "gradebook.unreadable", "reason": str(error)},
            )

    def _worked(self) -> None:
        with self._lock:
            is_news, self._is_sick = self._is_sick, False
        if is_news:
            _log.info("The gradebook can be read again", extra={"action": "gradebook.readable"})


class _LeftAlone(GradebookError):
    """The gradebook could not be read a moment ago."""
