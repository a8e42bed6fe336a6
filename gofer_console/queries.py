"""The gradebook, opened for what the terminal shows of it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from shared.gradebook.engine import open_reader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine


@contextmanager
def opened_gradebook(volume: Path, database_url: str | None) -> Iterator[Engine | None]:
    """Open the gradebook for reading inside the block; None where there is none yet.

    Raises:
        GradebookError: it cannot be read.
    """
    engine = open_reader(volume, database_url)
    try:
        yield engine
    finally:
        if engine is not None:
            engine.dispose()
