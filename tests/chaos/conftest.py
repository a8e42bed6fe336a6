"""An engine of its own for the tests of chaos.

Starting it needs root. Who is not root, or lacks a program for it, is told why the tests are
skipped; where `GOFER_REQUIRE_DOCKER=1` they fail.
"""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING

import pytest

from tests.chaos.engine import PrivateEngine, obstacle
from tests.docker.conftest import IMAGE, engine

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["engine"]


@pytest.fixture(scope="session")
def private_engine(engine: None) -> Iterator[PrivateEngine]:
    """An engine that a test may stop and kill; ended with the session."""
    reason = obstacle()
    if reason is not None:
        if os.environ.get("GOFER_REQUIRE_DOCKER") == "1":
            pytest.fail(f"GOFER_REQUIRE_DOCKER=1, and {reason}")
        pytest.skip(reason)
    with PrivateEngine(IMAGE) as started:
        yield started
    # Here the tests' own filter of warnings still holds; a socket that nobody closed and that is
    # found at the very end would fail the whole session.
    gc.collect()
