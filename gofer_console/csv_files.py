"""CSV that is safe to open: written whole or not at all, and no cell of it a formula.

A student chooses their own name, and a spreadsheet runs what looks like a formula; so text cells
that a spreadsheet would read as one get an apostrophe in front (the advice of OWASP's page on CSV
injection). Numbers stay numbers.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from typing import IO, TYPE_CHECKING, Final

import pandas as pd

from shared.errors import GoferError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def neutralised(cell: str) -> str:
    """Return a text cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell


def write_csv(
    file: IO[str],
    columns: Sequence[str],
    frames: Iterable[pd.DataFrame],
    text_columns: Sequence[str],
) -> int:
    """Write frames one below the other under one header; return how many rows that made.

    Args:
        file: text, opened with `newline=""`.
        columns: the header, in this order.
        frames: each with at least these columns; together they may be larger than memory.
        text_columns: those of `columns` that hold text from people; None stays an empty cell.
    """
    pd.DataFrame(columns=list(columns)).to_csv(file, index=False, lineterminator="\n")
    rows = 0
    for frame in frames:
        safe = frame.loc[:, list(columns)].copy()
        for column in text_columns:
            safe[column] = safe[column].map(neutralised, na_action="ignore")
        safe.to_csv(file, index=False, header=False, lineterminator="\n")
        rows += len(safe)
    return rows


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[str]]:
    """Open a text file that takes the place of `path` when the block ends well, and only then.

    Raises:
        GoferError: it cannot be written there.
    """
    target = path.resolve()  # through a link: what it points at is replaced, not the link
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("x", encoding="utf-8", newline="") as file:
            if target.exists():
                shutil.copymode(target, temporary)  # grades made private stay private
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        raise GoferError(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
