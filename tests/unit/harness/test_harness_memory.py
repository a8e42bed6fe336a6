from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gofer_ingest.grader.harness import memory

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_in_a_container_what_it_takes_is_told_without_files_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    total, parts = tmp_path / "memory.current", tmp_path / "memory.stat"
    total.write_text("350\n")
    parts.write_text("anon 200\ninactive_file 140\n")
    nowhere = tmp_path / "nowhere"
    monkeypatch.setattr(os, "getppid", lambda: 1)
    files = ((nowhere, nowhere, "x"), (total, parts, "inactive_file"))
    monkeypatch.setattr(memory, "_PRESENT_FILES", files)
    assert memory.in_use() == 210
    parts.unlink()
    assert memory.in_use() == 350
    total.unlink()
    assert memory.in_use() is None


def test_outside_a_container_nothing_counts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getppid", lambda: 2)
    assert memory.in_use() is None
