"""Scores as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from shared.model import Score

NONE: Final = "\u2013"
"""A dash, where there is none."""


def points(score: Score | None) -> str:
    """Return points as `8.5 of 10`; a dash for none."""
    return NONE if score is None else f"{score.points:g} of {score.possible:g}"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun, as `1 grade` and `1,200 grades`."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
