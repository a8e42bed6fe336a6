"""What all sessions of the console share: settings, the gradebook's engine, the catalogue.

Streamlit runs the pages as scripts, which nobody can hand anything, so the composition root puts it
here. Engines only read: they may be shared by threads, and open the file anew for every use.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

import streamlit as st

from gofer_console.known_assignments import catalogue_of
from gofer_console.lately import Shared
from gofer_console.views.pending import PendingRequests
from gofer_console.web.person import Visit
from shared.errors import ConfigError, NotAuthenticated
from shared.gradebook.engine import open_reader
from shared.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Engine

    from gofer_console.lately import Standing
    from shared.catalogue import Catalogue
    from shared.config import WebSettings
    from shared.gradebook.throughput import Throughput
    from shared.spool import Failure

_AWAY_FOR_S: Final = 30.0
"""How long whoever knows of sign-ins is not asked again for looking, after it did not answer: each
try takes seconds."""
_CATALOGUE_FOR_S: Final = 10.0
"""How long the catalogue is believed: reading one of many courses takes tenths of a second."""
_GRADEBOOK_FOR_S: Final = 10.0
"""How long the gradebook is believed to be there, and of this Gofer's schema."""


class Room:
    """What the sessions share; their threads may.

    Args:
        settings: of the console.
        still: asks the sign-in who a visit is of by now; None where it is over.
        visiting: tells whose session this is; None where nobody is signed in.

    Attributes:
        standing: how everything stands, for all that have the overview open.
        by_hour: what was graded in the last hours.
        failures: what was set aside last.
    """

    def __init__(
        self,
        settings: WebSettings,
        *,
        still: Callable[[str], Visit | None],
        visiting: Callable[[], Visit | None],
    ) -> None:
        self.settings = settings
        self.still = still
        self.visiting = visiting
        self.spool = Spool(settings.volume_path)
        self.pending = PendingRequests(self.spool)
        self.standing: Shared[Standing] = Shared(1.5)
        self.by_hour: Shared[dict[datetime, Throughput]] = Shared(30.0)
        self.failures: Shared[tuple[Failure, ...]] = Shared(8.0)
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._engine_until = 0.0
        self._catalogue: Catalogue | None = None
        self._catalogue_until = 0.0
        self._away_until = 0.0

    def looking(self, visit: Visit) -> Visit | None:
        """Return whose visit it is by now, for looking alone; None where it is over.

        Where whoever knows does not answer, looking goes on as before.
        """
        with self._lock:
            is_away = time.monotonic() < self._away_until
        if is_away:
            return visit
        try:
            return self.still(visit.id)
        except NotAuthenticated:
            with self._lock:
                self._away_until = time.monotonic() + _AWAY_FOR_S
            return visit

    def gradebook(self) -> Engine | None:
        """Return an engine that reads the gradebook; None where there is none yet.

        Whether it is one of this Gofer's was looked at ten seconds ago at most: a new Gofer's
        grader, or a restore, may have put another one in its place.

        Raises:
            GradebookError: it cannot be read.
        """
        now = time.monotonic()
        with self._lock:
            if self._engine is not None and now < self._engine_until:
                return self._engine
        # Not under the lock: a database that does not answer keeps nobody else waiting for it.
        fresh = open_reader(self.settings.volume_path, self.settings.database_url)
        with self._lock:
            if fresh is None or self._engine is None:
                self._engine = fresh
            else:
                fresh.dispose()
            self._engine_until = now + _GRADEBOOK_FOR_S
            return self._engine

    def catalogue(self) -> Catalogue:
        """Return the catalogue as it was at most ten seconds ago.

        Raises:
            ConfigError: the course config cannot be used.
        """
        with self._lock:
            if self._catalogue is None or time.monotonic() >= self._catalogue_until:
                self._catalogue = catalogue_of(self.settings)
                self._catalogue_until = time.monotonic() + _CATALOGUE_FOR_S
            return self._catalogue


class _Furnished:
    room: Room | None = None


def furnish(
    settings: WebSettings,
    *,
    still: Callable[[str], Visit | None],
    visiting: Callable[[], Visit | None] | None = None,
) -> Room:
    """Put there what the sessions share; the composition root does it, once.

    Args:
        settings: of the console.
        still: of the sign-in.
        visiting: tells whose session it is; otherwise the headers of the middleware do.
    """
    _Furnished.room = Room(settings, still=still, visiting=visiting or _from_headers)
    return _Furnished.room


def furnished() -> Room:
    """Return what the sessions share.

    Raises:
        ConfigError: the pages were started without the console around them.
    """
    if _Furnished.room is None:
        raise ConfigError("These pages are part of `gofer console`, which signs people in.")
    return _Furnished.room


def _from_headers() -> Visit | None:
    return Visit.of(st.context.headers)
