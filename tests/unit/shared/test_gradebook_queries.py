from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.gradebook import queries
from shared.gradebook.engine import open_reader
from shared.gradebook.queries import ClassicRow, classic_rows, counts, grades_of_record
from shared.model import Verdict
from tests.unit.shared.gradebook_samples import (
    fresh_gradebook,
    graded,
    record,
    sql,
    submitted,
    ungraded,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine


@pytest.fixture
def engine(tmp_path: Path, database_url: str | None) -> Iterator[Engine]:
    opened = fresh_gradebook(tmp_path, database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def reader(engine: Engine, tmp_path: Path, database_url: str | None) -> Iterator[Engine]:
    opened = open_reader(tmp_path, database_url)
    assert opened is not None
    yield opened
    opened.dispose()


def test_an_empty_gradebook_has_no_rows(reader: Engine) -> None:
    assert list(grades_of_record(reader)) == []
    assert list(classic_rows(reader)) == []
    assert counts(reader) == queries.Counts(submissions=0, students=0, grades=0, verdicts={})


def test_grades_are_filtered_by_every_part_of_their_place(engine: Engine, reader: Engine) -> None:
    for student in ("josé", "ada"):
        for assignment in ("lab01", "hw02"):
            record(engine, submitted(student, assignment=assignment), graded(5))
    record(engine, submitted("ada", section="sp27"), graded(5))
    record(engine, submitted("ada", course="other"), graded(5))

    def found(**wanted: str) -> list[str]:
        return [f"{row.key} {row.student}" for row in grades_of_record(reader, **wanted)]

    everything = found()
    assert everything == [
        "demo101/fa26/hw02 ada",
        "demo101/fa26/hw02 josé",
        "demo101/fa26/lab01 ada",
        "demo101/fa26/lab01 josé",
        "demo101/sp27/lab01 ada",
        "other/fa26/lab01 ada",
    ]
    assert found(student="josé") == [everything[1], everything[3]]
    assert found(assignment="hw02") == everything[:2]
    assert found(section="sp27") == [everything[4]]
    assert found(course="other") == [everything[5]]
    assert found(course="demo101", assignment="lab01", student="ada") == [
        everything[2],
        everything[4],
    ]
    assert found(course="DEMO101") == []
    assert found(student="' OR 1=1 --") == []


def test_rows_as_the_old_table_held_them_are_filtered_alike(engine: Engine, reader: Engine) -> None:
    record(engine, submitted("josé"), graded(1))
    record(engine, submitted("ada", assignment="hw02"), graded(2))
    record(engine, submitted("ada", section="sp27"), graded(3))
    record(engine, submitted("ada", course="other"), graded(4))

    def found(**wanted: str) -> list[float]:
        return [row.grade for row in classic_rows(reader, **wanted)]

    assert found() == [0.1, 0.2, 0.3, 0.4]
    assert found(student="josé") == [0.1]
    assert found(assignment="hw02") == [0.2]
    assert found(section="sp27") == [0.3]
    assert found(course="demo101", assignment="lab01") == [0.1, 0.3]


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 100])
def test_chunks_of_any_size_give_every_row_once(
    engine: Engine, reader: Engine, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    for number in range(7):
        record(engine, submitted(f"student{number % 4}", minutes=number), graded(number))
    grades = list(grades_of_record(reader))
    rows = list(classic_rows(reader))
    monkeypatch.setattr(queries, "CHUNK_ROWS", chunk)
    assert list(grades_of_record(reader)) == grades
    assert [grade.student for grade in grades] == [f"student{number}" for number in range(4)]
    assert list(classic_rows(reader)) == rows
    assert len(rows) == 7


def test_rows_as_the_old_table_held_them_are_the_view_in_order_of_receipt(
    engine: Engine, reader: Engine
) -> None:
    record(engine, submitted("josé", minutes=0), graded(7, 8))
    record(engine, submitted("ada", minutes=1), ungraded())
    record(engine, submitted("ada", minutes=2), graded(1, 4))
    rows = list(classic_rows(reader))
    assert rows == [
        ClassicRow("josé", 0.875, "fa26", "lab01", "1788264000.123456", "demo101"),
        ClassicRow("ada", 0.25, "fa26", "lab01", "1788264120.123456", "demo101"),
    ]
    assert sorted(rows) == sorted(sql(reader, "SELECT * FROM gradebook_csv"))


def test_reading_on_while_more_is_recorded_passes_nothing_over(
    engine: Engine, reader: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "CHUNK_ROWS", 2)
    before = ["b", "d", "f", "h"]
    for student in before:
        record(engine, submitted(student), graded(5))
    found = []
    for grade in grades_of_record(reader):
        found.append(grade.student)
        record(engine, submitted(chr(ord(grade.student) - 1)), graded(5))
        record(engine, submitted(grade.student), graded(6))
    assert [student for student in found if student in before] == before
    assert len(set(found)) == len(found)


@pytest.mark.sqlite
def test_an_export_pins_nothing_between_its_chunks(
    engine: Engine, reader: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "CHUNK_ROWS", 1)
    for number in range(3):
        record(engine, submitted(f"student{number}"), graded(5))
    export = classic_rows(reader)
    next(export)
    record(engine, submitted("later"), graded(5))
    ((busy, pages, moved),) = sql_outside_a_transaction(engine, "PRAGMA wal_checkpoint(TRUNCATE)")
    assert (busy, pages, moved) == (0, 0, 0)  # all of the WAL could be emptied
    assert len(list(export)) == 3


def sql_outside_a_transaction(engine: Engine, statement: str) -> list[tuple[int, ...]]:
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute(statement)
        return list(cursor.fetchall())
    finally:
        connection.close()


def test_everything_is_counted(engine: Engine, reader: Engine) -> None:
    record(engine, submitted("ada", minutes=0), graded(5))
    record(engine, submitted("ada", minutes=1), graded(6))
    record(engine, submitted("eve", minutes=2), ungraded(Verdict.CRASHED))
    counted = counts(reader)
    assert (counted.submissions, counted.students, counted.grades) == (3, 2, 1)
    assert counted.verdicts == {Verdict.GRADED: 2, Verdict.CRASHED: 1}


@pytest.mark.sqlite
def test_the_grades_of_record_come_from_an_index(engine: Engine) -> None:
    plan = sql(
        engine,
        "EXPLAIN QUERY PLAN SELECT * FROM grades WHERE superseded_at IS NULL"
        " ORDER BY course, section, assignment, student",
    )
    assert "ux_grades_of_record" in str(plan)
    assert "TEMP B-TREE" not in str(plan)


@pytest.mark.sqlite
def test_a_submissions_counted_run_comes_from_indexes(engine: Engine) -> None:
    plan = sql(engine, "EXPLAIN QUERY PLAN SELECT * FROM counted_runs WHERE submission_id = 'x'")
    assert "SCAN" not in str(plan)
