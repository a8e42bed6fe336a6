from __future__ import annotations

import io
import math
import re
from typing import TYPE_CHECKING, Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, insert
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateIndex, CreateTable

from shared.errors import GradebookError
from shared.gradebook import migrate, tables
from shared.gradebook.columns import StoredText
from shared.gradebook.transactions import writing
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

POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy has no type for it


@pytest.fixture
def engine(tmp_path: Path, database_url: str | None) -> Iterator[Engine]:
    opened = fresh_gradebook(tmp_path, database_url)
    yield opened
    opened.dispose()


def schema_of(engine: Engine) -> dict[str, str]:
    rows = sql(engine, "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {name: re.sub(r"\s+", " ", text).replace('"', "") for name, text in rows}


def test_the_migrations_make_what_the_tables_say(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []


@pytest.mark.sqlite
def test_the_migrations_make_every_rule_that_the_tables_say(engine: Engine) -> None:
    declared = create_engine("sqlite://")
    tables.metadata.create_all(declared)
    expected = schema_of(declared)
    declared.dispose()
    made = schema_of(engine)
    of_migrations = {name for name in made if name not in expected}
    assert of_migrations == {
        "alembic_version",
        "counted_runs",
        "gradebook_csv",
        "grades_are_only_superseded",
        "grades_are_never_deleted",
        "overrides_are_never_updated",
        "overrides_are_never_deleted",
        "extensions_are_never_updated",
        "extensions_are_never_deleted",
        "requests_are_only_done",
        "requests_are_never_deleted",
        "passback_holds_are_never_updated",
        "passback_holds_are_never_deleted",
        "roster_are_never_updated",
        "roster_are_never_deleted",
    }
    for name, text in expected.items():
        assert clauses(made[name]) == clauses(text), name


def clauses(text: str) -> list[str]:
    """The parts of a CREATE statement; their order inside it is nobody's business."""
    return sorted(part.strip() for part in re.split(r"[(),]", text))


def test_the_migrations_can_be_written_for_postgresql() -> None:
    written = io.StringIO()
    migrate.write_sql("postgresql", written)
    text = re.sub(r"\s+", " ", written.getvalue())
    for table in tables.metadata.sorted_tables:
        for index in table.indexes:
            wanted = str(CreateIndex(index).compile(dialect=POSTGRESQL))
            assert re.sub(r"\s+", " ", wanted) in text
        if table.name in {"grades", "passbacks", "roster"}:  # made by one, altered by another
            for column in list(table.columns)[1:]:
                kind = column.type.compile(dialect=POSTGRESQL)
                assert f" {column.name} {kind}" in text
            assert "ALTER TABLE grades ALTER COLUMN run_id DROP NOT NULL" in text
            continue
        columns = re.sub(r"\s+", " ", str(CreateTable(table).compile(dialect=POSTGRESQL))).split(
            ", CONSTRAINT"
        )[0]
        assert columns.strip() in text
    assert "CREATE VIEW gradebook_csv" in text


def run_values(submission_id: str, /, **changes: Any) -> dict[str, Any]:
    moment = submitted().received_at
    return {
        "id": "run",
        "submission_id": submission_id,
        "reason": "initial",
        "applied_at": moment,
        "verdict": "graded",
        "score": 1.0,
        "points_possible": 2.0,
        "started_at": moment,
        "finished_at": moment,
        "otter_version": "",
        "sandbox": "process",
        "tries": 1,
        "flags": "[]",
        "student_text": "",
        "staff_text": "",
        "log_tail": "",
        "wall_s": 1.0,
        **changes,
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"score": math.inf},
        {"score": math.nan},
        {"score": -0.5},
        {"score": None},
        {"points_possible": math.inf},
        {"points_possible": None},
        {"points_possible": -1.0},
        {"verdict": "timed_out"},
        {"verdict": "timed_out", "score": None},
        {"verdict": "excellent"},
        {"reason": "regrade"},
        {"regrade_id": "r"},
        {"applied_at": None},
        {"tries": -1},
        {"wall_s": math.inf},
        {"submission_id": "nobody's"},
    ],
)
def test_a_run_that_cannot_be_true_is_refused(engine: Engine, changes: dict[str, Any]) -> None:
    envelope = submitted()
    record(engine, envelope, graded(1))
    other = submitted()
    sql(
        engine,
        "INSERT INTO submissions SELECT replace(id, id, '" + other.id + "'), student, course,"
        " section, assignment, received_at, received_epoch, sha256, size_bytes, source,"
        " requested_by, reason FROM submissions",
    )
    with engine.begin() as connection:
        insertion = insert(tables.grading_runs)
        with pytest.raises(IntegrityError), connection.begin_nested():
            connection.execute(insertion.values(run_values(other.id, **changes)))
        connection.execute(insertion.values(run_values(other.id)))


def test_there_is_one_initial_run_and_one_of_each_regrade(engine: Engine) -> None:
    envelope = submitted()
    record(engine, envelope, graded(1))
    regrade = {"reason": "regrade", "regrade_id": "r1", "applied_at": None}
    with engine.begin() as connection:
        insertion = insert(tables.grading_runs)
        connection.execute(insertion.values(run_values(envelope.id, **regrade)))
        for again in ({}, regrade):
            with pytest.raises(IntegrityError), connection.begin_nested():
                connection.execute(insertion.values(run_values(envelope.id, **again, id="2")))
        connection.execute(
            insertion.values(run_values(envelope.id, **regrade | {"regrade_id": "r2", "id": "3"}))
        )


def test_only_a_classic_submission_is_without_a_notebook(engine: Engine) -> None:
    record(engine, submitted(), graded(1))
    with pytest.raises(IntegrityError):
        sql(engine, "UPDATE submissions SET sha256 = NULL, size_bytes = NULL")
    with pytest.raises(IntegrityError):
        sql(engine, "UPDATE submissions SET source = 'classic', sha256 = NULL")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE grades SET score = 10",
        "UPDATE grades SET points_possible = 1",
        "UPDATE grades SET student = 'eve'",
        "UPDATE grades SET assignment = 'hw02'",
        "UPDATE grades SET made_at = '2026-01-01T00:00:00.000000Z'",
        "UPDATE grades SET id = id + 1",
        "UPDATE grades SET origin = 'override', override_id = 1",
        "UPDATE grades SET penalty = 0.5",
        "UPDATE grades SET superseded_at = '2026-01-01T00:00:00.000000Z', late_s = 7",
        "UPDATE grades SET superseded_at = '2026-01-01T00:00:00.000000Z', policy = NULL",
        "UPDATE grades SET superseded_at = '2026-01-01T00:00:00.000000Z', score = 10",
        "DELETE FROM grades",
    ],
)
def test_a_grade_is_never_changed(engine: Engine, change: str) -> None:
    record(engine, submitted(), graded(1))
    before = sql(engine, "SELECT * FROM grades")
    with pytest.raises(IntegrityError, match="a grade is never"):
        sql(engine, change)
    assert sql(engine, "SELECT * FROM grades") == before


def test_a_grade_is_superseded_once(engine: Engine) -> None:
    record(engine, submitted(), graded(1))
    sql(engine, "UPDATE grades SET superseded_at = '2026-01-01T00:00:00.000000Z'")
    for later in ("'2026-01-02T00:00:00.000000Z'", "NULL"):
        with pytest.raises(IntegrityError, match="a grade is never changed"):
            sql(engine, f"UPDATE grades SET superseded_at = {later}")


def test_there_is_one_grade_of_record(engine: Engine) -> None:
    record(engine, submitted(), graded(1))
    with pytest.raises(IntegrityError, match=r"(?i)unique"):
        sql(
            engine,
            "INSERT INTO grades (student, course, section, assignment, score, points_possible,"
            " origin, run_id, submission_id, earned, earned_possible, penalty, made_at)"
            " SELECT student, course, section, assignment, score, points_possible, origin, run_id,"
            " submission_id, earned, earned_possible, penalty, made_at FROM grades",
        )


@pytest.mark.sqlite
def test_the_view_has_the_old_columns_and_a_row_for_each_graded_submission(engine: Engine) -> None:
    first = submitted("josé", minutes=0)
    record(engine, first, graded(7, 8))
    record(engine, submitted("josé", minutes=1), ungraded(Verdict.CRASHED))
    record(engine, submitted("ada", assignment="hw02", minutes=2), graded(12, 10))  # extra credit
    record(engine, submitted("ada", assignment="hw03", minutes=3), graded(0, 0))
    columns = [row[1] for row in sql(engine, "PRAGMA table_info(gradebook_csv)")]
    assert columns == ["userid", "grade", "section", "lab", "timestamp", "course"]
    rows = sql(engine, 'SELECT * FROM gradebook_csv ORDER BY "timestamp"')
    assert rows == [
        ("josé", 0.875, "fa26", "lab01", "1788264000.123456", "demo101"),
        ("ada", 1.0, "fa26", "hw02", "1788264120.123456", "demo101"),
        ("ada", 0.0, "fa26", "hw03", "1788264180.123456", "demo101"),
    ]
    assert float(rows[0][4]) == first.received_at.timestamp()


def test_a_regrade_counts_in_the_view_from_when_it_is_applied(engine: Engine) -> None:
    envelope = submitted()
    record(engine, envelope, graded(5))
    regrade = run_values(envelope.id, reason="regrade", regrade_id="r", applied_at=None)
    with engine.begin() as connection:
        connection.execute(insert(tables.grading_runs).values(regrade))
    assert sql(engine, "SELECT grade FROM gradebook_csv") == [(0.5,)]
    sql(engine, "UPDATE grading_runs SET applied_at = '2999-01-01T00:00:00.000000Z' WHERE id='run'")
    sql(engine, "UPDATE grading_runs SET score = 2.0, points_possible = 8.0 WHERE id = 'run'")
    assert sql(engine, "SELECT grade FROM gradebook_csv") == [(0.25,)]


@pytest.mark.sqlite
def test_times_are_text_of_one_width_that_sorts(engine: Engine) -> None:
    record(engine, submitted(), graded(5))
    ((received_at,),) = sql(engine, "SELECT received_at FROM submissions")
    assert received_at == "2026-09-01T12:00:00.123456Z"


def test_a_time_without_a_zone_is_refused(engine: Engine) -> None:
    moment = submitted().received_at.replace(tzinfo=None)
    values = {"sha256": "a", "image_id": "i", "spec": "{}", "problems": "[]"}
    with pytest.raises(GradebookError), writing(engine, "test") as connection:
        connection.execute(insert(tables.autograders).values(**values, recorded_at=moment))


def test_text_that_no_database_takes_is_stored_all_the_same() -> None:
    stored = StoredText().process_bind_param("a\ud800b\0c\ud83d\ude00", POSTGRESQL)
    assert stored == "a\ufffdb\ufffdc\U0001f600"
