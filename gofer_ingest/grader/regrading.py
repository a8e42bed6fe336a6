"""The background of open regrades: their submissions, graded again while no live one waits.

The gradebook's table is the truth; what is kept here of it is read again where a regrade began or
ended. A zip that is replaced while a regrade runs ends it: one regrade is of one zip.
"""

from __future__ import annotations

import logging
import threading
from functools import partial
from typing import TYPE_CHECKING, Final

from gofer_ingest.grader.line import Lane, Ticket
from gofer_ingest.grader.runs import (
    TriesUsedUp,
    assignment_of,
    run_notebook,
    tell_run,
    with_patience,
)
from gofer_ingest.grader.work import Work
from shared.errors import DamagedEntry, SpoolError, UnknownEntry
from shared.gradebook.regrades.items import (
    begin_item_try,
    give_up_item,
    item_tries,
    items_left,
    open_regrades,
    record_regrade_run,
)
from shared.model import RegradeItemId
from shared.spool import Place

if TYPE_CHECKING:
    from gofer_ingest.grader.line import TicketId
    from gofer_ingest.grader.runs import Tools
    from shared.gradebook.regrades.items import RegradeItem
    from shared.model import RegradeId
    from shared.spool import Entry

log = logging.getLogger(__name__)

ZIP_CHANGED: Final = (
    "The autograder zip was replaced after this regrade began. Start another one with the new zip."
)


class RegradeItems(Work):
    """What is left of the open regrades; threads may share it."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._lock = threading.Lock()
        self._open: frozenset[RegradeId] = frozenset()
        self._items: dict[RegradeItemId, RegradeItem] = {}
        self._tickets: dict[RegradeItemId, Ticket] = {}

    def tickets(self) -> list[Ticket]:
        """Return a ticket for each item that is left.

        Raises:
            GradebookError: the gradebook cannot be read.
        """
        open_now = open_regrades(self._tools.gradebook)
        if open_now != self._open:
            items = items_left(self._tools.gradebook)
            with self._lock:
                self._items = {item.id: item for item in items}
                self._tickets = {
                    item.id: Ticket(item.id, item.student, item.key, Lane.REGRADE) for item in items
                }
            self._open = open_now
        with self._lock:
            return list(self._tickets.values())

    def grade(self, ticket_id: TicketId) -> None:
        """Grade an item again and record its run, which does not count yet."""
        item = self._item(ticket_id)
        tools = self._tools
        if item is None:
            raise UnknownEntry("Its regrade was cancelled, or it is done.")
        if self.tries(item.id) >= tools.max_tries:
            raise TriesUsedUp
        try:
            entry = self._entry(item)
            stored = entry.notebook()
        except (UnknownEntry, DamagedEntry) as error:
            self.give_up(item.id, f"The archive does not have its notebook as received. {error}")
            return
        with tools.tally.noting_blocks(item.key):
            assignment = assignment_of(tools.catalogue, item.key)
            autograder = tools.autograders.ready(assignment)
        if autograder.spec.sha256 != item.autograder_sha256:
            self.give_up(item.id, ZIP_CHANGED)
            return
        run = run_notebook(
            tools,
            stored,
            assignment,
            autograder,
            begin_try=partial(begin_item_try, tools.gradebook, item.id),
            regrade_id=item.regrade_id,
        )
        with_patience(
            tools,
            item.submission_id,
            run,
            lambda: record_regrade_run(tools.gradebook, item, run),
        )
        self._forget(item.id)
        tools.tally.ran(item.key, (run.finished_at - run.started_at).total_seconds())
        tell_run(item.submission_id, run)

    def tries(self, ticket_id: TicketId) -> int:
        """Return how often a run of it was started."""
        return item_tries(self._tools.gradebook, RegradeItemId(ticket_id))

    def give_up(self, ticket_id: TicketId, reason: str) -> None:
        """Say in the regrade that it could not be regraded; its grade stays."""
        give_up_item(self._tools.gradebook, RegradeItemId(ticket_id), reason)
        log.error(
            "A submission could not be regraded",
            extra={"action": "regrade_given_up", **self.named(ticket_id), "reason": reason},
        )
        self._forget(RegradeItemId(ticket_id))

    def named(self, ticket_id: TicketId) -> dict[str, str]:
        """Return by what ids the log tells of it."""
        item = self._item(ticket_id)
        if item is None:
            return {"regrade_item_id": ticket_id}
        return {"submission_id": item.submission_id, "regrade_id": item.regrade_id}

    def _item(self, ticket_id: TicketId) -> RegradeItem | None:
        with self._lock:
            return self._items.get(RegradeItemId(ticket_id))

    def _forget(self, item_id: RegradeItemId) -> None:
        with self._lock:
            self._items.pop(item_id, None)
            self._tickets.pop(item_id, None)

    def _entry(self, item: RegradeItem) -> Entry:
        try:
            return self._tools.spool.read_archived(item.submission_id)
        except UnknownEntry as error:
            if self._tools.spool.find(item.submission_id) is Place.NEW:
                # Its first run is recorded, and the entry about to be moved.
                raise SpoolError("The submission is not in the archive yet.") from error
            raise
