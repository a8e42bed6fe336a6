from __future__ import annotations

import asyncio

from gofer_ingest.server.means import InHand


class Arriving:
    """A request, as far as a stop needs to know it."""

    def __init__(self, *, is_whole: bool) -> None:
        self.is_whole = is_whole
        self.is_cut = False

    def cut(self) -> None:
        self.is_cut = True


def test_whoever_watches_is_told_how_many_there_are() -> None:
    told: list[int] = []
    in_hand = InHand(told.append)
    first, second = Arriving(is_whole=False), Arriving(is_whole=False)
    in_hand.add(first)
    in_hand.add(second)
    in_hand.discard(first)
    in_hand.discard(first)
    in_hand.discard(second)
    assert told == [1, 2, 1, 0]


def test_only_what_is_still_arriving_is_cut() -> None:
    in_hand = InHand(lambda _: None)
    arriving, whole = Arriving(is_whole=False), Arriving(is_whole=True)
    in_hand.add(arriving)
    in_hand.add(whole)
    assert in_hand.cut_incomplete() == 1
    assert arriving.is_cut
    assert not whole.is_cut


def test_a_stop_waits_for_the_last_one_and_not_for_ever() -> None:
    async def stop() -> tuple[bool, bool]:
        in_hand = InHand(lambda _: None)
        request = Arriving(is_whole=True)
        in_hand.add(request)
        too_early = await in_hand.finished(0.01)
        asyncio.get_running_loop().call_soon(in_hand.discard, request)
        return too_early, await in_hand.finished(10)

    assert asyncio.run(stop()) == (False, True)
