"""Hostile notebooks, each graded beside a good one: what they get, and that they harm nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.model import Verdict
from tests.docker.hostile.case import EARNED, HELD
from tests.docker.hostile.containment import CONTAINMENT
from tests.docker.hostile.exhaustion import EXHAUSTION
from tests.docker.hostile.forging import FORGING
from tests.docker.hostile.host import new_mark
from tests.docker.hostile.installation import NEIGHBOUR_POINTS
from tests.docker.hostile.waves import Waves

if TYPE_CHECKING:
    from shared.gradebook.queries import RecordedRun
    from tests.docker.hostile.case import Hostile
    from tests.docker.hostile.installation import Installation

pytestmark = pytest.mark.docker

HOSTILE = {
    f"{theme}: {name}": hostile
    for theme, table in (
        ("exhaustion", EXHAUSTION),
        ("containment", CONTAINMENT),
        ("forging", FORGING),
    )
    for name, hostile in table.items()
}
AT_ONCE = (
    "exhaustion: a fork bomb",
    "exhaustion: a memory bomb",
    "exhaustion: output without end",
    "exhaustion: every writable disk left full",
    "containment: a child that outlives the run",
    "forging: an answer written to every descriptor",
)


def assert_as_expected(run: RecordedRun, hostile: Hostile) -> None:
    assert run.verdict in hostile.verdicts, (run.verdict, run.staff_text, run.log_tail)
    if run.verdict is Verdict.GRADED:
        assert run.score == hostile.points, (run.questions, run.staff_text, run.flags)
    else:
        assert run.score is None
        assert run.questions == ()
    expected = hostile.flags, hostile.flags | hostile.flags_may
    assert expected[0] <= set(run.flags) <= expected[1], (run.flags, run.staff_text)
    assert run.tries == 1
    hostile.look(run)


def assert_full(run: RecordedRun, points: float) -> None:
    """What an honest notebook has: all points, at the first try, with nothing odd about it."""
    assert (run.verdict, run.score) == (Verdict.GRADED, points), (run.questions, run.staff_text)
    assert (run.flags, run.tries) == ((), 1)


@pytest.fixture(scope="module")
def waves(installation: Installation, request: pytest.FixtureRequest) -> Waves:
    """All that were asked for, a few at a time."""
    called = [getattr(item, "callspec", None) for item in request.session.items]
    wanted = [found.params["name"] for found in called if found and "name" in found.params]
    return Waves(installation, HOSTILE, [name for name in HOSTILE if name in wanted])


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_notebook_has_what_it_should_and_harms_nobody(
    installation: Installation, waves: Waves, name: str
) -> None:
    graded = waves.graded(name)
    run, neighbour = graded.run, graded.beside

    assert_as_expected(run, HOSTILE[name])
    if run.verdict is not Verdict.INVALID:  # no sandbox sees such a one
        assert neighbour.started_at < run.finished_at, "they did not run at the same time"
        assert run.started_at < neighbour.finished_at, "they did not run at the same time"
    assert_full(neighbour, NEIGHBOUR_POINTS)
    installation.assert_untouched([graded.mark], [run])
    installation.assert_at_work()  # the next ones' neighbour is what it has to grade then


def test_hostile_notebooks_at_once_harm_neither_each_other_nor_who_waits_behind_them(
    installation: Installation,
) -> None:
    marks = {name: new_mark() for name in AT_ONCE}
    attacks = {
        name: installation.deliver_hostile(f"at once: {name}", HOSTILE[name], mark)
        for name, mark in marks.items()
    }
    neighbours = [installation.deliver_neighbour(f"one of three {n}") for n in range(3)]
    # a student's second submission of an assignment waits for the first to end
    seconds = {
        name: installation.deliver_honest(f"at once: {name}", HOSTILE[name].assignment)
        for name in AT_ONCE
    }

    runs = {name: installation.recorded(attack) for name, attack in attacks.items()}
    for name, run in runs.items():
        second = installation.recorded(seconds[name])
        assert_as_expected(run, HOSTILE[name])
        assert run.finished_at <= second.started_at
        assert_full(second, EARNED + HELD)
    for neighbour in neighbours:
        assert_full(installation.recorded(neighbour), NEIGHBOUR_POINTS)
    installation.assert_untouched(list(marks.values()), list(runs.values()))
    installation.assert_at_work()
