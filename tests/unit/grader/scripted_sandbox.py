"""A sandbox that does what a test tells it to, and remembers what was asked of it."""

from __future__ import annotations

import json
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from gofer_ingest.grader.sandbox import ImageId, Job, RawResult, Sandbox, Slot
from shared.errors import ImageBuildFailed, ImageMissing
from tests.unit.grader.harness_answers import answer, answered

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.model import Limits, RunId

FOUND: dict[str, Any] = {
    "questions": [
        {"name": "q1", "points": 2.0, "hidden": False},
        {"name": "q2", "points": 3.0, "hidden": True},
    ],
    "points_possible": 5.0,
    "score_threshold": None,
    "plugins": [],
    "requirements": [],
    "missing": [],
    "problems": [],
    "notes": [],
    "otter_version": "7.0.0",
}
"""What inspecting a zip of two questions finds."""

DEADLINE_S = 30.0


class ScriptedSlot(Slot):
    def __init__(self, sandbox: ScriptedSandbox, run_id: RunId, *, is_ahead: bool) -> None:
        super().__init__(run_id, sandbox.idle_bytes)
        self._sandbox = sandbox
        self.is_ahead = is_ahead
        self.is_alive = True

    def is_waiting(self) -> bool:
        return self.is_alive

    def discard(self) -> None:
        self._sandbox.slots_in_use.discard(self)


class ScriptedSandbox(Sandbox):
    """Every run ends with 1.5 of 5 points unless the test says otherwise.

    Attributes:
        failures: errors that the next calls of a method raise, by its name; then all is well.
        images: what there is, by name; None is the grader's own.
        found: what an inspection finds.
        grade: what comes back for a job.
        gate: runs wait until it is open.
        can_extend: whether the requirements of an extension can be had.
        build_gate: extensions wait until it is open.
        extended: the extensions that were asked for, as image and requirements.
        inspected: the zips that were inspected.
        prepared_in: the image of each slot that was prepared.
        jobs: the jobs that were run.
        slots_in_use: prepared, and neither run nor discarded.
        most_at_once: how many runs there were at one time.
        idle_bytes: what a slot says that it takes idle.
        is_closed: whether it was told to keep nothing more.
    """

    name = "process"

    def __init__(self) -> None:
        self.failures: dict[str, deque[BaseException]] = {}
        self.images: dict[str | None, ImageId] = {None: ImageId("image-1")}
        self.found = dict(FOUND)
        self.grade: Callable[[Job], RawResult] = lambda _: answered(answer())
        self.gate = threading.Event()
        self.gate.set()
        self.can_extend = False
        self.build_gate = threading.Event()
        self.build_gate.set()
        self.extended: list[tuple[str | None, tuple[str, ...]]] = []
        self.inspected: list[bytes] = []
        self.prepared_in: list[str | None] = []
        self.jobs: list[Job] = []
        self.slots_in_use: set[ScriptedSlot] = set()
        self.most_at_once = 0
        self.idle_bytes: int | None = None
        self.is_closed = False
        self._now_running = 0
        self._lock = threading.Lock()

    def will_fail(self, method: str, *errors: BaseException) -> None:
        """Let the next calls of `method` raise these, in turn."""
        self.failures.setdefault(method, deque()).extend(errors)

    def _maybe_fail(self, method: str) -> None:
        with self._lock:
            errors = self.failures.get(method)
            error = errors.popleft() if errors else None
        if error is not None:
            raise error

    def image_id(self, image: str | None) -> ImageId:
        self._maybe_fail("image_id")
        if image not in self.images:
            raise ImageMissing
        return self.images[image]

    def extend(self, image: str | None, requirements: tuple[str, ...]) -> str:
        self.extended.append((image, requirements))
        assert self.build_gate.wait(DEADLINE_S), "the test never opened the gate"
        self._maybe_fail("extend")
        if not self.can_extend:
            raise ImageBuildFailed(f"{', '.join(requirements)} cannot be had.")
        name = f"{image or 'grader'} with {', '.join(requirements)}"
        self.images[name] = ImageId(f"id of {name}")
        return name

    def inspect(self, image: str | None, autograder_zip: bytes) -> bytes:
        self.inspected.append(autograder_zip)
        self._maybe_fail("inspect")
        is_extended = image is not None and " with " in image
        return json.dumps(self.found | ({"missing": []} if is_extended else {})).encode()

    def prepare(
        self, image: str | None, limits: Limits, run_id: RunId, *, is_ahead: bool = False
    ) -> ScriptedSlot:
        self._maybe_fail("prepare")
        self.prepared_in.append(image)
        slot = ScriptedSlot(self, run_id, is_ahead=is_ahead)
        self.slots_in_use.add(slot)
        return slot

    def run(self, slot: Slot, job: Job) -> RawResult:
        with self._lock:
            self.jobs.append(job)
            self._now_running += 1
            self.most_at_once = max(self.most_at_once, self._now_running)
        try:
            assert self.gate.wait(DEADLINE_S), "the test never opened the gate"
            self._maybe_fail("run")
            return self.grade(job)
        finally:
            slot.discard()
            with self._lock:
                self._now_running -= 1

    @property
    def now_running(self) -> int:
        return self._now_running

    def reap(self) -> int:
        return 0

    def close(self) -> None:
        self.is_closed = True
