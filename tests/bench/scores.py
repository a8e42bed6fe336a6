"""What both routes answer for one notebook, and whether they agree. Pure."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TOLERANCE = 1e-6
"""Points: fractions of points are added up in floating point, in one order or another."""


@dataclass(frozen=True)
class NotebookScore:
    """How one notebook was graded.

    Attributes:
        notebook: which of the samples it was.
        questions: points earned and points possible, by question.
    """

    notebook: str
    questions: Mapping[str, tuple[float, float]]

    @property
    def points(self) -> float:
        """Points earned in all."""
        return sum(earned for earned, _ in self.questions.values())

    @property
    def possible(self) -> float:
        """Points possible in all."""
        return sum(possible for _, possible in self.questions.values())


@dataclass(frozen=True)
class Timed:
    """One measurement.

    Attributes:
        seconds: by the clock, from handing the notebooks in to having their scores.
        scores: in the order of the notebooks.
        students_cpu_s: processor seconds that the bench spent on being the students, who send
            notebooks and look for grades; none where the route has no students.
        cpu_s: processor seconds that the whole machine spent meanwhile.
        memory_bytes: by how much its memory in use rose at most meanwhile.
    """

    seconds: float
    scores: Sequence[NotebookScore]
    students_cpu_s: float = 0.0
    cpu_s: float = 0.0
    memory_bytes: int = 0


@dataclass(frozen=True)
class Measured:
    """All measurements of one route.

    Attributes:
        warm_up: of the first notebook, which counts for no figure.
        singles: of one notebook, several times over.
        burst: of many notebooks at once.
        load_before: the machine's load average of the minute before.
        load_before_burst: the same, before the many notebooks.
    """

    warm_up: Timed
    singles: Sequence[Timed]
    burst: Timed
    load_before: float
    load_before_burst: float

    @property
    def cpu_each_s(self) -> float:
        """Processor seconds of the whole machine for each notebook, when many come at once."""
        return self.burst.cpu_s / len(self.burst.scores)

    @property
    def timed(self) -> list[Timed]:
        """Every measurement, in the order in which they were made."""
        return [self.warm_up, *self.singles, self.burst]

    @property
    def one_s(self) -> float:
        """Seconds for one notebook, the median."""
        return statistics.median(timed.seconds for timed in self.singles)

    @property
    def a_minute(self) -> float:
        """Notebooks graded a minute when many come at once."""
        return 60 * len(self.burst.scores) / self.burst.seconds


def differences(peer: Sequence[NotebookScore], ours: Sequence[NotebookScore]) -> list[str]:
    """Say for each notebook on which questions the two do not agree; empty where they do.

    Args:
        peer: what `otter grade` gave.
        ours: what Gofer gave, of the same notebooks in the same order.
    """
    found = []
    for number, (one, other) in enumerate(zip(peer, ours, strict=True), start=1):
        if one.notebook != other.notebook:
            raise ValueError(f"{one.notebook} is compared with {other.notebook}")
        wrong = [
            f"{question}: otter grade {_words(one, question)}, Gofer {_words(other, question)}"
            for question in sorted(one.questions.keys() | other.questions.keys())
            if not _agree(one.questions.get(question), other.questions.get(question))
        ]
        if wrong:
            found.append(f"notebook {number} ({one.notebook}): {'; '.join(wrong)}")
    return found


def _agree(one: tuple[float, float] | None, other: tuple[float, float] | None) -> bool:
    if one is None or other is None:
        return False
    return all(math.isclose(a, b, abs_tol=_TOLERANCE) for a, b in zip(one, other, strict=True))


def _words(score: NotebookScore, question: str) -> str:
    if question not in score.questions:
        return "nothing"
    return "{:g} of {:g}".format(*score.questions[question])
