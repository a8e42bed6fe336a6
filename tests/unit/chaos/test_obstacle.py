"""Where the chaos test cannot run, it says why."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.chaos.engine import obstacle

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_who_is_not_root_is_told_that_root_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert obstacle() == "a private container engine needs root"


def test_programs_that_are_not_there_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("docker", "mount"):
        (tmp_path / name).touch(0o755)
    assert obstacle() == "this machine lacks dockerd, unshare"


def test_where_all_is_there_nothing_is_in_the_way(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("dockerd", "docker", "mount", "unshare"):
        (tmp_path / name).touch(0o755)
    assert obstacle() is None
