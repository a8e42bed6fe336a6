from __future__ import annotations

import pytest

from gofer_ingest.server.bodies import Body, BodyBudget
from gofer_ingest.server.errors import ServerBusy
from shared.errors import TooLarge


def test_a_body_is_what_arrived() -> None:
    body = Body(10, BodyBudget(100))
    body.add(b"abc")
    body.add(b"defghij")
    assert body.whole() == b"abcdefghij"


def test_a_body_over_the_limit_is_refused_as_soon_as_it_is_passed() -> None:
    body = Body(10, BodyBudget(100))
    body.add(b"x" * 10)
    with pytest.raises(TooLarge):
        body.add(b"x")


@pytest.mark.parametrize("length", ["11", "0011", "9" * 5000])
def test_a_length_over_the_limit_is_refused_before_reading(length: str) -> None:
    with pytest.raises(TooLarge):
        Body(10, BodyBudget(100)).expect(length)


@pytest.mark.parametrize(
    "length", ["", "0", "10", "000000000010", "-1", "ten", "5, 5", "\u0661" * 9]
)
def test_other_lengths_are_left_to_the_http_parser(length: str) -> None:
    Body(10, BodyBudget(100)).expect(length)


def test_the_limit_is_told() -> None:
    with pytest.raises(TooLarge, match=r"more than 1\.5 MB"):
        Body(3 << 19, BodyBudget(100)).expect("99999999")


def test_all_bodies_together_are_bounded() -> None:
    budget = BodyBudget(10)
    first, second = Body(10, budget), Body(10, budget)
    first.add(b"x" * 6)
    with pytest.raises(ServerBusy):
        second.add(b"x" * 6)
    first.drop()
    second.add(b"x" * 6)
    assert budget.used_bytes == 6


def test_one_person_leaves_room_for_others() -> None:
    budget = BodyBudget(10, share_bytes=4)
    first, second = Body(10, budget, "ada"), Body(10, budget, "ada")
    first.add(b"xyz")
    with pytest.raises(ServerBusy):
        second.add(b"xy")
    Body(10, budget, "grace").add(b"xyz")
    first.drop()
    second.add(b"xy")
    assert budget.used_bytes == 5


def test_dropping_twice_gives_back_once() -> None:
    budget = BodyBudget(10)
    body = Body(10, budget)
    body.add(b"xyz")
    body.drop()
    body.drop()
    assert budget.used_bytes == 0
    assert body.whole() == b""
