"""CSV that is safe to open, and whole or not there."""

from __future__ import annotations

import io
import stat
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from gofer_console.csv_files import neutralised, replacing, write_csv
from shared.errors import GoferError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_that_begins_like_a_formula_gets_an_apostrophe(start: str) -> None:
    assert neutralised(f"{start}SUM(A1)") == f"'{start}SUM(A1)"


@pytest.mark.parametrize("cell", ["ben", "a=b", "josé", "", "a@b.edu", " =1"])
def test_any_other_cell_stays(cell: str) -> None:
    assert neutralised(cell) == cell


def test_text_is_made_safe_and_numbers_stay_numbers() -> None:
    frame = pd.DataFrame({"student": ["=cmd()", "ben"], "score": [-0.5, 2.0]})
    file = io.StringIO()
    rows = write_csv(file, ["student", "score"], [frame], ["student"])
    assert (rows, file.getvalue()) == (2, "student,score\n'=cmd(),-0.5\nben,2.0\n")


def test_an_empty_text_cell_stays_empty() -> None:
    frame = pd.DataFrame({"student": ["ben", None]})
    file = io.StringIO()
    write_csv(file, ["student"], [frame], ["student"])
    assert file.getvalue() == 'student\nben\n""\n'


def test_several_frames_come_under_one_header_in_the_columns_order() -> None:
    frames = [pd.DataFrame({"b": [1], "a": ["x"], "c": [0]}), pd.DataFrame({"a": ["y"], "b": [2]})]
    file = io.StringIO()
    assert write_csv(file, ["a", "b"], frames, ["a"]) == 2
    assert file.getvalue() == "a,b\nx,1\ny,2\n"


def test_no_frame_gives_the_header_alone() -> None:
    file = io.StringIO()
    assert write_csv(file, ["a", "b"], [], ["a"]) == 0
    assert file.getvalue() == "a,b\n"


def test_a_file_is_replaced_whole_and_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "grades.csv"
    path.write_text("old", "utf-8")
    path.chmod(0o600)
    with replacing(path) as file:
        file.write("josé\n")
        assert path.read_text("utf-8") == "old"
    assert path.read_bytes() == "josé\n".encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["grades.csv"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "grades.csv"
    path.write_text("old", "utf-8")
    with pytest.raises(ZeroDivisionError), replacing(path) as file:
        file.write(str(1 / (len(file.name) - len(file.name))))
    assert path.read_text("utf-8") == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["grades.csv"]


def test_through_a_link_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("old", "utf-8")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    with replacing(tmp_path / "link.csv") as file:
        file.write("new")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text("utf-8") == "new"


@pytest.mark.parametrize("name", ["missing/grades.csv", "file/grades.csv"])
def test_a_place_that_cannot_be_written_is_said_in_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(GoferError, match="cannot be written"), replacing(tmp_path / name):
        pass
