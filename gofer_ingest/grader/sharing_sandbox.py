"""Runs each notebook in a container that has imported everything already, one after another.

Still one notebook at a time in a container, so that its limits are the run's own, and each run is
alone with its own files, processes and network. What is shared is the start: an interpreter and the
imports. A run that does not end as it should takes its container with it.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from gofer_ingest.grader import harness_link
from gofer_ingest.grader.docker_sandbox import (
    TAKEN_WITHIN_S,
    ContainerSlot,
    DockerSandbox,
)
from gofer_ingest.grader.harness.protocol import EXIT_CANNOT_SHARE
from gofer_ingest.grader.place_request import place_request
from gofer_ingest.grader.places import Key, Place, PlaceSlot, RunChannel
from gofer_ingest.grader.sandbox import Ending, Job, RawResult, Slot
from shared.errors import GraderError, HarnessNotReady, RunInterrupted, SandboxUnavailable
from shared.model import new_run_id

if TYPE_CHECKING:
    from shared.model import Limits, RunId

log = logging.getLogger(__name__)

SERVES_RUNS: Final = 200
"""A container is replaced after so many: whatever a parent's memory gathers is bounded."""

IDLE_S: Final = 1800.0
"""How long a container waits for its next run."""

GONE_WITHIN_S: Final = 10.0
"""How long after its answer a run's processes may take to be gone."""

_EXIT_KILLED: Final = 137


class CannotShare(HarnessNotReady):
    """A run cannot be alone in a container here that others have used."""


class SharingDockerSandbox(DockerSandbox):
    """The adapter to the engine's API whose containers serve one run after another.

    Containers are kept for their next run while there are no more of them than runs at a time.

    Attributes:
        refusal: why runs had containers of their own after all; empty where none had.
    """

    def __init__(self, *args: Any, keep: int, **options: Any) -> None:
        """Take what `DockerSandbox` takes, and how many idle containers to keep."""
        super().__init__(*args, **options)
        self._keep = keep
        self._idle: list[Place] = []
        self._idle_lock = threading.Lock()
        self._is_closed = False
        self._shares = True
        self.refusal = ""

    def prepare(
        self, image: str | None, limits: Limits, run_id: RunId, *, is_ahead: bool = False
    ) -> ContainerSlot:
        """Take a place that waits, or make one; see the port.

        Where this engine does not let runs share a container, each has one of its own.
        """
        if not self._shares:
            return self._own_container(image, limits, run_id, is_ahead=is_ahead)
        key = Key(self.image_id(image), limits)
        while place := self._waiting(key):
            slot = PlaceSlot(self, place, run_id)
            with contextlib.suppress(GraderError):
                slot.await_ready()
                if slot.is_waiting():
                    return slot
            slot.leave(is_sound=False)  # it has ended meanwhile; the next one may be well
        try:
            return self._make(key, run_id, is_ahead=is_ahead)
        except CannotShare as error:
            self._shares = False
            reason = str(error)
        except SandboxUnavailable as error:
            reason = str(error)  # the engine's trouble, or what it thinks of this kind of container
        own = self._own_container(image, limits, run_id, is_ahead=is_ahead)
        self._tell_of_single_use(reason)
        return own

    def run(self, slot: Slot, job: Job) -> RawResult:
        """Grade one notebook; see the port."""
        if not isinstance(slot, PlaceSlot):
            return super().run(slot, job)
        packed = harness_link.pack_run(job)
        channel, transcript = slot.channel, slot.transcript
        is_sound = False
        exit_code, oom_killed = None, False
        slot.begin()
        try:
            harness_link.hand_over(channel, transcript, packed, TAKEN_WITHIN_S)
            started = time.monotonic()
            deadline = started + job.limits.time_s + harness_link.LAST_WORDS_S
            ending, answer = harness_link.await_answer(channel, transcript, packed, deadline)
            wall_s = time.monotonic() - started
            if ending is Ending.ANSWERED:
                is_sound = self._is_gone_without_trace(channel)
            if channel.ended is not None:
                exit_code, oom_killed = channel.ended.status, bool(channel.ended.oom_kills)
            else:
                slot.place.outputs.close()
                exit_code, oom_killed = self.how_it_ended(slot.place.container_id, ending)
        finally:
            slot.leave(is_sound=is_sound)
        if ending is Ending.DIED and oom_killed:
            ending = Ending.OUT_OF_MEMORY
        if ending is Ending.DIED and channel.ended is None and exit_code == _EXIT_KILLED:
            raise RunInterrupted
        return RawResult(
            ending=ending,
            answer=answer,
            log_tail=transcript.log_tail,
            wall_s=wall_s,
            oom_killed=oom_killed,
            exit_code=exit_code if ending is Ending.DIED else None,
        )

    def take_back(self, place: Place, *, is_sound: bool) -> None:
        """Keep a place for its next run, or give it up."""
        if not place.is_ready:  # the run that waits there has only just begun to
            place.idle_since = time.monotonic()
        with self._idle_lock:
            keeps = is_sound and place.served < SERVES_RUNS and not self._is_closed
            if keeps:
                self._idle.append(place)
            surplus = self._surplus()
        for other in (*surplus, *(() if keeps else (place,))):
            self._give_up(other)

    def reap(self) -> int:
        """Give up what has waited too long, then what is left behind; see the port."""
        with self._idle_lock:
            surplus = self._surplus()
        for place in surplus:
            self._give_up(place)
        return super().reap()

    def close(self) -> None:
        """Give up every place that waits, and keep none from now on; see the port."""
        with self._idle_lock:
            self._is_closed = True
            waiting, self._idle = self._idle, []
        for place in waiting:
            self._give_up(place)

    def _make(self, key: Key, run_id: RunId, *, is_ahead: bool) -> PlaceSlot:
        label = new_run_id()  # no run's: it will be many runs' container
        labels = self.labels(label, is_ahead=is_ahead)
        request = place_request(key.image, key.limits, labels, self._runtime)
        container_id, outputs = self.start_container(request, label)
        place = Place(key, label, container_id, outputs, idle_since=time.monotonic())
        slot = PlaceSlot(self, place, run_id)
        try:
            slot.await_ready()
        except GraderError as error:
            slot.leave(is_sound=False)
            told = place.told.decode(errors="replace").strip()
            ended = slot.channel.ended
            if ended is not None and ended.status == EXIT_CANNOT_SHARE:
                raise CannotShare(f"{error} {told}".strip()) from error
            raise HarnessNotReady(f"{error} {told}".strip()) from error
        return slot

    def _tell_of_single_use(self, reason: str) -> None:
        if not self.refusal:
            self.refusal = reason
            log.warning(
                "Runs cannot share a start on this engine: each has a container of its own",
                extra={"action": "single_use", "reason": reason},
            )

    def _waiting(self, key: Key) -> Place | None:
        with self._idle_lock:
            for place in reversed(self._idle):  # the one that waits for the shortest time
                if place.key == key:
                    self._idle.remove(place)
                    place.served += 1
                    return place
        return None

    def _surplus(self) -> list[Place]:
        """Take out what has waited too long, and the oldest of too many; the lock is held."""
        too_old = time.monotonic() - IDLE_S
        surplus = [place for place in self._idle if place.idle_since < too_old]
        left = [place for place in self._idle if place not in surplus]
        surplus += left[: max(0, len(left) - self._keep)]
        self._idle = [place for place in self._idle if place not in surplus]
        return surplus

    def _give_up(self, place: Place) -> None:
        with contextlib.suppress(OSError):
            place.outputs.close()
        self.let_go(place.label, place.container_id)

    @staticmethod
    def _is_gone_without_trace(channel: RunChannel) -> bool:
        """Wait until no process of the run is left; tell whether all went as it should."""
        deadline = time.monotonic() + GONE_WITHIN_S
        try:
            while channel.receive(deadline):
                pass  # last words
        except (TimeoutError, GraderError):
            return False
        ended = channel.ended
        return ended is not None and ended.status == 0 and ended.oom_kills == 0
