"""An export's file is whole or not there, and takes no other's place unasked."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from gofer_console.exports.output import appearing
from shared.errors import GoferError

if TYPE_CHECKING:
    from pathlib import Path


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_a_file_appears_when_the_block_ends_and_not_before(tmp_path: Path) -> None:
    path = tmp_path / "grades.csv"
    with appearing(path, replace=False) as temporary:
        temporary.write_text("josé", "utf-8")
        assert not path.exists()
        assert temporary.parent == tmp_path  # on the same file system
    assert path.read_text("utf-8") == "josé"
    assert names(tmp_path) == ["grades.csv"]


def test_a_file_that_is_there_is_kept_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "grades.csv"
    path.write_text("old", "utf-8")
    with pytest.raises(GoferError, match="--force"), appearing(path, replace=False):
        pytest.fail("nothing is to be made for it")
    assert path.read_text("utf-8") == "old"
    assert names(tmp_path) == ["grades.csv"]


def test_a_file_that_came_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "grades.csv"

    def write_meanwhile(temporary: Path) -> None:
        temporary.write_text("new", "utf-8")
        path.write_text("another's", "utf-8")

    with pytest.raises(GoferError, match="--force"), appearing(path, replace=False) as temporary:
        write_meanwhile(temporary)
    assert path.read_text("utf-8") == "another's"
    assert names(tmp_path) == ["grades.csv"]


def test_without_hard_links_it_appears_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "grades.csv"
    with appearing(path, replace=False) as temporary:
        temporary.write_text("new", "utf-8")
    assert path.read_text("utf-8") == "new"
    assert names(tmp_path) == ["grades.csv"]


def test_a_replaced_file_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "grades.csv"
    path.write_text("old", "utf-8")
    path.chmod(0o600)
    with appearing(path, replace=True) as temporary:
        temporary.write_text("new", "utf-8")
        assert path.read_text("utf-8") == "old"
    assert path.read_text("utf-8") == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("failure", [ZeroDivisionError, KeyboardInterrupt])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, failure: type[BaseException]
) -> None:
    path = tmp_path / "grades.csv"
    path.write_text("old", "utf-8")

    def write_half(temporary: Path) -> None:
        temporary.write_text("half", "utf-8")
        raise failure

    with pytest.raises(failure), appearing(path, replace=True) as temporary:
        write_half(temporary)
    assert path.read_text("utf-8") == "old"
    assert names(tmp_path) == ["grades.csv"]


def test_through_a_link_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("old", "utf-8")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    with appearing(tmp_path / "link.csv", replace=True) as temporary:
        temporary.write_text("new", "utf-8")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text("utf-8") == "new"


@pytest.mark.parametrize("name", ["missing/grades.csv", "file/grades.csv"])
def test_a_place_that_cannot_be_written_is_said_in_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with (
        pytest.raises(GoferError, match="cannot be written"),
        appearing(tmp_path / name, replace=False),
    ):
        pytest.fail("there is nowhere to write")


@pytest.mark.parametrize("force", [True, False])
def test_a_folder_or_device_is_no_place_for_it(tmp_path: Path, *, force: bool) -> None:
    with pytest.raises(GoferError, match="no ordinary file"), appearing(tmp_path, replace=force):
        pytest.fail("nothing is to be made for it")
    assert names(tmp_path) == []
