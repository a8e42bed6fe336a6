"""The desk: what every page works with, for the person whose session it is.

Pages read the gradebook and the spool, and change nothing themselves: what people ask for is
delivered to the spool as the command line delivers it, under the name of who asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from gofer_console import actions
from gofer_console.views import moments, room
from shared.errors import ConfigError, NotAuthenticated
from shared.model import utc_now
from shared.queue_snapshot import STOPPED, read_snapshot

if TYPE_CHECKING:
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from sqlalchemy import Engine

    from gofer_console.views.room import Room
    from gofer_console.web.person import Person, Visit
    from shared.catalogue import Catalogue
    from shared.config import WebSettings
    from shared.model import AssignmentKey, SubmissionId
    from shared.queue_snapshot import QueueSnapshot
    from shared.requests import StaffPayload, StaffRequest
    from shared.spool import Spool


@dataclass(frozen=True)
class Desk:
    """What a page works with; made anew for each run of a page, so it is never old.

    Attributes:
        visit: whose session it is.
        room: what all sessions share.
    """

    visit: Visit
    room: Room

    @property
    def person(self) -> Person:
        """Who is signed in; `person.may_edit` says whether to offer changes."""
        return self.visit.person

    @property
    def settings(self) -> WebSettings:
        """The console's settings."""
        return self.room.settings

    @property
    def volume(self) -> Path:
        """`VOLUME_PATH`."""
        return self.settings.volume_path

    @property
    def spool(self) -> Spool:
        """The spool."""
        return self.room.spool

    @cached_property
    def gradebook(self) -> Engine | None:
        """An engine that can only read; None where there is no gradebook yet.

        Raises:
            GradebookError: it cannot be read. The router says so in place of the page.
        """
        return self.room.gradebook()

    @cached_property
    def catalogue(self) -> Catalogue:
        """The courses and assignments.

        Raises:
            ConfigError: the course config cannot be used. The router says so.
        """
        return self.room.catalogue()

    @cached_property
    def snapshot(self) -> QueueSnapshot | None:
        """What the grader last said of its queue; None where it never spoke."""
        return read_snapshot(self.volume)

    @property
    def is_grader_at_work(self) -> bool:
        """Whether a grader speaks, and did not say that it ended."""
        snapshot = self.snapshot
        return snapshot is not None and snapshot.is_fresh(utc_now()) and snapshot.paused != STOPPED

    def zone(self, key: AssignmentKey | None = None) -> ZoneInfo:
        """Return the time zone in which times are shown.

        Args:
            key: of the assignment that they belong to; None for a page about several.
        """
        return moments.zone_of(self._catalogue_if_any, self.settings.console_time_zone, key)

    @cached_property
    def _catalogue_if_any(self) -> Catalogue | None:
        try:
            return self.catalogue
        except ConfigError:
            return None

    def pending(self) -> tuple[StaffRequest, ...]:
        """Return the requests of staff that the grader has not carried out yet, oldest first."""
        return self.room.pending.look()

    def ask(
        self, payload: StaffPayload, *, why: str, request_id: SubmissionId | None = None
    ) -> SubmissionId:
        """Deliver a request in this person's name; return its id. It never waits for the grader.

        Call it in a callback (`on_click`), which runs once for one click.

        Args:
            payload: what is asked for, of `shared.requests`.
            why: the reason, for the record; may be empty.
            request_id: a new id, made before people were asked to confirm; asking again with it
                does nothing. None makes one.

        Raises:
            NotAuthenticated: the sign-in is over, or allows no changes; nothing was delivered.
            SpoolError: it could not be delivered.
        """
        self.insist_on_editing()
        return actions.deliver(
            self.spool, payload, by=self.person.name, why=why, request_id=request_id
        )

    def insist_on_editing(self) -> None:
        """Ask the sign-in anew whether this person may change things.

        Raises:
            NotAuthenticated: they may not, or nobody can say.
        """
        visit = _the_same(self.visit, self.room.still(self.visit.id))
        if not visit.person.may_edit:
            raise NotAuthenticated("You may look at everything here, and change nothing.")


def desk() -> Desk:
    """Return the desk of this session, for whoever its visit is of by now.

    An open page outlives a sign-out, and somebody's leaving the staff: its connection was let in
    once, and asks again by itself.

    Raises:
        NotAuthenticated: nobody is signed in, or no longer.
    """
    here = room.furnished()
    visit = here.visiting()
    if visit is None:
        raise NotAuthenticated("Nobody is signed in.")
    return Desk(_the_same(visit, here.looking(visit)), here)


def _the_same(before: Visit, now: Visit | None) -> Visit:
    if now is None or now.person.name != before.person.name:
        raise NotAuthenticated("You are no longer signed in. Reload the page to sign in again.")
    return now
