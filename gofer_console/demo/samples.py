"""The sample submissions and how each must end. Pure, but for reading the file that says so."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.errors import ConfigError
from shared.model import Score, Verdict
from shared.requests import Name

if TYPE_CHECKING:
    from pathlib import Path

_TOLERANCE: Final = 1e-6
"""Points: otter adds fractions of points up in floating point."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Alternative(_Strict):
    """What else is right in one of the sandboxes, which does not enforce everything.

    Attributes:
        any_of: each of these verdicts is right, with any score.
    """

    any_of: Annotated[tuple[Verdict, ...], Field(min_length=1)]


class Sample(_Strict):
    """One sample submission.

    Attributes:
        file: the notebook, relative to the file that lists it.
        student: who sends it.
        assignment: what its notebook says it is for.
        verdict: how grading it must end.
        score: points; given exactly where the verdict has a score.
        points_possible: out of how many.
        flags: what staff must see on its run.
        docker: what else is right in the docker sandbox.
        process: what else is right in the process sandbox.
    """

    file: str
    student: Name
    assignment: Name
    verdict: Verdict
    score: float | None = None
    points_possible: float | None = None
    flags: frozenset[str] = frozenset()
    docker: Alternative | None = None
    process: Alternative | None = None

    @model_validator(mode="after")
    def _has_score_with_its_verdict(self) -> Self:
        given = self.score is not None, self.points_possible is not None
        if given != (self.verdict.has_score, self.verdict.has_score):
            raise ValueError("score and points_possible belong to the verdict graded")
        return self

    @property
    def expected_score(self) -> Score | None:
        """The score it must have; None where there is to be none."""
        if self.score is None or self.points_possible is None:
            return None
        return Score(self.score, self.points_possible)

    def alternatives(self, sandbox: str) -> tuple[Verdict, ...]:
        """Return the verdicts that are right in this sandbox whatever the score."""
        alternative = {"docker": self.docker, "process": self.process}.get(sandbox)
        return alternative.any_of if alternative else ()


class _Samples(_Strict):
    submissions: Annotated[tuple[Sample, ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How grading one sample did end.

    Attributes:
        verdict: of its run.
        score: present exactly where the verdict has one.
        grading_s: seconds from the start of its run to the end.
        flags: of its run.
    """

    verdict: Verdict
    score: Score | None
    grading_s: float
    flags: frozenset[str] = frozenset()


def load_samples(path: Path) -> tuple[Sample, ...]:
    """Return the samples that a TOML file lists.

    Raises:
        ConfigError: the file is not there or cannot be understood.
    """
    try:
        return _Samples.model_validate(tomllib.loads(path.read_text("utf-8"))).submissions
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ConfigError(f"{path}: {where}: {first['msg']}") from error


def difference(sample: Sample, outcome: Outcome, sandbox: str) -> str | None:
    """Say how an outcome differs from what is expected; None where it is as it should be."""
    if outcome.verdict in sample.alternatives(sandbox):
        return None
    if outcome.verdict is not sample.verdict:
        return f"expected {sample.verdict}, but it ended as {outcome.verdict}"
    if not _are_close(sample.expected_score, outcome.score):
        return f"expected {_words(sample.expected_score)}, but it got {_words(outcome.score)}"
    lacking = sample.flags - outcome.flags
    return f"expected the flag {', '.join(sorted(lacking))}" if lacking else None


def _are_close(expected: Score | None, found: Score | None) -> bool:
    if expected is None or found is None:
        return expected is found
    return math.isclose(expected.points, found.points, abs_tol=_TOLERANCE) and math.isclose(
        expected.possible, found.possible, abs_tol=_TOLERANCE
    )


def _words(score: Score | None) -> str:
    return f"{score.points:g} of {score.possible:g} points" if score else "no score"
