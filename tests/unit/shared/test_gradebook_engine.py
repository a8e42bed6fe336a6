from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import OperationalError

from shared.errors import ConfigError, GradebookError, NewerSchema
from shared.gradebook.engine import open_gradebook, open_reader
from shared.gradebook.queries import classic_rows, counts, grades_of_record
from shared.gradebook.transactions import reading
from tests.unit.shared.gradebook_samples import (
    graded,
    record,
    sql,
    submitted,
    write_old_gradebook,
)

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine


def opened_reader(volume: Path) -> Engine:
    reader = open_reader(volume)
    assert reader is not None
    return reader


def test_no_gradebook_yet_is_an_empty_state(tmp_path: Path) -> None:
    assert open_reader(tmp_path) is None
    assert open_reader(tmp_path / "nowhere") is None
    assert list(tmp_path.iterdir()) == []


def test_the_writer_makes_the_folder_and_a_file_that_is_not_for_everyone(tmp_path: Path) -> None:
    engine = open_gradebook(tmp_path / "deep" / "var")
    record(engine, submitted(), graded(1))
    for file in (tmp_path / "deep" / "var").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) & 0o137 == 0, file
    engine.dispose()


def test_the_writer_opens_what_it_has_made(tmp_path: Path) -> None:
    first = open_gradebook(tmp_path)
    record(first, submitted(), graded(1))
    first.dispose()
    second = open_gradebook(tmp_path)
    assert counts(second).grades == 1
    second.dispose()


def test_every_connection_of_the_writer_is_durable_and_keeps_foreign_keys(tmp_path: Path) -> None:
    engine = open_gradebook(tmp_path)
    with (
        engine.connect() as first,
        engine.connect().execution_options(gofer_only_reads=True) as second,
    ):
        for connection in (first, second):
            pragmas = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            }
            assert pragmas == {
                "journal_mode": "wal",
                "synchronous": 2,
                "foreign_keys": 1,
                "busy_timeout": 10_000,
            }
    engine.dispose()


def test_a_reader_sees_what_is_recorded_and_the_writer_never_waits_for_it(tmp_path: Path) -> None:
    engine = open_gradebook(tmp_path)
    reader = opened_reader(tmp_path)
    record(engine, submitted("ada"), graded(1))
    with reading(reader, "test") as connection:
        statement = "SELECT count(*) FROM grades"
        assert connection.exec_driver_sql(statement).scalar_one() == 1
        record(engine, submitted("eve"), graded(1))
        assert connection.exec_driver_sql(statement).scalar_one() == 1  # one moment throughout
    assert counts(reader).grades == 2
    reader.dispose()
    engine.dispose()


def test_a_reader_opens_after_the_writer_has_gone(tmp_path: Path) -> None:
    engine = open_gradebook(tmp_path)
    record(engine, submitted(), graded(1))
    engine.dispose()
    assert [file.name for file in tmp_path.iterdir()] == ["gradebook.db"]
    reader = opened_reader(tmp_path)
    assert counts(reader).grades == 1
    again = open_gradebook(tmp_path)  # while the reader is there
    record(again, submitted("eve"), graded(1))
    assert counts(reader).grades == 2
    again.dispose()
    reader.dispose()


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    open_gradebook(tmp_path).dispose()
    reader = opened_reader(tmp_path)
    for statement in ("DELETE FROM requests", "DROP VIEW gradebook_csv", "PRAGMA user_version = 3"):
        with pytest.raises(OperationalError, match="readonly"):
            sql(reader, statement)
    with pytest.raises(GradebookError):
        record(reader, submitted(), graded(1))
    reader.dispose()


def test_a_gradebook_that_is_replaced_is_read_anew(tmp_path: Path) -> None:
    engine = open_gradebook(tmp_path)
    record(engine, submitted(), graded(1))
    engine.dispose()
    reader = opened_reader(tmp_path)
    assert counts(reader).grades == 1
    other = open_gradebook(tmp_path / "other")
    other.dispose()
    for leftover in tmp_path.glob("gradebook.db-*"):
        leftover.unlink()
    (tmp_path / "other" / "gradebook.db").replace(tmp_path / "gradebook.db")
    assert counts(reader).grades == 0
    reader.dispose()


def test_a_file_in_the_making_is_no_gradebook_yet(tmp_path: Path) -> None:
    (tmp_path / "gradebook.db").touch()
    with pytest.raises(GradebookError, match="no gradebook in this file yet"):
        open_reader(tmp_path)
    with closing(sqlite3.connect(tmp_path / "gradebook.db")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    with pytest.raises(GradebookError, match="try again in a moment"):
        open_reader(tmp_path)
    engine = open_gradebook(tmp_path)
    record(engine, submitted(), graded(1))
    engine.dispose()


def test_an_old_gradebook_is_not_read_before_it_is_imported(tmp_path: Path) -> None:
    write_old_gradebook(tmp_path / "gradebook.db", [])
    with pytest.raises(GradebookError, match="old service's gradebook"):
        open_reader(tmp_path)


def test_a_file_that_is_no_database_stays_untouched(tmp_path: Path) -> None:
    (tmp_path / "gradebook.db").write_text("userid,grade\nada,1\n" * 100)
    with pytest.raises(GradebookError, match="not a database"):
        open_gradebook(tmp_path)
    with pytest.raises(GradebookError, match="not a database"):
        open_reader(tmp_path)
    assert (tmp_path / "gradebook.db").read_text().startswith("userid,grade\n")


@pytest.mark.parametrize("table", ["grades (userid text, grade real)", "cookies (name text)"])
def test_a_database_of_something_else_stays_untouched(tmp_path: Path, table: str) -> None:
    with closing(sqlite3.connect(tmp_path / "gradebook.db")) as connection:
        connection.execute(f"CREATE TABLE {table}")
    before = (tmp_path / "gradebook.db").read_bytes()
    with pytest.raises(GradebookError, match="something else"):
        open_gradebook(tmp_path)
    with pytest.raises(GradebookError, match="something else"):
        open_reader(tmp_path)
    assert (tmp_path / "gradebook.db").read_bytes() == before


def test_a_newer_schema_is_refused_and_stays_untouched(tmp_path: Path) -> None:
    engine = open_gradebook(tmp_path)
    record(engine, submitted(), graded(1))
    sql(engine, "UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    before = (tmp_path / "gradebook.db").read_bytes()
    for opening in (open_gradebook, open_reader):
        with pytest.raises(NewerSchema, match=r"newer Gofer .schema 9999.*Install that Gofer"):
            opening(tmp_path)
    assert (tmp_path / "gradebook.db").read_bytes() == before


def test_text_that_no_database_takes_is_told_in_words(tmp_path: Path) -> None:
    engine = open_gradebook(tmp_path)
    with pytest.raises(GradebookError, match="no UTF-8"):
        list(grades_of_record(engine, student="a\udcff"))
    engine.dispose()


def test_the_gradebook_can_lie_in_another_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'elsewhere' / 'my%20grades.db'}"
    assert open_reader(tmp_path, url) is None
    engine = open_gradebook(tmp_path, url)
    record(engine, submitted(), graded(1))
    engine.dispose()
    assert not (tmp_path / "gradebook.db").exists()
    reader = open_reader(tmp_path, url)
    assert reader is not None
    assert len(list(classic_rows(reader))) == 1
    reader.dispose()


def test_a_volume_may_be_named_anything(tmp_path: Path) -> None:
    volume = tmp_path / "a %41?mode=memory#b é"
    engine = open_gradebook(volume)
    record(engine, submitted(), graded(1))
    engine.dispose()
    reader = opened_reader(volume)
    assert counts(reader).grades == 1
    reader.dispose()
    assert (volume / "gradebook.db").exists()


@pytest.mark.parametrize(
    "url",
    [
        "hunter2",
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://u:hunter2@host/db",
        "nope://x",
        "postgresql+nope://u:hunter2@host/db",
    ],
)
def test_an_address_of_no_use_is_a_mistake_in_the_configuration(tmp_path: Path, url: str) -> None:
    for opening in (open_gradebook, open_reader):
        with pytest.raises(ConfigError, match="GOFER_DATABASE_URL") as refused:
            opening(tmp_path, url)
        assert "hunter2" not in str(refused.value)
