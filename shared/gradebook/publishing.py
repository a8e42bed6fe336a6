"""When students see results, where staff decided it by hand: the requests themselves say so.

Of several for one assignment the one sent last is in force: requests have ids that sort by time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from shared.gradebook import tables
from shared.gradebook.staff_requests import Outcome
from shared.gradebook.transactions import reading
from shared.requests import PublishPayload

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from shared.model import AssignmentKey, PublishRule


def published_by_hand(engine: Engine) -> dict[AssignmentKey, PublishRule]:
    """Return the rules that staff set, for those assignments that do not follow the course config.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    requests = tables.requests.c
    statement = (
        select(requests.payload)
        .where(requests.action == "publish", requests.outcome == Outcome.DONE.value)
        .order_by(requests.id)
    )
    with reading(engine, "be read") as connection:
        payloads = connection.scalars(statement).all()
    in_force: dict[AssignmentKey, PublishRule] = {}
    for payload in map(PublishPayload.model_validate_json, payloads):
        if payload.publish is None:
            in_force.pop(payload.key, None)
        else:
            in_force[payload.key] = payload.publish
    return in_force
