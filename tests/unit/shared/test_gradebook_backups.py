"""Backups are whole and made while the gradebook is in use; putting one back loses nothing."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from shared.errors import GradebookError, NewerSchema
from shared.gradebook import backups
from shared.gradebook.backups import backups_in, keep_newest, make_backup, restore
from shared.gradebook.engine import open_gradebook
from shared.gradebook.queries import grades_of_record
from shared.gradebook.transactions import writing
from tests.unit.shared.gradebook_samples import fresh_gradebook, graded, record, sql, submitted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    folder = tmp_path / "volume"
    folder.mkdir()
    return folder


@pytest.fixture
def engine(volume: Path) -> Iterator[Engine]:
    opened = fresh_gradebook(volume)
    record(opened, submitted("ada"), graded(1))
    yield opened
    opened.dispose()


def backed_up(volume: Path) -> Path:
    return make_backup(volume, None, None, volume / "backups")


def students(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {name for (name,) in connection.execute("SELECT student FROM grades")}


def test_a_backup_is_one_whole_file_that_is_not_for_everyone(volume: Path, engine: Engine) -> None:
    made = backed_up(volume)
    record(engine, submitted("ben"), graded(1))
    assert [path for _, path in backups_in(volume / "backups")] == [made]
    assert list((volume / "backups").iterdir()) == [made]
    assert stat.S_IMODE(made.stat().st_mode) & 0o137 == 0
    assert students(made) == {"ada"}


def test_it_waits_for_no_writer_and_has_nothing_unfinished_in_it(
    volume: Path, engine: Engine
) -> None:
    with writing(engine, "test") as connection:
        connection.exec_driver_sql("UPDATE grading_runs SET tries = 7")
        made = backed_up(volume)
    with closing(sqlite3.connect(made)) as copy:
        assert copy.execute("SELECT tries FROM grading_runs").fetchall() == [(1,)]


def test_only_the_newest_are_kept_and_other_files_stay(tmp_path: Path) -> None:
    names = [f"gradebook-202611{day:02}T040000Z.db" for day in range(1, 10)]
    others = ["gradebook.db", "gradebook-classic-2026-11-01.db", "gradebook-20261399T040000Z.db"]
    for name in names + others:
        (tmp_path / name).touch()
    assert keep_newest(tmp_path, 7) == 2
    assert {path.name for path in tmp_path.iterdir()} == {*names[2:], *others}
    assert backups_in(tmp_path)[0][0] == datetime(2026, 11, 9, 4, tzinfo=UTC)
    assert backups_in(tmp_path / "nowhere") == ()


def test_what_cannot_be_backed_up_is_said(volume: Path, tmp_path: Path) -> None:
    with pytest.raises(GradebookError, match="no gradebook yet"):
        backed_up(volume)
    with pytest.raises(GradebookError, match="pg_dump"):
        make_backup(volume, "postgresql://u@h/d", None, tmp_path)
    fresh_gradebook(volume).dispose()
    there = tmp_path / "there.db"
    there.write_bytes(b"mine")
    with pytest.raises(GradebookError, match="is there already"):
        make_backup(volume, None, there, tmp_path)
    assert there.read_bytes() == b"mine"
    with pytest.raises(GradebookError, match="could not be"):
        make_backup(volume, None, tmp_path / "nowhere" / "copy.db", tmp_path)
    with pytest.raises(GradebookError, match="File name too long"):
        make_backup(volume, None, tmp_path / ("x" * 300), tmp_path)


def test_a_damaged_gradebook_makes_no_backup(volume: Path) -> None:
    engine = fresh_gradebook(volume)
    for number in range(50):
        record(engine, submitted(f"s{number}"), graded(1))
    engine.dispose()
    content = bytearray((volume / "gradebook.db").read_bytes())
    content[8192 : len(content) - 4096] = os.urandom(len(content) - 8192 - 4096)
    (volume / "gradebook.db").write_bytes(content)
    with pytest.raises(GradebookError):
        backed_up(volume)
    assert list((volume / "backups").iterdir()) == []


def test_a_backup_is_put_back_and_what_was_there_is_kept(volume: Path) -> None:
    engine = fresh_gradebook(volume)
    record(engine, submitted("ada", minutes=5), graded(1))
    made = backed_up(volume)
    record(engine, submitted("ben"), graded(1))
    engine.dispose()
    before = made.read_bytes()
    kept, last = restore(volume, None, made)
    assert last == submitted(minutes=5).received_at
    assert kept is not None
    assert students(kept) == {"ada", "ben"}
    assert made.read_bytes() == before
    again = open_gradebook(volume)
    assert [grade.student for grade in grades_of_record(again)] == ["ada"]
    record(again, submitted("eve"), graded(1))
    again.dispose()
    assert {path.name for path in volume.iterdir()} == {
        "backups",
        "gradebook.db",
        "grader.lock",
        kept.name,
    }


def test_what_a_killed_writer_left_in_its_journal_is_kept_too(volume: Path) -> None:
    engine = fresh_gradebook(volume)
    made = backed_up(volume)
    record(engine, submitted("ben"), graded(1))
    left = {path.name: path.read_bytes() for path in volume.glob("gradebook.db*")}
    engine.dispose()
    assert len(left["gradebook.db-wal"]) > 0
    for name, content in left.items():
        (volume / name).write_bytes(content)
    kept, _ = restore(volume, None, made)
    assert kept is not None
    assert students(kept) == {"ben"}
    assert students(volume / "gradebook.db") == set()


def test_a_damaged_gradebook_can_be_replaced(volume: Path) -> None:
    fresh_gradebook(volume).dispose()
    made = backed_up(volume)
    (volume / "gradebook.db").write_bytes(b"no database" * 1000)
    kept, last = restore(volume, None, made)
    assert kept is not None
    assert kept.read_bytes() == b"no database" * 1000
    assert last is None
    open_gradebook(volume).dispose()


def test_a_lost_gradebook_is_put_back(volume: Path) -> None:
    fresh_gradebook(volume).dispose()
    made = backed_up(volume)
    (volume / "gradebook.db").unlink()
    assert restore(volume, None, made) == (None, None)
    open_gradebook(volume).dispose()


def test_nothing_is_put_back_while_a_grader_works(volume: Path, engine: Engine) -> None:
    made = backed_up(volume)
    with (volume / "grader.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(GradebookError, match="Stop it first"):
            restore(volume, None, made)
    assert students(volume / "gradebook.db") == {"ada"}


def test_only_a_gradebook_is_put_back(volume: Path, engine: Engine, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE recipes (cake text)")
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"nothing" * 1000)
    newer = backed_up(volume)
    with closing(sqlite3.connect(newer)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    edited = tmp_path / "edited.db"
    with closing(sqlite3.connect(volume / "gradebook.db")) as connection:
        connection.execute("VACUUM INTO ?", [str(edited)])
    with closing(sqlite3.connect(edited)) as connection, connection:
        connection.execute("UPDATE submissions SET received_at = 'last night'")
    for path, error in ((other, "not a gradebook"), (broken, "not a database"), (newer, "newer"),
                        (tmp_path / "nothing.db", "is not there"), (edited, "is damaged"),
                        (tmp_path / ("x" * 300), "File name too long")):  # fmt: skip
        with pytest.raises((GradebookError, NewerSchema), match=error):
            restore(volume, None, path)
    assert students(volume / "gradebook.db") == {"ada"}
    assert not list(volume.glob("gradebook-replaced-*"))


def test_a_full_disk_leaves_the_gradebook_as_it_was(
    volume: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = backed_up(volume)

    def full(source: Path, target: Path) -> None:
        raise GradebookError("The gradebook could not be copied: No space left on device.")

    monkeypatch.setattr(backups, "copy_file", full)
    with pytest.raises(GradebookError, match="No space"):
        restore(volume, None, made)
    assert sql(engine, "SELECT student FROM grades") == [("ada",)]
    assert not list(volume.glob("gradebook-replaced-*"))


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


def owner_and_mode(path: Path) -> tuple[int, int, str]:
    found = path.stat()
    return found.st_uid, found.st_gid, oct(stat.S_IMODE(found.st_mode))


@needs_root
def test_what_root_puts_back_belongs_to_whom_the_gradebook_belonged(volume: Path) -> None:
    fresh_gradebook(volume).dispose()
    made = backed_up(volume)
    os.chown(volume / "gradebook.db", 4321, 4322)
    (volume / "gradebook.db").chmod(0o600)
    restore(volume, None, made)
    assert owner_and_mode(volume / "gradebook.db") == (4321, 4322, "0o600")


@needs_root
def test_what_root_puts_into_an_empty_volume_is_the_volumes_owners(
    volume: Path, tmp_path: Path
) -> None:
    fresh_gradebook(tmp_path).dispose()
    made = make_backup(tmp_path, None, tmp_path / "kept.db", tmp_path)
    os.chown(volume, 4321, 4322)
    restore(volume, None, made)
    assert owner_and_mode(volume / "gradebook.db") == (4321, 4322, "0o640")
    assert owner_and_mode(volume / "grader.lock")[:2] == (4321, 4322)


@needs_root
def test_what_root_backs_up_leaves_the_grader_a_folder_to_write_to(volume: Path) -> None:
    fresh_gradebook(volume).dispose()
    os.chown(volume / "gradebook.db", 4321, 4322)
    made = make_backup(volume, None, None, volume / "all" / "backups")
    for path in (made, made.parent, made.parent.parent):
        assert owner_and_mode(path)[:2] == (4321, 4322)


def test_half_a_backup_of_a_killed_process_goes_and_nothing_else_does(volume: Path) -> None:
    fresh_gradebook(volume).dispose()
    folder = volume / "backups"
    folder.mkdir()
    half = ".gradebook-20261124T040000Z.db.unfinished"
    others = [".gradebook-notes.unfinished", "x.db.unfinished", ".unfinished", f"{half}.old"]
    for name in (half, f"{half}-journal", f"{half}-wal", f"{half}-shm", *others):
        (folder / name).write_bytes(b"half")
    assert backups_in(folder) == ()
    made = backed_up(volume)
    assert {path.name for path in folder.iterdir()} == {made.name, *others}


def test_backups_of_the_same_second_are_whole(
    volume: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backups, "utc_now", lambda: datetime(2026, 11, 24, tzinfo=UTC))
    with ThreadPoolExecutor(4) as pool:
        made = {one.result() for one in [pool.submit(backed_up, volume) for _ in range(16)]}
    (path,) = made
    assert students(path) == {"ada"}
    assert list((volume / "backups").iterdir()) == [path]


def test_what_killed_processes_left_beside_a_gradebook_goes_when_it_is_opened(
    volume: Path,
) -> None:
    fresh_gradebook(volume).dispose()
    gradebook = volume / "gradebook.db"
    left = [
        ".gradebook.db.restored",
        "..gradebook.db.restored.unfinished",
        ".gradebook-before-0005-2026-11-24.db.unfinished-journal",
    ]
    for name in left:
        (volume / name).write_bytes(b"left")
    # Killed between the two steps of a restore: the gradebook has a second name.
    os.link(gradebook, volume / "gradebook-replaced-20261124T040000Z.db")
    kept = volume / "gradebook-replaced-20261123T040000Z.db"
    kept.write_bytes(gradebook.read_bytes())
    open_gradebook(volume).dispose()
    assert {path.name for path in volume.iterdir()} == {"gradebook.db", kept.name}


def test_what_cannot_be_put_back_leaves_nothing_behind(volume: Path, engine: Engine) -> None:
    made = backed_up(volume)
    before = {path.name for path in volume.iterdir()}
    with closing(sqlite3.connect(volume / "gradebook.db")) as other:
        other.execute("SELECT * FROM grades").fetchone()
        with pytest.raises(GradebookError):
            restore(volume, None, made)
    assert {path.name for path in volume.iterdir()} == {*before, "grader.lock"}


@needs_root
def test_a_folder_that_knows_no_owners_takes_backups_all_the_same(
    volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError

    engine = fresh_gradebook(volume)
    record(engine, submitted("ada"), graded(1))
    engine.dispose()
    os.chown(volume / "gradebook.db", 4321, 4322)
    monkeypatch.setattr(os, "chown", refused)  # as on a share of another system
    assert students(backed_up(volume)) == {"ada"}
    made = backed_up(volume)
    with pytest.raises(GradebookError):
        restore(volume, None, made)
    assert students(volume / "gradebook.db") == {"ada"}
