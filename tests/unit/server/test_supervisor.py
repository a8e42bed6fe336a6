from __future__ import annotations

import pytest

from gofer_ingest.server.supervisor import DELAYS_S, HEALTHY_S, HOPELESS_DEATHS, Lives


def died_at_once(times: int) -> Lives:
    lives = Lives()
    for moment in range(times):
        lives.begin(moment)
        lives.end(moment + 0.5)
    return lives


def test_one_that_lived_is_started_again_at_once() -> None:
    lives = Lives()
    lives.begin(100)
    assert lives.end(100 + HEALTHY_S) == 0
    assert lives.deaths_at_once == 0


def test_one_that_dies_at_once_is_started_again_later_and_later() -> None:
    lives = Lives()
    delays = []
    for _ in range(len(DELAYS_S) + 3):
        lives.begin(0)
        delays.append(lives.end(0.1))
    assert delays == sorted(delays)
    assert delays[0] > 0
    assert delays[-1] == delays[-2] == DELAYS_S[-1]


@pytest.mark.parametrize(
    ("deaths", "is_hopeless"), [(0, False), (HOPELESS_DEATHS - 1, False), (HOPELESS_DEATHS, True)]
)
def test_there_is_no_hope_after_a_few_deaths_in_a_row(deaths: int, *, is_hopeless: bool) -> None:
    assert died_at_once(deaths).is_hopeless(1000) is is_hopeless


def test_one_that_is_alive_for_a_while_gives_hope_again() -> None:
    lives = died_at_once(HOPELESS_DEATHS)
    lives.begin(1000)
    assert lives.is_hopeless(1000 + HEALTHY_S / 2)
    assert not lives.is_hopeless(1000 + HEALTHY_S)
    assert lives.end(1000 + HEALTHY_S) == 0
    assert not lives.is_hopeless(2000)
