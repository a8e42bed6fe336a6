"""In which sandbox the demo grades, by what the grader's own checks say of the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gofer_console.grader_side import Health

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gofer_console.grader_side import Check

_ENGINE: Final = "engine"
_IMAGE: Final = "image"
_SANDBOX: Final = "sandbox"


def engine_answers(found: Sequence[Check]) -> bool:
    """Whether a Docker engine answers, so that the demo grades in containers."""
    return any(check.name == _ENGINE and check.status is Health.OK for check in found)


def is_image_missing(found: Sequence[Check]) -> bool:
    """Whether the grader image has to be built first."""
    return any(check.name == _IMAGE and check.status is not Health.OK for check in found)


def sandbox_problem(found: Sequence[Check]) -> Check | None:
    """Return what is wrong with the sandbox itself, engine and image being there."""
    problems = (c for c in found if c.name == _SANDBOX and c.status is Health.PROBLEM)
    return next(problems, None)
