"""Rows as CSV and XLSX: text as text, numbers as numbers, and never more than a row in memory."""

from __future__ import annotations

import io
import tempfile
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from gofer_console.exports.cells import neutralised
from gofer_console.exports.writers import SHEET_COLUMNS, write_csv, write_xlsx
from shared.errors import GoferError
from tests.support.xlsx import sheets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def test_csv_has_numbers_as_python_writes_them_and_nothing_for_none() -> None:
    file = io.StringIO()
    rows = write_csv(
        file, ["student", "score"], [("=cmd()", -0.5), ("josé", 1e-7), ('a,"b"', None)]
    )
    assert rows == 3
    assert file.getvalue() == 'student,score\n\'=cmd(),-0.5\njosé,1e-07\n"a,""b""",\n'


def test_a_header_is_made_safe_as_cells_are() -> None:
    file = io.StringIO()
    write_csv(file, ["=lab"], [])
    assert file.getvalue() == "'=lab\n"


def test_xlsx_has_text_as_text_and_numbers_as_numbers(tmp_path: Path) -> None:
    path = tmp_path / "grades.xlsx"
    texts = ("=1+1", "http://a.example", "007", "josé <&> ✓")
    assert (
        write_xlsx(path, ["=a", "b"], [(text, 2.5) for text in texts] + [("x", None)], "gofer") == 5
    )
    assert sheets(path) == {
        "gofer": [
            {"A": "'=a", "B": "b"},
            {"A": "'=1+1", "B": 2.5},
            {"A": "http://a.example", "B": 2.5},
            {"A": "007", "B": 2.5},
            {"A": "josé <&> ✓", "B": 2.5},
            {"A": "x"},
        ]
    }


def test_xlsx_goes_on_another_sheet_where_one_is_full(tmp_path: Path) -> None:
    path = tmp_path / "grades.xlsx"
    assert write_xlsx(path, ["n"], ((number,) for number in range(5)), "gofer", sheet_rows=3) == 5
    found = sheets(path)
    assert list(found) == ["gofer", "gofer 2", "gofer 3"]
    assert [[row["A"] for row in rows] for rows in found.values()] == [
        ["n", 0.0, 1.0],
        ["n", 2.0, 3.0],
        ["n", 4.0],
    ]


def test_xlsx_of_nothing_has_its_header(tmp_path: Path) -> None:
    path = tmp_path / "grades.xlsx"
    assert write_xlsx(path, ["n"], [], "gofer") == 0
    assert sheets(path) == {"gofer": [{"A": "n"}]}


def test_xlsx_cuts_text_that_no_cell_holds(tmp_path: Path) -> None:
    path = tmp_path / "grades.xlsx"
    write_xlsx(path, ["n"], [("x" * 40_000,)], "gofer")
    assert len(str(sheets(path)["gofer"][1]["A"])) == 32_767


def test_more_columns_than_a_sheet_has_are_refused(tmp_path: Path) -> None:
    with pytest.raises(GoferError, match="Choose fewer assignments"):
        write_xlsx(tmp_path / "a.xlsx", ["c"] * (SHEET_COLUMNS + 1), [], "wide")


def test_a_place_that_cannot_be_written_is_an_error_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(FileNotFoundError):
        write_xlsx(tmp_path / "missing" / "a.xlsx", ["n"], [(1,)], "gofer")
    assert list(tmp_path.iterdir()) == []


def test_a_failure_among_the_rows_leaves_no_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def rows() -> Iterator[tuple[int]]:
        yield (1,)
        raise GoferError("half")

    with pytest.raises(GoferError, match="half"):
        write_xlsx(tmp_path / "a.xlsx", ["n"], rows(), "gofer")
    assert {path.name for path in tmp_path.iterdir()} <= {"a.xlsx"}


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, file_format: str) -> None:
    def peak(number: int) -> int:
        rows = ((f"student{at % 500}", at / 7) for at in range(number))
        tracemalloc.start()
        try:
            if file_format == "csv":
                with (tmp_path / "a.csv").open("w", encoding="utf-8", newline="") as file:
                    write_csv(file, ["student", "score"], rows)
            else:
                write_xlsx(tmp_path / "a.xlsx", ["student", "score"], rows, "gofer")
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    neutralised.cache_clear()
    peak(1_000)  # fills the cache of cells, which has a size
    assert peak(8_000) < peak(2_000) + 200_000
