"""What the handlers work with, made once by the composition root."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Executor

    from gofer_ingest.server.bodies import BodyBudget
    from gofer_ingest.server.cross_origin import CrossOrigin
    from gofer_ingest.server.door import Door
    from gofer_ingest.server.enquiries import Enquiries
    from gofer_ingest.server.grader_state import GraderState
    from gofer_ingest.server.identity import Identity
    from gofer_ingest.server.metrics import Metrics
    from gofer_ingest.server.pages import Pages
    from gofer_ingest.server.room import Room
    from shared.spool import Spool


class Request(Protocol):
    """A request in hand, as far as a stop needs to know it."""

    is_whole: bool
    """Whether all of it has arrived, so that it is being answered."""

    def cut(self) -> None:
        """Close its connection."""


class InHand:
    """The requests that are being answered, so that a stop can wait for them.

    Args:
        changed: is told how many there are whenever that changes.
    """

    def __init__(self, changed: Callable[[int], object]) -> None:
        self._requests: set[Request] = set()
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self._changed = changed
        self.is_last_call = False
        """Whether a stop is under way, so that no connection is to be used again."""

    def __len__(self) -> int:
        return len(self._requests)

    def add(self, request: Request) -> None:
        """Begin to count a request."""
        self._requests.add(request)
        self._is_empty.clear()
        self._changed(len(self))

    def discard(self, request: Request) -> None:
        """Count it no longer; doing it again is no error."""
        if request not in self._requests:
            return
        self._requests.discard(request)
        if not self._requests:
            self._is_empty.set()
        self._changed(len(self))

    async def finished(self, within_s: float) -> bool:
        """Wait until there is none; return False where there still is one after `within_s`."""
        try:
            await asyncio.wait_for(self._is_empty.wait(), within_s)
        except TimeoutError:
            return False
        return True

    def cut_incomplete(self) -> int:
        """Close the connections of those that are still arriving; return how many those were."""
        incomplete = [request for request in self._requests if not request.is_whole]
        for request in incomplete:
            request.cut()
        return len(incomplete)


@dataclass(frozen=True, slots=True)
class Means:
    """What the handlers work with.

    Attributes:
        prefix: path under which the server answers; begins and ends with a slash.
        door: the submission's way in.
        spool: where submissions lie.
        room: whether there is room for more of them.
        identity: who sends a request.
        executor: threads for whatever touches the disk.
        large_executor: the one thread for large submissions, which are read one at a time. Waiting
            for their turn, they would keep all other threads from the small ones.
        grader: says how the grader is; reads a file, so ask it in a thread.
        enquiries: where people ask for their submissions.
        enquiry_executor: threads for that, of which a slow gradebook may take all:
            accepting needs none of them.
        pages: what browsers are shown.
        budget: what all bodies in hand may have together.
        max_body_bytes: the largest body that is taken.
        cross_origin: which pages of other origins may use the server.
        metrics: what is counted.
        in_hand: the requests that are being answered.
        public_keys: what `jwks.json` holds; None where there is none.
    """

    prefix: str
    door: Door
    spool: Spool
    room: Room
    identity: Identity
    executor: Executor
    large_executor: Executor
    grader: Callable[[], GraderState]
    enquiries: Enquiries
    enquiry_executor: Executor
    pages: Pages
    budget: BodyBudget
    max_body_bytes: int
    cross_origin: CrossOrigin
    metrics: Metrics
    in_hand: InHand
    public_keys: Mapping[str, object] | None = None
