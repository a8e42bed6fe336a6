"""The window's remembered size: used where it can be, and never in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gofer_console.desktop.qt_window import Size, remember_size, remembered_size

if TYPE_CHECKING:
    from pathlib import Path


def test_the_next_window_is_as_large_as_the_last(tmp_path: Path) -> None:
    assert remembered_size(tmp_path) == Size()
    remember_size(tmp_path, Size(width=1500, height=900))
    assert remembered_size(tmp_path) == Size(width=1500, height=900)


@pytest.mark.parametrize("text", ["", "[]", '{"width": 3, "height": 900}', '{"width": "wide"}'])
def test_a_damaged_or_silly_size_is_forgotten(tmp_path: Path, text: str) -> None:
    (tmp_path / "window.json").write_text(text, "utf-8")
    assert remembered_size(tmp_path) == Size()


def test_a_folder_that_cannot_be_written_is_no_trouble(tmp_path: Path) -> None:
    remember_size(tmp_path / "missing", Size())
