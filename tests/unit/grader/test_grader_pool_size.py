from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gofer_ingest.grader.pool_size import IDLE_AFTER_S, Demand, Kind, sizes
from shared.model import Limits

MIB = 1 << 20
ONE, OTHER = Kind(None, Limits()), Kind("other", Limits())
NOW = 10_000.0


def demand(*ago_s: float, making_s: float = 3.0, idle_bytes: int = 200 * MIB) -> Demand:
    return Demand(sorted(NOW - ago for ago in ago_s), making_s, idle_bytes)


def test_what_nobody_asks_for_is_not_kept() -> None:
    assert sizes({}, NOW, memory_bytes=1024 * MIB, most=4) == {}
    late = {ONE: demand(IDLE_AFTER_S + 1)}
    assert sizes(late, NOW, memory_bytes=1024 * MIB, most=4) == {}


def test_one_is_kept_for_half_an_hour_after_somebody_asked() -> None:
    asked = {ONE: demand(IDLE_AFTER_S - 1)}
    assert sizes(asked, NOW, memory_bytes=1024 * MIB, most=4) == {ONE: 1}


def test_as_many_are_kept_as_are_asked_for_while_one_is_made() -> None:
    often = {ONE: demand(*range(60), making_s=3.0)}  # once a second
    assert sizes(often, NOW, memory_bytes=4096 * MIB, most=8) == {ONE: 3}


def test_no_more_of_a_kind_are_kept_than_runs_there_can_be() -> None:
    often = {ONE: demand(*range(60), making_s=30.0)}
    assert sizes(often, NOW, memory_bytes=4096 * MIB, most=2) == {ONE: 2}


def test_each_kind_has_one_before_any_has_two() -> None:
    both = {ONE: demand(*range(1, 60)), OTHER: demand(100)}
    assert sizes(both, NOW, memory_bytes=450 * MIB, most=8) == {ONE: 1, OTHER: 1}
    assert sizes(both, NOW, memory_bytes=650 * MIB, most=8) == {ONE: 2, OTHER: 1}


def test_where_there_is_no_room_for_all_what_was_asked_for_last_is_kept() -> None:
    both = {ONE: demand(100), OTHER: demand(1)}
    assert sizes(both, NOW, memory_bytes=200 * MIB, most=8) == {OTHER: 1}
    assert sizes(both, NOW, memory_bytes=199 * MIB, most=8) == {}


demands = st.builds(
    demand,
    st.floats(0, 3000),
    st.floats(0, 3000),
    making_s=st.floats(0.1, 60),
    idle_bytes=st.integers(1, 600 * MIB),
)


@given(one=demands, other=demands, memory=st.integers(0, 2048 * MIB), most=st.integers(1, 8))
def test_the_memory_that_there_is_for_it_is_kept_to(
    one: Demand, other: Demand, memory: int, most: int
) -> None:
    kinds = {ONE: one, OTHER: other}
    kept = sizes(kinds, NOW, memory_bytes=memory, most=most)
    assert sum(kinds[kind].idle_bytes * number for kind, number in kept.items()) <= memory
    assert all(1 <= number <= most for number in kept.values())


def test_old_askings_are_forgotten_but_for_the_last() -> None:
    asked = Demand()
    for at in (0.0, 1.0, 5000.0):
        asked.note(at)
    assert asked.asked_at == [5000.0]
