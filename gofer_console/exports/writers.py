"""Rows as CSV and as XLSX, a row at a time: a gradebook may exceed the memory.

XlsxWriter and not openpyxl: both can write in constant memory, and it is the one that is released
several times a year and needs no other library.
"""

from __future__ import annotations

import csv
import enum
import tempfile
from typing import IO, TYPE_CHECKING, Final

import xlsxwriter
from xlsxwriter.exceptions import XlsxFileError

from gofer_console.exports.cells import neutralised
from shared.errors import GoferError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from gofer_console.exports.cells import Cell

SHEET_ROWS: Final = 1_048_576
"""Rows of a sheet, and columns: Excel's specifications and limits."""
SHEET_COLUMNS: Final = 16_384
_CELL_CHARACTERS: Final = 32_767
_OPTIONS: Final = {
    "constant_memory": True,
    # Text is text, whatever it looks like.
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_COLUMN_WIDTH: Final = 14
"""Of all columns, in characters: their contents are not known before they are written."""


class Format(enum.StrEnum):
    """How a file is written."""

    CSV = "csv"
    XLSX = "xlsx"


def write_csv(
    file: IO[str],
    columns: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    safe: Callable[[str], str] = neutralised,
) -> int:
    """Write rows under a header; return how many.

    Args:
        file: text, opened with `newline=""`.
        columns: the header.
        rows: together they may be larger than memory.
        safe: what makes a text cell one that is safe to open.
    """
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([safe(name) for name in columns])
    number = 0
    for row in rows:
        writer.writerow([safe(cell) if isinstance(cell, str) else cell for cell in row])
        number += 1
    return number


def write_xlsx(
    path: Path,
    columns: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    name: str,
    sheet_rows: int = SHEET_ROWS,
) -> int:
    """Write rows under a header, on as many sheets as they need; return how many rows.

    Rows wait in the temporary folder of the system (`TMPDIR`) until the file is put together.

    Args:
        path: of the file, which is replaced.
        columns: the header of each sheet.
        rows: together they may be larger than memory.
        name: of the first sheet, at most 20 characters; further ones are numbered.
        sheet_rows: of a sheet, with its header, > 1.

    Raises:
        GoferError: there are more columns than a sheet can have.
        OSError: it cannot be written.
    """
    if len(columns) > SHEET_COLUMNS:
        raise GoferError(
            f"{len(columns)} columns do not fit on a sheet, which has {SHEET_COLUMNS}. "
            "Choose fewer assignments, or CSV."
        )
    with tempfile.TemporaryDirectory(prefix="gofer-export-") as folder:
        workbook = xlsxwriter.Workbook(str(path), {**_OPTIONS, "tmpdir": folder})
        workbook.use_zip64()
        try:
            return _write_sheets(workbook, columns, rows, name, sheet_rows)
        finally:
            _close(workbook)


def _write_sheets(
    workbook: xlsxwriter.Workbook,
    columns: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    name: str,
    sheet_rows: int,
) -> int:
    bold = workbook.add_format({"bold": True})
    number, at, sheets, sheet = 0, sheet_rows, 0, None
    for row in rows:
        if at == sheet_rows:
            sheets += 1
            sheet, at = _new_sheet(workbook, columns, name, sheets, bold), 1
        _write_row(sheet, at, row)
        number, at = number + 1, at + 1
    if sheet is None:
        _new_sheet(workbook, columns, name, 1, bold)
    return number


def _new_sheet(
    workbook: xlsxwriter.Workbook,
    columns: Sequence[str],
    name: str,
    number: int,
    bold: xlsxwriter.format.Format,
) -> xlsxwriter.worksheet.Worksheet:
    sheet = workbook.add_worksheet(name if number == 1 else f"{name} {number}")
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(columns) - 1, _COLUMN_WIDTH)
    for at, column in enumerate(columns):
        sheet.write_string(0, at, neutralised(column)[:_CELL_CHARACTERS], bold)
    return sheet


def _write_row(sheet: xlsxwriter.worksheet.Worksheet, at: int, row: Sequence[Cell]) -> None:
    for column, cell in enumerate(row):
        if isinstance(cell, str):
            sheet.write_string(at, column, neutralised(cell)[:_CELL_CHARACTERS])
        elif cell is not None:
            sheet.write_number(at, column, cell)


def _close(workbook: xlsxwriter.Workbook) -> None:
    """Put the file together.

    Raises:
        OSError: it cannot be written.
    """
    try:
        workbook.close()
    except XlsxFileError as error:
        cause = error.__cause__ or error.__context__
        raise (cause if isinstance(cause, OSError) else OSError(0, str(error))) from error
    finally:
        for sheet in workbook.worksheets():
            sheet.row_data_fh.close()  # where putting together failed it was left open
