"""Hostile notebooks side by side: a few at once, with a good one beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.docker.hostile.case import INVALID
from tests.docker.hostile.host import new_mark
from tests.docker.hostile.installation import CONCURRENCY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shared.gradebook.queries import RecordedRun
    from tests.docker.hostile.case import Hostile
    from tests.docker.hostile.installation import Installation

AT_ONCE: Final = CONCURRENCY - 1
"""The grader has one more hand, for the good one."""


@dataclass(frozen=True)
class Graded:
    """What became of one hostile notebook.

    Attributes:
        run: its own.
        mark: that everything of it bore.
        beside: the run of the good notebook.
    """

    run: RecordedRun
    mark: str
    beside: RecordedRun


class Waves:
    """Grades each hostile notebook once, when it is first asked for, together with the next ones.

    Args:
        installation: that grades them.
        hostile: all there are, by name.
        wanted: the names that will be asked for. Those with the same limits go together, since
            they take about the same time.
    """

    def __init__(
        self, installation: Installation, hostile: Mapping[str, Hostile], wanted: Iterable[str]
    ) -> None:
        self._installation = installation
        self._hostile = hostile
        names = sorted(
            wanted, key=lambda name: (hostile[name].verdicts == INVALID, hostile[name].assignment)
        )
        waves = [names[at : at + AT_ONCE] for at in range(0, len(names), AT_ONCE)]
        self._waves = {name: wave for wave in waves for name in wave}
        self._graded: dict[str, Graded] = {}

    def graded(self, name: str) -> Graded:
        """Return what became of one, once its whole wave is over."""
        if name not in self._graded:
            self._grade(self._waves[name])
        return self._graded[name]

    def _grade(self, wave: list[str]) -> None:
        given = self._installation
        marks = {name: new_mark() for name in wave}
        beside = given.deliver_neighbour(f"the neighbour of {wave[0]}")
        attacks = {
            name: given.deliver_hostile(name, self._hostile[name], mark)
            for name, mark in marks.items()
        }
        runs = {name: given.recorded(attack) for name, attack in attacks.items()}
        neighbour = given.recorded(beside)
        for name in wave:
            self._graded[name] = Graded(runs[name], marks[name], neighbour)
