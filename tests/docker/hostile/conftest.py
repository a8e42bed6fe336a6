"""One installation for all hostile notebooks of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.docker.hostile.installation import Installation

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def installation(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A grader at work, which has to stop well after all that it was given."""
    with Installation(tmp_path_factory.mktemp("hostile")) as running:
        yield running
        assert running.stop() == 0
        assert running.containers() == []
