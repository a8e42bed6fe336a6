"""An export piece by piece, for whoever sends it on: it may be larger than memory."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

from gofer_console.exports.cells import neutralised

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gofer_console.exports.layouts import Layout, Sheet

_PIECE: Final = 64 << 10


def csv_pieces(sheet: Sheet, layout: Layout) -> Iterator[bytes]:
    """Yield an export as CSV, written as `gofer grades export` writes it.

    Raises:
        GradebookError: the gradebook cannot be read.
        GoferError: what is wanted does not go into this layout.
    """
    text = io.StringIO(newline="")
    if layout.is_for_people:
        text.write("\ufeff")  # Excel takes a file without it for one of its own country's encoding
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([neutralised(name) for name in sheet.columns])
    for row in sheet.rows:
        writer.writerow([neutralised(cell) if isinstance(cell, str) else cell for cell in row])
        if text.tell() >= _PIECE:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()
