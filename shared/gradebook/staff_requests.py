"""What staff asked for, and what came of it: rows that are added and never changed."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from shared.errors import GradebookError
from shared.gradebook import tables
from shared.gradebook.transactions import reading, writing
from shared.model import SubmissionId, utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from shared.requests import StaffRequest


_AT_ONCE: Final = 500
"""Ids in one statement; SQLite takes a limited number of parameters."""


class Outcome(enum.StrEnum):
    """What came of a request."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    """Gofer itself could not do it."""


@dataclass(frozen=True, slots=True)
class DoneRequest:
    """A request that came to its end.

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
    try:
        with writing(engine, "record a request") as connection:
            insert_request(connection, request, outcome, message, utc_now())
    except GradebookError as error:
        if isinstance(error.__cause__, IntegrityError) and is_request_recorded(engine, request.id):
            return
        raise


def insert_request(
    connection: Connection, request: StaffRequest, outcome: Outcome, message: str, now: datetime
) -> None:
    """Add the row of a request, as part of the transaction that carries it out."""
    row = {
        "id": request.id,
        "action": request.action,
        "payload": request.payload.model_dump_json(),
        "requested_by": request.requested_by,
        "received_at": request.received_at,
        "reason": request.reason,
        "done_at": now,
        "outcome": outcome.value,
        "message": message,
    }
    connection.execute(insert(tables.requests).values(row))


def is_request_recorded(engine: Engine, request_id: SubmissionId) -> bool:
    """Tell whether a request has come to its end.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    return done_request(engine, request_id) is not None


def done_request(engine: Engine, request_id: SubmissionId) -> DoneRequest | None:
    """Return what came of a request; None while nothing has.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    return done_requests(engine, [request_id]).get(request_id)


def done_requests(
    engine: Engine, request_ids: Sequence[SubmissionId]
) -> dict[SubmissionId, DoneRequest]:
    """Return what came of requests, without those that wait; all as of one moment.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    requests = tables.requests.c
    found: dict[SubmissionId, DoneRequest] = {}
    with reading(engine, "be read") as connection:
        for start in range(0, len(request_ids), _AT_ONCE):
            rows = connection.execute(
                select(requests.id, requests.outcome, requests.message, requests.done_at).where(
                    requests.id.in_(request_ids[start : start + _AT_ONCE]),
                    requests.done_at.is_not(None),
                )
            )
            for row in rows:
                request_id = SubmissionId(row.id)
                found[request_id] = DoneRequest(
                    request_id, Outcome(row.outcome), row.message or "", row.done_at
                )
    return found
