"""Waiting until the grader has looked at every notebook of a batch."""

from __future__ import annotations

import enum
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.gradebook.engine import open_reader
from shared.gradebook.known_notebooks import endings
from shared.spool import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from shared.gradebook.known_notebooks import Ending
    from shared.model import SubmissionId
    from shared.spool import Spool

_POLL_S: Final = 0.5
_SHARE: Final = 10
"""Of the time, at most one part in so many goes into looking."""


class State(enum.StrEnum):
    """What became of a notebook that was taken."""

    RECORDED = "recorded"
    SET_ASIDE = "set_aside"
    DISCARDED = "discarded"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a notebook stands.

    Attributes:
        ending: of its run; None exactly where it has none.
        reason: why it was set aside.
    """

    state: State
    ending: Ending | None = None
    reason: str = ""


class Waiting:
    """Asks the gradebook and the spool; both may be read while the grader works."""

    def __init__(self, spool: Spool, volume: Path, database_url: str | None) -> None:
        self._spool = spool
        self._volume = volume
        self._database_url = database_url
        self._engine: Engine | None = None

    def look(self, ids: Iterable[SubmissionId]) -> dict[SubmissionId, Standing]:
        """Return how these submissions stand now.

        Raises:
            GradebookError: the gradebook cannot be read.
            SpoolError: the spool cannot be read.
        """
        wanted = sorted(set(ids))
        # The places first: what has left them since is in the gradebook.
        places = {one: self._spool.find(one) for one in wanted}
        if self._engine is None:
            self._engine = open_reader(self._volume, self._database_url)
        ended = endings(self._engine, wanted) if self._engine is not None else {}
        return {one: self._standing(one, places[one], ended.get(one)) for one in wanted}

    def until_ended(self, ids: Iterable[SubmissionId]) -> Iterator[dict[SubmissionId, Standing]]:
        """Look again and again until none of these submissions waits; yield those that ended.

        Raises:
            GradebookError, SpoolError: as `look`.
        """
        left = set(ids)
        while left:
            began = time.monotonic()
            ended = {
                one: standing
                for one, standing in self.look(left).items()
                if standing.state is not State.WAITING
            }
            if ended:
                left -= ended.keys()
                yield ended
            elif left:
                time.sleep(max(_POLL_S, _SHARE * (time.monotonic() - began)))

    def close(self) -> None:
        """Let the gradebook go."""
        if self._engine is not None:
            self._engine.dispose()

    def _standing(
        self, submission_id: SubmissionId, place: Place | None, ending: Ending | None
    ) -> Standing:
        if ending is not None:
            return Standing(State.RECORDED, ending)
        if place is Place.FAILED:
            failure = self._spool.failure_of(submission_id)
            if failure is not None:
                return Standing(State.SET_ASIDE, reason=failure.reason)
        if place is Place.ARCHIVED:
            return Standing(State.DISCARDED)
        return Standing(State.WAITING)
