from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import literal, make_url, select

from shared.errors import ConfigError, GradebookError, NewerSchema
from shared.gradebook import postgresql
from shared.gradebook.audit import AuditFilter, count_audit
from shared.gradebook.engine import open_gradebook, open_reader
from shared.gradebook.grade_filter import GradeFilter
from shared.gradebook.grade_rows import count_grades
from shared.gradebook.outbox_list import PostingFilter, count_postings
from shared.gradebook.queries import counts, grades_of_record
from shared.gradebook.transactions import reading
from shared.requests import Selection
from tests.unit.shared.gradebook_samples import graded, record, submitted

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.postgresql_server import PostgresqlServer


def test_an_empty_database_has_no_gradebook_until_a_writer_makes_one(
    tmp_path: Path, no_gradebook: str
) -> None:
    assert open_reader(tmp_path, no_gradebook) is None
    writer = open_gradebook(tmp_path, no_gradebook)
    record(writer, submitted(), graded(5))
    reader = open_reader(tmp_path, no_gradebook)
    assert reader is not None
    assert counts(reader).grades == 1
    assert not (tmp_path / "gradebook.db").exists()
    reader.dispose()
    writer.dispose()


def test_opening_again_keeps_everything(tmp_path: Path, database_url: str) -> None:
    for number in range(2):
        writer = open_gradebook(tmp_path, database_url)
        assert counts(writer).submissions == number
        record(writer, submitted(f"student{number}"), graded(5))
        writer.dispose()


def test_text_that_no_database_takes_is_told_in_words(tmp_path: Path, database_url: str) -> None:
    reader = open_reader(tmp_path, database_url)
    assert reader is not None
    for odd in ("a\0", "a\udcff"):
        with pytest.raises(GradebookError, match=r"does not take such values|no UTF-8"):
            list(grades_of_record(reader, student=odd))
    reader.dispose()


def test_a_reader_cannot_write(tmp_path: Path, database_url: str) -> None:
    reader = open_reader(tmp_path, database_url)
    assert reader is not None
    with pytest.raises(GradebookError, match="can only be read"):
        record(reader, submitted(), graded(5))
    reader.dispose()


def test_a_reader_sees_one_state_throughout(tmp_path: Path, database_url: str) -> None:
    writer = open_gradebook(tmp_path, database_url)
    reader = open_reader(tmp_path, database_url)
    assert reader is not None
    count = "SELECT count(*) FROM grading_runs"
    with reader.connect() as connection:
        before = connection.exec_driver_sql(count).scalar_one()
        record(writer, submitted(), graded(5))
        assert connection.exec_driver_sql(count).scalar_one() == before
    reader.dispose()
    writer.dispose()


def test_a_newer_schema_is_refused_and_left_as_it_is(tmp_path: Path, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    for opening in (open_gradebook, open_reader):
        with pytest.raises(NewerSchema, match="9999"):
            opening(tmp_path, database_url)


def test_a_gradebook_that_stays_locked_is_told_in_plain_words(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "LOCK_TIMEOUT_S", 0.05)
    writer = open_gradebook(tmp_path, database_url)
    envelope = submitted()
    with psycopg.connect(database_url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [postgresql.WRITERS_TURN])
        with pytest.raises(GradebookError, match="another program keeps it locked"):
            record(writer, envelope, graded(5))
        assert counts(writer).submissions == 0  # reading needs no lock
    record(writer, envelope, graded(5))
    writer.dispose()


def test_a_server_that_was_restarted_is_connected_to_again(
    tmp_path: Path, postgresql_server: PostgresqlServer, database_url: str
) -> None:
    writer = open_gradebook(tmp_path, database_url)
    record(writer, submitted(), graded(5))
    with psycopg.connect(postgresql_server.url("postgres"), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            [make_url(database_url).database],
        )
    record(writer, submitted(), graded(5))
    assert counts(writer).submissions == 2
    writer.dispose()


def test_a_database_that_is_not_there_is_told_without_its_address(
    tmp_path: Path, postgresql_server: PostgresqlServer
) -> None:
    missing = postgresql_server.url("nowhere").replace("postgres@", "postgres:secret@")
    for opening in (open_gradebook, open_reader):
        with pytest.raises(GradebookError) as told:
            opening(tmp_path, missing)
        assert "secret" not in f"{told.value} {told.value.__cause__}"


def test_a_server_that_does_not_answer_is_told_in_plain_words(tmp_path: Path) -> None:
    url = f"postgresql://ada:secret@/gradebook?host={tmp_path}"
    for opening in (open_gradebook, open_reader):
        with pytest.raises(GradebookError, match="does not answer") as told:
            opening(tmp_path, url)
        assert "secret" not in f"{told.value} {told.value.__cause__}"


def test_what_the_database_does_not_take_is_told_as_that(tmp_path: Path, database_url: str) -> None:
    reader = open_reader(tmp_path, database_url)
    assert reader is not None
    asking = reading(reader, "be read")
    with pytest.raises(GradebookError, match="does not take such values"), asking as connection:
        connection.execute(select(literal("\0"))).all()
    reader.dispose()


def test_a_search_for_what_no_name_can_hold_finds_nothing(
    tmp_path: Path, database_url: str
) -> None:
    writer = open_gradebook(tmp_path, database_url)
    record(writer, submitted(), graded(5))
    name = "a\0b"
    for wanted in (
        GradeFilter(search=name),
        GradeFilter(students=(name,), courses=(name,)),
        GradeFilter(flags=(name,)),
        GradeFilter(passbacks=(name,)),
    ):
        assert count_grades(writer, wanted) == 0
    assert count_audit(writer, AuditFilter(search=name, by=(name,))) == 0
    assert count_postings(writer, Selection(every=True), PostingFilter(search=name)) == 0
    writer.dispose()


def test_a_driver_that_is_not_installed_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="its driver is not installed"):
        open_gradebook(tmp_path, "postgresql+pg8000://ada:secret@127.0.0.1/gradebook")


def test_the_grades_of_record_come_from_an_index(tmp_path: Path, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("SET enable_seqscan = off")  # a table this small is read whole
        plan = connection.execute(
            "EXPLAIN SELECT * FROM grades WHERE superseded_at IS NULL"
            " ORDER BY course, section, assignment, student"
        ).fetchall()
    assert "ux_grades_of_record" in str(plan)
    assert "Sort" not in str(plan)
