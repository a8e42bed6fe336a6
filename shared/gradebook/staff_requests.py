"""What staff asked for, and what came of it: rows that are added and never changed."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from shared.errors import GradebookError
from shared.gradebook import tables
from shared.gradebook.transactions import reading, writing
from shared.model import utc_now

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine

    from shared.model import SubmissionId
    from shared.requests import StaffRequest


class Outcome(enum.StrEnum):
    """What came of a request."""

    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class DoneRequest:
    """A request that was carried out or refused.

    Attributes:
        message: in plain words.
    """

    id: SubmissionId
    outcome: Outcome
    message: str
    done_at: datetime


def record_request(engine: Engine, request: StaffRequest, outcome: Outcome, message: str) -> None:
    """Record a request and what came of it; one that is recorded already stays as it is.

    Raises:
        GradebookError: the database refused.
    """
    row = {
        "id": request.id,
        "action": request.action,
        "payload": request.payload.model_dump_json(),
        "requested_by": request.requested_by,
        "received_at": request.received_at,
        "reason": request.reason,
        "done_at": utc_now(),
        "outcome": outcome.value,
        "message": message,
    }
    try:
        with writing(engine, "record a request") as connection:
            connection.execute(insert(tables.requests).values(row))
    except GradebookError as error:
        if isinstance(error.__cause__, IntegrityError) and is_request_recorded(engine, request.id):
            return
        raise


def is_request_recorded(engine: Engine, request_id: SubmissionId) -> bool:
    """Tell whether a request was carried out or refused.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    return done_request(engine, request_id) is not None


def done_request(engine: Engine, request_id: SubmissionId) -> DoneRequest | None:
    """Return what came of a request; None while nothing has.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    requests = tables.requests.c
    statement = select(requests.outcome, requests.message, requests.done_at).where(
        requests.id == request_id, requests.done_at.is_not(None)
    )
    with reading(engine, "be read") as connection:
        row = connection.execute(statement).one_or_none()
    if row is None:
        return None
    return DoneRequest(request_id, Outcome(row.outcome), row.message or "", row.done_at)
