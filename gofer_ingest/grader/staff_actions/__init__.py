"""What staff can ask for, and what each of it does: one small module for each family of actions.

An action is a function of the means, the request and its payload. Doing it again after a kill
changes nothing. Where something of record changes, the function inserts the request's own row in
the same transaction (`staff_requests.insert_request`); of all others the desk writes it down
afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gofer_ingest.grader.staff_actions import (
    decisions,
    entries,
    flagged,
    posting,
    publishing,
    recomputing,
    regrades,
)
from gofer_ingest.grader.staff_actions.answer import Answer, Means

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.requests import StaffRequest

__all__ = ["ACTIONS", "Answer", "Means"]

ACTIONS: Final[Mapping[str, Callable[[Means, StaffRequest, Any], Answer]]] = {
    "retry": entries.retry,
    "discard": entries.discard,
    "accept_flagged": flagged.accept,
    "regrade_start": regrades.start,
    "regrade_apply": regrades.apply,
    "regrade_cancel": regrades.cancel,
    "post_send": posting.send,
    "post_retry": posting.retry,
    "post_dismiss": posting.dismiss,
    "post_hold": posting.hold,
    "post_release": posting.release,
    "post_test": posting.test,
    "post_reconcile": posting.reconcile,
    "roster_import": posting.import_roster,
    "override": decisions.override,
    "extend": decisions.extend,
    "recompute": recomputing.recompute,
    "publish": publishing.publish,
}
"""By the action's name in the envelope; the payload is of that action's model."""
