"""From the course config to the lanes: one for each LMS that grades go to."""

from __future__ import annotations

import threading
from collections import defaultdict
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gofer_ingest.grader.passback.lanes import Lane
from shared.catalogue.passback import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gofer_ingest.grader.passback.credentials import Credentials
    from gofer_ingest.grader.passback.loop import PassbackLoop
    from shared.catalogue import Assignment
    from shared.catalogue.passback import Passback
    from shared.model import AssignmentKey


def make_lanes(assignments: Iterable[Assignment], credentials: Credentials) -> list[Lane]:
    """Return a lane for each LMS that any of these assignments is posted to.

    Assignments share one where they are let in by the same key at the same place.
    """
    posted: defaultdict[tuple[object, ...], dict[AssignmentKey, Passback]] = defaultdict(dict)
    for assignment in assignments:
        if assignment.passback is not None:
            posted[_way_in(assignment.passback)][assignment.key] = assignment.passback
    lanes = []
    for together in posted.values():
        passback = next(iter(together.values()))
        lanes.append(Lane(_name(passback), together, partial(credentials.connect, passback)))
    return lanes


@contextmanager
def posting(loop: PassbackLoop) -> Iterator[None]:
    """Send grades inside the block; at its end stop, within seconds."""
    thread = threading.Thread(target=loop.run, name="passback")
    thread.start()
    try:
        yield
    finally:
        loop.stop()
        thread.join()


def _way_in(passback: Passback) -> tuple[object, ...]:
    if passback.kind is Kind.LTI13:
        return (
            passback.kind,
            passback.token_url,
            passback.client_id,
            passback.audience,
            passback.private_key_file,
            passback.line_items,
        )
    where = passback.service_url or passback.edx_url
    return passback.kind, where, passback.key_file, passback.secret_file


def _name(passback: Passback) -> str:
    """Return what staff know the LMS by: its host."""
    address = passback.token_url or passback.service_url or passback.edx_url or ""
    host = urlsplit(address).hostname if "://" in address else address
    return host or str(passback.kind)
