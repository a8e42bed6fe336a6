"""Where the gradebooks of these tests are; `postgresql` below has others."""

from __future__ import annotations

import pytest


@pytest.fixture
def database_url() -> str | None:
    """`GOFER_DATABASE_URL`; None is a file in the volume."""
    return None
