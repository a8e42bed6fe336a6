"""Containers that serve one run after another, and what is said to the gatekeeper in each.

`harness/gatekeeper.py` describes what it says. A place serves one run at a time, and none any more
after one that did not end as it should.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from gofer_ingest.grader import harness_link
from gofer_ingest.grader.docker_sandbox import READY_WITHIN_S, ContainerSlot
from gofer_ingest.grader.harness.protocol import (
    GATE_ENDED,
    GATE_FRAMES,
    GATE_HEAD_BYTES,
    GATE_LOG,
)
from gofer_ingest.grader.harness_link import Channel, Outputs, Stream, Transcript

if TYPE_CHECKING:
    from gofer_ingest.grader.sandbox import ImageId
    from shared.model import Limits, RunId

CHUNK_MAX_BYTES: Final = 1 << 16
_TOLD_MAX_BYTES: Final = 4000


@dataclass(frozen=True, slots=True)
class Key:
    """Which runs a place can serve."""

    image: ImageId
    limits: Limits


@dataclass(frozen=True, slots=True)
class RunEnded:
    """What the gatekeeper says of a run whose processes are gone.

    Attributes:
        status: the exit code.
        oom_kills: how many of the container's processes were ever killed for want of memory; None
            where nothing there counts it.
    """

    status: int
    oom_kills: int | None


@dataclass(slots=True)
class Place:
    """One container.

    Attributes:
        key: which runs it serves.
        label: the run id that it carries as a label, and that no run has.
        container_id: the engine's.
        outputs: its attached socket.
        served: how many runs it has served.
        idle_since: on `time.monotonic`, since when it waits.
        is_ready: whether its next run has said that it is ready.
        idle_bytes: the memory it took then, or None where nothing counts it.
    """

    key: Key
    label: RunId
    container_id: str
    outputs: Outputs
    served: int = 0
    idle_since: float = 0.0
    is_ready: bool = False
    idle_bytes: int | None = None
    buffer: bytearray = field(default_factory=bytearray)
    told: bytearray = field(default_factory=bytearray)


class RunChannel(Channel):
    """To and from the run that a place serves now; its end is the end of the outputs."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.ended: RunEnded | None = None

    def send(self, data: bytes, deadline: float) -> None:
        """Send all of `data`; see the port."""
        self._place.outputs.send(data, deadline)

    def receive(self, deadline: float) -> tuple[Stream, bytes] | None:
        """Return the next chunk; see the port."""
        while self.ended is None:
            try:
                found = self._next()
            except ValueError:
                return None  # no gatekeeper speaks so: to us this container has ended
            if found is None:
                chunk = self._place.outputs.receive(deadline)
                if chunk is None:
                    return None
                self._take(*chunk)
            elif found[0] == GATE_ENDED:
                self.ended = RunEnded(**json.loads(found[1]))
            else:
                return (Stream.LOG if found[0] == GATE_LOG else Stream.FRAMES), found[1]
        return None

    def _take(self, stream: Stream, data: bytes) -> None:
        if stream is Stream.FRAMES:
            self._place.buffer += data
        else:  # what the container itself prints: why it ended, if it does
            self._place.told += data
            del self._place.told[:-_TOLD_MAX_BYTES]

    def _next(self) -> tuple[bytes, bytes] | None:
        buffer = self._place.buffer
        if len(buffer) < GATE_HEAD_BYTES:
            return None
        kind = bytes(buffer[:1])
        end = GATE_HEAD_BYTES + int.from_bytes(buffer[1:GATE_HEAD_BYTES], "big")
        if kind not in {GATE_FRAMES, GATE_LOG, GATE_ENDED} or end > 2 * CHUNK_MAX_BYTES:
            raise ValueError(kind)
        if len(buffer) < end:
            return None
        payload = bytes(buffer[GATE_HEAD_BYTES:end])
        del buffer[:end]
        return kind, payload


class Keeper(Protocol):
    """Who keeps places between their runs."""

    def take_back(self, place: Place, *, is_sound: bool) -> None:
        """Keep a place for its next run, or give it up."""


class PlaceSlot(ContainerSlot):
    """The next run of a place; its harness is ready."""

    def __init__(self, keeper: Keeper, place: Place, run_id: RunId) -> None:
        super().__init__(run_id)
        self._keeper = keeper
        self._is_gone = False
        self._is_untouched = True
        self.place = place
        self.container_id = place.container_id
        self.channel = RunChannel(place)
        self.transcript = Transcript()

    def is_waiting(self) -> bool:
        """Whether its container is silent and its socket open; see the port."""
        return not self._is_gone and harness_link.is_waiting(self.channel, self.transcript)

    def await_ready(self) -> None:
        """Wait until the harness of its run says that it is ready, once for each run.

        Raises:
            HarnessNotReady: it ended, said something else, or did not say so in time.
        """
        if not self.place.is_ready:
            self.place.idle_bytes = harness_link.await_ready(
                self.channel, self.transcript, READY_WITHIN_S
            )
            self.place.is_ready = True
        self.idle_bytes = self.place.idle_bytes

    def begin(self) -> None:
        """Note that its run is no longer one that has seen nothing."""
        self._is_untouched = self.place.is_ready = False

    def discard(self) -> None:
        """Give the place back with its run, or up where that has seen anything."""
        self.leave(is_sound=self._is_untouched)

    def leave(self, *, is_sound: bool) -> None:
        """Give the place back, or up where the run in it did not end as it should."""
        if not self._is_gone:
            self._is_gone = True
            self._keeper.take_back(self.place, is_sound=is_sound)
