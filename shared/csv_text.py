"""CSV files that staff wrote, read strictly: what is the same for every kind of them.

Each kind has an error of its own, which it hands in to be raised.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from shared.errors import GoferError

_NAMED_AT_MOST: Final = 20


def decoded(content: bytes, name: str, refused: Callable[[str], GoferError]) -> str:
    """Return the text of a file, with or without a byte order mark.

    Raises:
        GoferError: what `refused` makes of a line that names file and line: it is not UTF-8.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise refused(f"{name}, line {line}: it is not UTF-8. Save it as “CSV UTF-8”.") from error


def records(
    text: str, name: str, refused: Callable[[str], GoferError]
) -> Iterator[tuple[int, list[str]]]:
    """Yield the records that are not empty, each with the line it begins in.

    Raises:
        GoferError: what `refused` makes of a line that names file and line: it is not CSV.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise refused(f"{name}, line {line}: it is not CSV: {error}.") from error
        if any(cell.strip() for cell in cells):
            yield line, cells


def told(problems: Sequence[str], last: str) -> str:
    """Return a message of the first twenty problems, a line each, with `last` as its last line."""
    shown = list(problems[:_NAMED_AT_MOST])
    if len(problems) > len(shown):
        shown.append(f"and {len(problems) - len(shown)} more")
    return "\n".join([*shown, last])
