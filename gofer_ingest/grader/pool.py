"""Slots made ahead: a decorator of any sandbox that keeps some ready, so that runs need not wait.

A slot is still used once and belongs to one run; only the moment of its making changes. Making them
is nobody's run: what fails here is tried again later and trips no breaker.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from gofer_ingest.grader import pool_size
from gofer_ingest.grader.decide import back_off_s
from gofer_ingest.grader.pool_size import Demand, Kind
from gofer_ingest.grader.sandbox import IDLE_MAX_S, Sandbox
from shared.errors import GraderError
from shared.model import new_run_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gofer_ingest.grader.sandbox import ImageId, Job, RawResult, Slot
    from shared.model import Limits, RunId

log = logging.getLogger(__name__)

AGE_MAX_S: Final = IDLE_MAX_S / 2
"""Older ones are replaced, long before they would end by themselves."""
LOOK_EVERY_S: Final = 30.0
"""Between two looks at what has aged, died or is wanted no longer; a run that asks wakes it."""
STOP_WITHIN_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Warmth:
    """How the pool has done since the grader started.

    Attributes:
        idle: slots that are ready.
        hits: runs that found one.
        misses: runs that had theirs made.
    """

    idle: int = 0
    hits: int = 0
    misses: int = 0


class _Ready(NamedTuple):
    """A slot that waits, what it is in, and since when."""

    slot: Slot
    image_id: ImageId
    made_at: float


class WarmPool(Sandbox):
    """Hands out slots that it has ready, and lets the sandbox make the others.

    Args:
        sandbox: that makes slots and runs jobs in them.
        memory_bytes: what the slots that wait may take together; 0 keeps none.
        most: how many runs there may be at one time.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        *,
        memory_bytes: int,
        most: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = sandbox.name
        self._sandbox = sandbox
        self._memory_bytes = memory_bytes
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._is_over = False
        self._ready: dict[Kind, list[_Ready]] = {}
        self._demands: dict[Kind, Demand] = {}
        self._hits = self._misses = 0
        self._failures = 0
        self._resumes_at = 0.0

    # --- the port -----------------------------------------------------------------------------

    def image_id(self, image: str | None) -> ImageId:
        """Ask the sandbox; see the port."""
        return self._sandbox.image_id(image)

    def extend(self, image: str | None, requirements: tuple[str, ...]) -> str:
        """Ask the sandbox; see the port."""
        return self._sandbox.extend(image, requirements)

    def inspect(self, image: str | None, autograder_zip: bytes) -> bytes:
        """Ask the sandbox; see the port."""
        return self._sandbox.inspect(image, autograder_zip)

    def run(self, slot: Slot, job: Job) -> RawResult:
        """Run in the sandbox; see the port."""
        return self._sandbox.run(slot, job)

    def reap(self) -> int:
        """Let the sandbox reap; what waits here is in its use. See the port."""
        return self._sandbox.reap()

    def close(self) -> None:
        """Let the sandbox give up what it keeps; see the port."""
        self._sandbox.close()

    def prepare(
        self, image: str | None, limits: Limits, run_id: RunId, *, is_ahead: bool = False
    ) -> Slot:
        """Hand out a slot that is ready, or have one made; see the port."""
        if is_ahead or not self._memory_bytes:
            return self._sandbox.prepare(image, limits, run_id, is_ahead=is_ahead)
        kind, image_id = Kind(image, limits), self._sandbox.image_id(image)
        self._note(kind)
        while (found := self._take(kind)) is not None:
            if self._is_good(found) and found.image_id == image_id and found.slot.is_waiting():
                with self._lock:
                    self._hits += 1
                self._wake.set()
                return found.slot
            found.slot.discard()
        with self._lock:
            self._misses += 1
        try:
            return self._sandbox.prepare(image, limits, run_id)
        finally:
            self._wake.set()  # only now: what is made ahead would take its processors meanwhile

    # --- for the process ----------------------------------------------------------------------

    def expect(self, image: str | None, limits: Limits) -> None:
        """Note that a slot of this kind is wanted, now or soon."""
        self._note(Kind(image, limits))
        self._wake.set()

    def _note(self, kind: Kind) -> None:
        with self._lock:
            self._demands.setdefault(kind, Demand()).note(self._clock())

    def warmth(self) -> Warmth:
        """Return how it has done; any thread may ask."""
        with self._lock:
            return Warmth(sum(map(len, self._ready.values())), self._hits, self._misses)

    @contextmanager
    def warming(self) -> Iterator[None]:
        """Keep slots ready inside the block, from a thread of its own; at its end none is left."""
        if not self._memory_bytes:
            yield
            return
        # a daemon: a call to a sick engine may take its whole time-out
        thread = threading.Thread(target=self._keep_ready, name="warm-pool", daemon=True)
        thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._is_over = True
            self._wake.set()
            self.drain()
            thread.join(STOP_WITHIN_S)

    def drain(self) -> None:
        """Give back all that waits."""
        with self._lock:
            left = [one.slot for ready in self._ready.values() for one in ready]
            self._ready.clear()
        for slot in left:
            slot.discard()

    def tend(self) -> float:
        """Give back what is not wanted or good any more and make one that is missing, if any.

        Returns:
            how long until there is something to do again, seconds, if nobody asks before.
        """
        now = self._clock()
        with self._lock:
            wanted = pool_size.sizes(
                self._demands, now, memory_bytes=self._memory_bytes, most=self._most
            )
        self._give_back(wanted)
        missing = next((kind for kind in wanted if self._count(kind) < wanted[kind]), None)
        if missing is None:
            return LOOK_EVERY_S
        if now < self._resumes_at:
            return self._resumes_at - now
        try:
            self._make(missing)
        except GraderError as error:
            self._failures += 1
            pause_s = back_off_s(self._failures, random.random())  # noqa: S311 - spreads load
            self._resumes_at = self._clock() + pause_s
            log.warning(
                "Nothing can be made ready ahead just now",
                extra={
                    "action": "warm_failed",
                    "reason": str(error),
                    "again_in_s": round(pause_s, 1),
                },
            )
            return pause_s
        self._failures = 0
        return 0.0

    def _keep_ready(self) -> None:
        while True:
            self._wake.clear()
            if self._is_over:
                return
            self._wake.wait(self.tend())

    # --- what waits ---------------------------------------------------------------------------

    def _take(self, kind: Kind) -> _Ready | None:
        with self._lock:
            ready = self._ready.get(kind)
            return ready.pop(0) if ready else None

    def _count(self, kind: Kind) -> int:
        with self._lock:
            return len(self._ready.get(kind, ()))

    def _is_good(self, one: _Ready) -> bool:
        return self._clock() - one.made_at <= AGE_MAX_S

    def _give_back(self, wanted: dict[Kind, int]) -> None:
        """Discard what is too many, too old or dead."""
        unwanted: list[_Ready] = []
        with self._lock:
            for kind, ready in self._ready.items():
                kept = [one for one in ready if self._is_good(one) and one.slot.is_waiting()]
                kept = kept[: wanted.get(kind, 0)]
                unwanted += [one for one in ready if one not in kept]
                self._ready[kind] = kept
        for one in unwanted:
            one.slot.discard()

    def _make(self, kind: Kind) -> None:
        began_at = self._clock()
        image_id = self._sandbox.image_id(kind.image)
        slot = self._sandbox.prepare(kind.image, kind.limits, new_run_id(), is_ahead=True)
        made_at = self._clock()
        with self._lock:
            demand = self._demands[kind]
            demand.making_s = made_at - began_at
            demand.idle_bytes = slot.idle_bytes or demand.idle_bytes
            if not self._is_over:
                self._ready.setdefault(kind, []).append(_Ready(slot, image_id, made_at))
                return
        slot.discard()
