"""What the tickets of a lane stand for: how one of them is graded, and how it is given up."""

from __future__ import annotations

import abc
import logging
from typing import TYPE_CHECKING

from gofer_ingest.grader.runs import grade_entry
from shared.model import SubmissionId

if TYPE_CHECKING:
    from gofer_ingest.grader.line import TicketId
    from gofer_ingest.grader.runs import Tools

log = logging.getLogger(__name__)


class Work(abc.ABC):
    """A kind of work; threads may call every method at the same time."""

    @abc.abstractmethod
    def grade(self, ticket_id: TicketId) -> None:
        """Grade it and record the result.

        Raises:
            RunAbandoned: the process is stopping.
            TriesUsedUp: earlier tries never came to an end.
            AssignmentBlocked: staff have to mend the assignment first.
            UnknownEntry: it is no longer there to be graded.
            GoferError: our machinery failed; nothing was recorded.
        """

    @abc.abstractmethod
    def tries(self, ticket_id: TicketId) -> int:
        """Return how often a run of it was started.

        Raises:
            GoferError: the disk or the gradebook refused.
        """

    @abc.abstractmethod
    def give_up(self, ticket_id: TicketId, reason: str) -> None:
        """Leave it to staff, with the reason.

        Raises:
            GoferError: the disk or the gradebook refused.
        """

    @abc.abstractmethod
    def named(self, ticket_id: TicketId) -> dict[str, str]:
        """Return by what ids the log tells of it."""


class SpoolEntries(Work):
    """Submissions in the spool."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def grade(self, ticket_id: TicketId) -> None:
        """Grade an entry and settle it."""
        grade_entry(self._tools, SubmissionId(ticket_id))

    def tries(self, ticket_id: TicketId) -> int:
        """Return how often a run of it was started."""
        return self._tools.spool.tries(SubmissionId(ticket_id))

    def give_up(self, ticket_id: TicketId, reason: str) -> None:
        """Bury it."""
        self._tools.spool.bury(SubmissionId(ticket_id), reason)
        log.error(
            "A submission was set aside for staff",
            extra={"action": "buried", **self.named(ticket_id), "reason": reason},
        )

    def named(self, ticket_id: TicketId) -> dict[str, str]:
        """Return by what ids the log tells of it."""
        return {"submission_id": ticket_id}
