"""What staff ask for becomes entries in the spool. The grader carries them out, and writes it down.

Nothing here changes anything by itself, so all of it can be asked for while the grader is down.
"""

from __future__ import annotations

import getpass
import time
from typing import TYPE_CHECKING, Final

from shared.errors import DuplicateEntry, SpoolUnavailable
from shared.gradebook.engine import open_reader
from shared.gradebook.staff_requests import done_request
from shared.model import SubmissionId, new_submission_id, opaque_name, utc_now
from shared.requests import (
    AcceptFlaggedPayload,
    DiscardPayload,
    RetryPayload,
    StaffRequest,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from shared.gradebook.staff_requests import DoneRequest
    from shared.model import RunId
    from shared.requests import StaffPayload
    from shared.spool import Spool

_POLL_S: Final = 0.1


def requester() -> str:
    """Return the name that requests from this terminal carry: the operating system's user."""
    try:
        return opaque_name(getpass.getuser())
    except (OSError, KeyError, ValueError):
        return "unknown"


def ask_for_retry(spool: Spool, entry_id: SubmissionId, *, by: str, why: str) -> SubmissionId:
    """Ask for a buried entry to be graded again; return the request's id.

    Raises:
        SpoolError: it could not be delivered.
    """
    return deliver(spool, RetryPayload(entry=entry_id), by=by, why=why)


def ask_for_discard(spool: Spool, entry_id: SubmissionId, *, by: str, why: str) -> SubmissionId:
    """Ask for a buried entry to be given up; return the request's id.

    Raises:
        SpoolError: it could not be delivered.
    """
    return deliver(spool, DiscardPayload(entry=entry_id), by=by, why=why)


def ask_to_accept(spool: Spool, run_id: RunId, *, by: str, why: str) -> SubmissionId:
    """Ask for a run that is held to count; return the request's id.

    Raises:
        SpoolError: it could not be delivered.
    """
    return deliver(spool, AcceptFlaggedPayload(run=SubmissionId(run_id)), by=by, why=why)


def deliver(
    spool: Spool,
    payload: StaffPayload,
    *,
    by: str,
    why: str,
    request_id: SubmissionId | None = None,
) -> SubmissionId:
    """Ask for something; return the request's id.

    Args:
        spool: where it is delivered.
        payload: what is asked for.
        by: who asks.
        why: the reason, for the record.
        request_id: a new id, made before; asking again with it does nothing. None makes one.

    Raises:
        SpoolError: it could not be delivered.
    """
    if not spool.new_dir.exists():
        raise SpoolUnavailable(
            f"Neither server nor grader has ever run on {spool.new_dir.parent.parent}, so nothing "
            "can be asked for there. Look at VOLUME_PATH, or start them with `gofer up`."
        )
    request = StaffRequest(
        id=request_id or new_submission_id(),
        action=payload.action,
        payload=payload,
        requested_by=by,
        received_at=utc_now(),
        reason=why,
    )
    try:
        spool.deliver(request)
    except DuplicateEntry:
        if request_id is None:
            raise
    return request.id


def wait_for(
    volume: Path,
    database_url: str | None,
    requests: Iterable[SubmissionId],
    *,
    within_s: float,
) -> dict[SubmissionId, DoneRequest]:
    """Wait until requests are done, at most `within_s`; return those that are.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    left, done = set(requests), {}
    deadline = time.monotonic() + within_s
    engine = open_reader(volume, database_url)
    try:
        while engine is not None and left:
            for request_id in sorted(left):
                found = done_request(engine, request_id)
                if found is not None:
                    done[request_id] = found
            left -= done.keys()
            if not left or time.monotonic() >= deadline:
                break
            time.sleep(_POLL_S)
    finally:
        if engine is not None:
            engine.dispose()
    return done
