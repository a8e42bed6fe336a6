from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def same_main() -> Iterator[None]:
    """Put pytest's main module back: Streamlit leaves that of the page it ran in its place.

    A process that is spawned later begins with the main module's file.
    """
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before
