"""Imports otter before any test does: what it imports warns of its own old ways."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pytest

from gofer_ingest.grader import decide
from tests.unit.grader.grading_room import Room

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import otter.run  # noqa: F401 - for its effect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    """A volume, a gradebook, one assignment, and a sandbox that does as it is told."""
    made = Room(tmp_path)
    yield made
    made.close()


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back-offs and pauses of milliseconds."""
    monkeypatch.setattr(decide, "FIRST_WAIT_S", 0.002)
    monkeypatch.setattr(decide, "LONGEST_PAUSE_S", 0.01)
    monkeypatch.setattr(decide, "BLOCKED_WAIT_S", 0.01)
