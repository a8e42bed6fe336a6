"""A gradebook in PostgreSQL with the rows of the first released schema, brought up to date."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, make_url
from sqlalchemy.exc import DBAPIError

from shared.errors import GradebookError
from shared.grade_policy import GradePolicy
from shared.gradebook import migrate
from shared.gradebook.engine import open_gradebook, open_reader
from shared.gradebook.grades import recompute_grade
from shared.gradebook.queries import classic_rows, grades_of_record
from shared.gradebook.transactions import writing
from shared.model import utc_now
from tests.unit.shared.gradebook_samples import graded, record, sql, submitted
from tests.unit.shared.test_gradebook_migration import FIRST_RELEASE, GRADES, OLD_COLUMNS

if TYPE_CHECKING:
    from sqlalchemy import Engine

TABLES: Final = (
    "classic_imports",
    "requests",
    "submissions",
    "grading_runs",
    "question_scores",
    "grades",
)
"""Those with rows, each after what it refers to."""


@pytest.fixture
def first_release(no_gradebook: str) -> str:
    """The address of a database as the first release's migration and its rows left it."""
    url = make_url(no_gradebook).set(drivername="postgresql+psycopg")
    engine = create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).with_name("migrations")))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    with closing(sqlite3.connect(":memory:")) as file, engine.begin() as connection:
        file.executescript(FIRST_RELEASE)
        for table in TABLES:
            found = file.execute(f"SELECT * FROM {table}")
            names = [column[0] for column in found.description]
            marks = ", ".join(["%s"] * len(names))
            statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"
            for row in found.fetchall():
                connection.exec_driver_sql(statement, tuple(row))
        # Where the rows had been numbered by the database, as they are.
        connection.exec_driver_sql("SELECT setval('grades_id_seq', (SELECT max(id) FROM grades))")
    engine.dispose()
    return no_gradebook


def rows_of(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    selected = dict.fromkeys(TABLES, "*") | {"grades": OLD_COLUMNS}
    return {
        table: sorted(sql(engine, f"SELECT {columns} FROM {table}"), key=str)
        for table, columns in selected.items()
    }


def test_every_row_is_there_as_it_was_and_makes_the_same_grades(
    first_release: str, tmp_path: Path
) -> None:
    old = create_engine(make_url(first_release).set(drivername="postgresql+psycopg"))
    before = rows_of(old)
    assert len(before["grades"]) == 5
    old.dispose()

    migrated = open_gradebook(tmp_path, first_release)
    assert rows_of(migrated) == before
    found = list(grades_of_record(migrated))
    assert [(grade.student, grade.score.points) for grade in found] == GRADES
    assert sql(migrated, "SELECT DISTINCT origin, late_s, policy, override_id FROM grades") == [
        ("run", None, None, None)
    ]
    with writing(migrated, "test") as connection:
        for grade in found:
            assert not recompute_grade(
                connection, grade.student, grade.key, GradePolicy(), utc_now()
            )
    assert [row.userid for row in classic_rows(migrated)] == ["ben", "josé", "josé", "ada", "mal"]
    migrated.dispose()


def test_it_goes_on_from_there_and_is_held_to_the_new_rules(
    first_release: str, tmp_path: Path
) -> None:
    migrated = open_gradebook(tmp_path, first_release)
    record(migrated, submitted("ada", minutes=60), graded(8, 8))
    assert sql(migrated, "SELECT score FROM grades WHERE student = 'ada' ORDER BY id") == [
        (4.0,),
        (8.0,),
    ]
    assert sql(migrated, "SELECT student, score, state FROM passbacks") == [("ada", 8.0, "queued")]
    with pytest.raises(DBAPIError, match="never changed"):
        sql(migrated, "UPDATE grades SET score = 10")
    migrated.dispose()


def test_a_reader_waits_for_the_grader_and_a_second_start_changes_nothing(
    first_release: str, tmp_path: Path
) -> None:
    with pytest.raises(GradebookError, match="of an older Gofer"):
        open_reader(tmp_path, first_release)
    for _ in range(2):
        open_gradebook(tmp_path, first_release).dispose()
    reader = open_reader(tmp_path, first_release)
    assert reader is not None
    assert len(list(grades_of_record(reader))) == len(GRADES)
    reader.dispose()
