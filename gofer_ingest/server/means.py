"""What the handlers work with, made once by the composition root."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from gofer_ingest.server.bodies import BodyBudget
    from gofer_ingest.server.desk import Desk
    from gofer_ingest.server.door import Door
    from gofer_ingest.server.identity import Identity
    from gofer_ingest.server.pages import Pages
    from shared.spool import Spool


class InHand:
    """The requests that are being answered, so that a stop can wait for them."""

    def __init__(self) -> None:
        self._requests: set[object] = set()
        self._is_empty = asyncio.Event()
        self._is_empty.set()

    def __len__(self) -> int:
        return len(self._requests)

    def add(self, request: object) -> None:
        """Begin to count a request."""
        self._requests.add(request)
        self._is_empty.clear()

    def discard(self, request: object) -> None:
        """Count it no longer; doing it again is no error."""
        self._requests.discard(request)
        if not self._requests:
            self._is_empty.set()

    async def finished(self, within_s: float) -> bool:
        """Wait until there is none; return False where there still is one after `within_s`."""
        try:
            await asyncio.wait_for(self._is_empty.wait(), within_s)
        except TimeoutError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Means:
    """What the handlers work with.

    Attributes:
        prefix: path under which the server answers; begins and ends with a slash.
        door: the submission's way in.
        spool: where submissions lie.
        identity: who sends a request.
        executor: threads for whatever touches the disk.
        desk: where people ask for their submissions.
        desk_executor: threads for that, of which a gradebook that is slow to answer may take all:
            accepting needs none of them.
        pages: what browsers are shown.
        budget: what all bodies in hand may have together.
        max_body_bytes: the largest body that is taken.
        in_hand: the requests that are being answered.
    """

    prefix: str
    door: Door
    spool: Spool
    identity: Identity
    executor: Executor
    desk: Desk
    desk_executor: Executor
    pages: Pages
    budget: BodyBudget
    max_body_bytes: int
    in_hand: InHand = field(default_factory=InHand)
