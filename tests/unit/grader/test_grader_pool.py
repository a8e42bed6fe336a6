from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gofer_ingest.grader.pool import AGE_MAX_S, WarmPool, Warmth
from gofer_ingest.grader.pool_size import IDLE_AFTER_S
from gofer_ingest.grader.sandbox import ImageId, Job
from shared.errors import HarnessNotReady, ImageMissing, SandboxUnavailable
from shared.model import Limits, new_run_id
from tests.support.processes import wait_until
from tests.unit.grader.scripted_sandbox import ScriptedSandbox, ScriptedSlot

if TYPE_CHECKING:
    from gofer_ingest.grader.sandbox import Slot

LIMITS = Limits()
OTHER_LIMITS = Limits(time_s=7.0)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Pond:
    """A pool over a scripted sandbox, whose time passes when the test says so."""

    def __init__(self, memory_bytes: int = 1 << 30) -> None:
        self.clock = Clock()
        self.sandbox = ScriptedSandbox()
        self.pool = WarmPool(self.sandbox, memory_bytes=memory_bytes, most=2, clock=self.clock)

    def prepared(self, limits: Limits = LIMITS) -> ScriptedSlot:
        slot = self.pool.prepare(None, limits, new_run_id())
        assert isinstance(slot, ScriptedSlot)
        return slot

    def warmed(self, limits: Limits = LIMITS) -> None:
        self.pool.expect(None, limits)
        self.pool.tend()
        assert self.pool.warmth().idle >= 1


@pytest.fixture
def pond() -> Pond:
    return Pond()


def test_a_run_finds_what_was_made_ahead(pond: Pond) -> None:
    pond.warmed()
    (ready,) = pond.sandbox.slots_in_use
    slot = pond.prepared()
    assert slot is ready
    assert slot.is_ahead
    assert pond.pool.warmth() == Warmth(idle=0, hits=1, misses=0)


def test_where_nothing_is_ready_a_slot_is_made_for_the_run(pond: Pond) -> None:
    run_id = new_run_id()
    slot = pond.pool.prepare(None, LIMITS, run_id)
    assert slot.run_id == run_id
    assert isinstance(slot, ScriptedSlot)
    assert not slot.is_ahead
    assert pond.pool.warmth() == Warmth(idle=0, hits=0, misses=1)


def test_no_slot_is_handed_out_twice(pond: Pond) -> None:
    pond.warmed()
    slots: list[Slot] = [pond.prepared() for _ in range(3)]
    assert len(set(slots)) == len({slot.run_id for slot in slots}) == 3


def test_a_run_gets_a_slot_of_its_own_limits(pond: Pond) -> None:
    pond.warmed()
    assert not pond.prepared(OTHER_LIMITS).is_ahead
    assert pond.prepared().is_ahead


def test_what_has_died_meanwhile_is_given_back_and_not_handed_out(pond: Pond) -> None:
    pond.warmed()
    (dead,) = pond.sandbox.slots_in_use
    dead.is_alive = False
    slot = pond.prepared()
    assert slot is not dead
    assert pond.sandbox.slots_in_use == {slot}


def test_what_was_made_of_an_image_that_changed_is_given_back(pond: Pond) -> None:
    pond.warmed()
    pond.sandbox.images[None] = ImageId("image-2")
    slot = pond.prepared()
    assert not slot.is_ahead
    assert pond.sandbox.slots_in_use == {slot}


def test_what_is_too_old_is_not_handed_out_and_is_replaced(pond: Pond) -> None:
    pond.warmed()
    pond.clock.now += AGE_MAX_S + 1
    assert not pond.prepared().is_ahead
    pond.warmed()
    (old,) = (slot for slot in pond.sandbox.slots_in_use if slot.is_ahead)
    pond.clock.now += AGE_MAX_S - 1
    pond.pool.expect(None, LIMITS)
    pond.clock.now += 2
    pond.pool.tend()
    assert old not in pond.sandbox.slots_in_use
    assert pond.pool.warmth().idle == 1


def test_all_is_given_back_when_nobody_has_asked_for_long(pond: Pond) -> None:
    pond.warmed()
    pond.clock.now += IDLE_AFTER_S + 1
    pond.pool.tend()
    assert pond.sandbox.slots_in_use == set()


def test_what_one_takes_idle_decides_how_many_there_are(pond: Pond) -> None:
    pond.sandbox.idle_bytes = 600 << 20
    for _ in range(100):
        pond.pool.expect(None, LIMITS)
    for _ in range(3):
        pond.pool.tend()
    assert pond.pool.warmth().idle == 1


def test_failing_to_make_one_is_tried_again_later_and_no_runs_failure(pond: Pond) -> None:
    pond.pool.expect(None, LIMITS)
    pond.sandbox.will_fail("prepare", HarnessNotReady("no"), SandboxUnavailable("away"))
    first = pond.pool.tend()
    assert first > 0
    assert pond.pool.tend() == pytest.approx(first)  # nothing was tried
    assert pond.sandbox.prepared_in == []
    pond.clock.now += first
    second = pond.pool.tend()
    assert second > first / 2
    pond.clock.now += second
    assert pond.pool.tend() == 0.0
    assert pond.pool.warmth().idle == 1


def test_an_image_that_is_gone_is_the_runs_to_tell(pond: Pond) -> None:
    pond.warmed()
    del pond.sandbox.images[None]
    with pytest.raises(ImageMissing):
        pond.prepared()


def test_without_memory_for_it_nothing_is_made_ahead() -> None:
    pond = Pond(memory_bytes=0)
    with pond.pool.warming():
        pond.prepared().discard()
    assert pond.sandbox.prepared_in == [None]
    assert pond.pool.warmth() == Warmth()


def test_it_is_kept_ready_in_the_background_and_nothing_is_left_at_the_end(pond: Pond) -> None:
    with pond.pool.warming():
        pond.pool.expect(None, LIMITS)
        wait_until(lambda: pond.pool.warmth().idle == 1)
        taken = pond.prepared()
        assert taken.is_ahead
        wait_until(lambda: pond.pool.warmth().idle == 1)
    assert pond.sandbox.slots_in_use == {taken}
    assert pond.pool.tend() >= 0
    assert pond.sandbox.slots_in_use == {taken}, "what is made after the end is given back"


def test_the_rest_is_the_sandboxs(pond: Pond) -> None:
    pool, sandbox = pond.pool, pond.sandbox
    assert pool.name == sandbox.name
    assert pool.image_id(None) == sandbox.images[None]
    sandbox.can_extend = True
    assert "tabulate" in pool.extend(None, ("tabulate",))
    assert pool.inspect(None, b"zip")
    slot = pond.prepared()
    job = Job(slot.run_id, b"{}", b"zip", LIMITS)
    assert pool.run(slot, job).answer is not None
    assert sandbox.jobs == [job]
    assert pool.reap() == 0


def test_a_pool_that_is_closed_closes_what_it_stands_before(pond: Pond) -> None:
    pond.pool.close()
    assert pond.sandbox.is_closed
