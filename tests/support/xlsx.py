"""What a workbook holds, read with nothing but its own format: zipped XML."""

from __future__ import annotations

import re
import zipfile
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO

_MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"

Cell = str | float


def sheets(file: Path | IO[bytes]) -> dict[str, list[dict[str, Cell]]]:
    """Return each sheet's rows by its name: cells by their column's letter, text as str.

    A formula fails: nothing of an export is one.
    """
    with zipfile.ZipFile(file) as book:
        workbook = ET.fromstring(book.read("xl/workbook.xml"))
        names = [sheet.attrib["name"] for sheet in workbook.iter(f"{_MAIN}sheet")]
        return {
            name: _rows(ET.fromstring(book.read(f"xl/worksheets/sheet{number}.xml")))
            for number, name in enumerate(names, start=1)
        }


def _rows(sheet: ET.Element) -> list[dict[str, Cell]]:
    assert sheet.find(f".//{_MAIN}f") is None, "a formula"
    return [
        {re.sub(r"\d", "", cell.attrib["r"]): _value(cell) for cell in row.iter(f"{_MAIN}c")}
        for row in sheet.iter(f"{_MAIN}row")
    ]


def _value(cell: ET.Element) -> Cell:
    if cell.attrib.get("t") == "inlineStr":
        return "".join(text.text or "" for text in cell.iter(f"{_MAIN}t"))
    number = cell.find(f"{_MAIN}v")
    assert number is not None
    assert "t" not in cell.attrib
    return float(number.text or "")
