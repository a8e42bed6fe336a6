"""Readers of other users and folders that cannot be written: in a child, since it changes user."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shared.errors import GradebookError
from shared.gradebook.engine import open_gradebook, open_reader
from shared.gradebook.queries import classic_rows
from tests.unit.shared.gradebook_samples import graded, record, submitted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture
def volume() -> Iterator[Path]:
    """A gradebook with one row that any user may read, after a clean stop of its writer."""
    with tempfile.TemporaryDirectory() as folder:  # tmp_path lets nobody else in
        made = Path(folder)
        engine = open_gradebook(made)
        record(engine, submitted(), graded(5))
        engine.dispose()
        (made / "gradebook.db").chmod(0o644)
        made.chmod(0o755)
        yield made
        made.chmod(0o755)


def as_another_user(job: Callable[[], str]) -> str:
    """Run a job in a child that is not root; return what it says."""
    come_out, go_in = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setresgid(NOBODY, NOBODY, NOBODY)
                os.setresuid(NOBODY, NOBODY, NOBODY)
            said = job()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the child ends here
            said = f"{type(error).__name__}: {error}"
        os.write(go_in, said.encode())
        os._exit(0)
    os.close(go_in)
    with os.fdopen(come_out, "rb") as pipe:
        said = pipe.read().decode()
    os.waitpid(child, 0)
    return said


def rows_read(volume: Path) -> str:
    reader = open_reader(volume)
    assert reader is not None
    number = len(list(classic_rows(reader)))
    reader.dispose()
    return f"{number} rows"


def test_a_folder_that_cannot_be_written_is_read_all_the_same(volume: Path) -> None:
    volume.chmod(0o555)
    assert as_another_user(lambda: rows_read(volume)) == "1 rows"
    assert [file.name for file in volume.iterdir()] == ["gradebook.db"]


@needs_root
def test_another_user_reads_while_the_writer_is_there(volume: Path) -> None:
    engine = open_gradebook(volume)
    record(engine, submitted("eve"), graded(5))
    assert as_another_user(lambda: rows_read(volume)) == "2 rows"
    record(engine, submitted("joe"), graded(5))
    engine.dispose()


def test_what_is_not_in_the_file_itself_yet_is_not_passed_over(volume: Path) -> None:
    engine = open_gradebook(volume)
    record(engine, submitted("eve"), graded(5))
    copy = volume / "copy"  # as a backup of a running gradebook might hold it, without the -shm
    copy.mkdir()
    for name in ("gradebook.db", "gradebook.db-wal"):
        (copy / name).write_bytes((volume / name).read_bytes())
    engine.dispose()
    copy.chmod(0o555)
    said = as_another_user(lambda: rows_read(copy))
    copy.chmod(0o755)
    assert said.startswith("GradebookError: The gradebook could not be read: "), said


@needs_root
def test_another_user_cannot_lock_the_writer_out(volume: Path) -> None:
    volume.chmod(0o777)
    said = as_another_user(lambda: rows_read(volume))
    assert said.startswith("GradebookError: The gradebook belongs to the user of id 0"), said
    assert [file.name for file in volume.iterdir()] == ["gradebook.db"]


def test_a_gradebook_of_others_is_an_error_in_plain_words(volume: Path) -> None:
    (volume / "gradebook.db").chmod(0o000)
    said = as_another_user(lambda: rows_read(volume))
    assert said.startswith("GradebookError: The gradebook could not be read: "), said
    assert "permissions" in said


def test_a_volume_that_cannot_be_written_is_an_error_in_plain_words(volume: Path) -> None:
    volume.chmod(0o555)
    said = as_another_user(lambda: str(open_gradebook(volume / "new")))
    assert said.startswith("GradebookError: The gradebook could not be opened: "), said


def test_a_volume_that_is_a_file_is_an_error_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "var").touch()
    with pytest.raises(GradebookError, match="could not be opened"):
        open_gradebook(tmp_path / "var")
    assert open_reader(tmp_path / "var") is None
