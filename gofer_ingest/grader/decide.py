"""What to do when our machinery fails. Pure: the worker only carries it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shared.errors import (
    DamagedEntry,
    GoferError,
    GradebookError,
    GraderError,
    ImageMissing,
    SandboxUnavailable,
    SpoolError,
    SpoolUnavailable,
)

FIRST_WAIT_S: Final = 2.0
LONGEST_WAIT_S: Final = 300.0
LONGEST_PAUSE_S: Final = 30.0
BLOCKED_WAIT_S: Final = 30.0
PATIENCE_WHILE_SICK: Final = 10
"""So many times the tries has an entry while everybody's runs fail: it is hardly to blame."""

_PAUSE_WORDS: Final[dict[type[GoferError], str]] = {
    SandboxUnavailable: "engine",
    ImageMissing: "image",
    SpoolError: "disk",
    GradebookError: "gradebook",
}


@dataclass(frozen=True, slots=True)
class RetryLater:
    """Leave the entry where it is and look at it again after `after_s` seconds."""

    after_s: float


@dataclass(frozen=True, slots=True)
class Bury:
    """Give the entry to staff, with the reason."""

    reason: str


def back_off_s(failures: int, jitter: float) -> float:
    """Return how long to wait after `failures` in a row (≥ 1): exponential, capped, spread.

    Args:
        failures: how many there have been.
        jitter: from 0 to 1; spreads waits over the upper half, so that entries which failed
            together do not come back together.
    """
    longest = min(FIRST_WAIT_S * 2.0 ** (min(failures, 20) - 1), LONGEST_WAIT_S)
    return longest * (0.5 + 0.5 * jitter)


def after_failure(
    error: GoferError, *, failures: int, max_tries: int, jitter: float
) -> RetryLater | Bury:
    """Decide what becomes of an entry whose run our machinery failed.

    Args:
        error: what happened.
        failures: how often a run of this entry has failed, this time included.
        max_tries: how often it may.
        jitter: see `back_off_s`.
    """
    if isinstance(error, DamagedEntry):
        return Bury(str(error))
    is_retryable = not isinstance(error, GraderError) or error.retryable
    if not is_retryable:
        return Bury(str(error))
    if failures >= max_tries:
        return Bury(f"The grader failed {failures} times. The last time: {error}")
    return RetryLater(back_off_s(failures, jitter))


def is_out_of_order(error: GoferError) -> bool:
    """Whether every other entry would fail the same way just now: engine, disk or gradebook."""
    return isinstance(error, SandboxUnavailable | ImageMissing | SpoolUnavailable | GradebookError)


def pause_word(error: GoferError) -> str:
    """Return one word for staff on what is out of order."""
    for kind, word in _PAUSE_WORDS.items():
        if isinstance(error, kind):
            return word
    return "failures"
