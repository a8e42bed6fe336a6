"""What a gradebook of an earlier release becomes; `gradebook_0001.sql` is one as 0001 wrote it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import IntegrityError

from shared.errors import GradebookError
from shared.grade_policy import GradePolicy
from shared.gradebook import migrate, tables
from shared.gradebook.engine import open_gradebook, open_reader
from shared.gradebook.grades import recompute_grade
from shared.gradebook.queries import classic_rows, grades_of_record
from shared.gradebook.transactions import writing
from shared.model import utc_now
from tests.unit.shared.gradebook_samples import graded, record, sql, submitted
from tests.unit.shared.test_gradebook_schema import schema_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

FIRST_RELEASE = Path(__file__).with_name("gradebook_0001.sql").read_text()
AT = "2026-09-01T12:00:00.000000Z"
GRADES = [("ben", 0.5), ("ada", 4.0), ("josé", 9.0), ("mal", 6.0)]
OLD_COLUMNS = (
    "id, student, course, section, assignment, score, points_possible, run_id, submission_id,"
    " made_at, superseded_at"
)


@pytest.fixture
def old_file(tmp_path: Path) -> Path:
    path = tmp_path / "gradebook.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(FIRST_RELEASE)
    return path


@pytest.fixture
def migrated(old_file: Path) -> Iterator[Engine]:
    engine = open_gradebook(old_file.parent)
    yield engine
    engine.dispose()


def rows(path: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


def test_every_row_of_the_first_release_is_there_as_it_was(old_file: Path) -> None:
    names = ("submissions", "grading_runs", "question_scores", "requests", "classic_imports")
    before = {name: rows(old_file, f"SELECT * FROM {name}") for name in names}
    grades = rows(old_file, f"SELECT {OLD_COLUMNS} FROM grades")
    assert len(grades) == 5
    open_gradebook(old_file.parent).dispose()
    assert {name: rows(old_file, f"SELECT * FROM {name}") for name in names} == before
    assert rows(old_file, f"SELECT {OLD_COLUMNS} FROM grades") == grades


def test_an_old_grade_is_its_runs_and_nothing_was_taken_off(migrated: Engine) -> None:
    found = list(grades_of_record(migrated))
    assert [(grade.student, grade.score.points) for grade in found] == GRADES
    assert all(grade.autograde == grade.score and grade.penalty == 0 for grade in found)
    assert sql(migrated, "SELECT DISTINCT origin, late_s, policy, override_id FROM grades") == [
        ("run", None, None, None)
    ]


def test_making_old_grades_anew_changes_none(migrated: Engine) -> None:
    before = sql(migrated, "SELECT * FROM grades")
    with writing(migrated, "test") as connection:
        for grade in list(grades_of_record(migrated)):
            assert not recompute_grade(
                connection, grade.student, grade.key, GradePolicy(), utc_now()
            )
    assert sql(migrated, "SELECT * FROM grades") == before


def test_the_view_no_longer_has_runs_that_are_held(old_file: Path) -> None:
    students = 'SELECT userid FROM gradebook_csv ORDER BY "timestamp"'
    assert ("eve",) in rows(old_file, students)
    engine = open_gradebook(old_file.parent)
    found = [student for (student,) in rows(old_file, students)]
    assert found == ["ben", "josé", "josé", "ada", "mal"]
    assert [row.userid for row in classic_rows(engine)] == found
    engine.dispose()


def test_it_has_the_same_schema_as_a_new_one(migrated: Engine, tmp_path: Path) -> None:
    new = open_gradebook(tmp_path / "new")
    assert schema_of(migrated) == schema_of(new)
    new.dispose()


def test_grades_are_still_recorded_and_never_changed(migrated: Engine) -> None:
    record(migrated, submitted("ada", minutes=60), graded(8, 8))
    assert sql(migrated, "SELECT score FROM grades WHERE student = 'ada'") == [(4.0,), (8.0,)]
    with pytest.raises(IntegrityError, match="never changed"):
        sql(migrated, "UPDATE grades SET score = 10")


def test_a_copy_is_made_first(old_file: Path) -> None:
    before = rows(old_file, "SELECT * FROM grades")
    open_gradebook(old_file.parent).dispose()
    (copy,) = old_file.parent.glob("gradebook-before-*.db")
    assert rows(copy, "SELECT version_num FROM alembic_version") == [("0001",)]
    assert rows(copy, "SELECT * FROM grades") == before
    assert {path.name for path in old_file.parent.iterdir()} == {"gradebook.db", copy.name}
    open_gradebook(old_file.parent).dispose()
    assert list(old_file.parent.glob("gradebook-before-*.db")) == [copy]


def test_a_new_gradebook_and_one_that_is_up_to_date_are_not_copied(tmp_path: Path) -> None:
    for _ in range(2):
        open_gradebook(tmp_path).dispose()
    assert [path.name for path in tmp_path.iterdir()] == ["gradebook.db"]


def test_without_room_for_the_copy_nothing_is_changed(
    old_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise GradebookError("The gradebook could not be copied: the disk is full.")

    monkeypatch.setattr(migrate, "copy_file", refuse)
    with pytest.raises(GradebookError, match="could not be copied"):
        open_gradebook(old_file.parent)
    assert rows(old_file, "SELECT version_num FROM alembic_version") == [("0001",)]


def test_a_reader_waits_for_the_grader_to_bring_it_up_to_date(old_file: Path) -> None:
    with pytest.raises(GradebookError, match="Start the grader"):
        open_reader(old_file.parent)


@pytest.mark.parametrize("table", ["overrides", "extensions"])
def test_what_staff_decided_is_only_added(migrated: Engine, table: str) -> None:
    columns = {column.name for column in tables.metadata.tables[table].columns}
    values = {
        "id": "1",
        "request_id": "(SELECT id FROM requests)",
        "student": "'ada'",
        "course": "'demo101'",
        "section": "'fa26'",
        "assignment": "'lab01'",
        "made_by": "'staff'",
        "made_at": "'2026-09-01T12:00:00.000000Z'",
        "score": "1.0",
        "points_possible": "2.0",
        "comment": "''",
        "until": "'2026-09-01T12:00:00.000000Z'",
        "reason": "''",
    }
    wanted = {name: value for name, value in values.items() if name in columns}
    sql(
        migrated,
        f"INSERT INTO {table} ({', '.join(wanted)}) VALUES ({', '.join(wanted.values())})",
    )
    before = sql(migrated, f"SELECT * FROM {table}")
    for change in (f"UPDATE {table} SET student = 'eve'", f"DELETE FROM {table}"):
        with pytest.raises(IntegrityError, match="are only added"):
            sql(migrated, change)
    assert sql(migrated, f"SELECT * FROM {table}") == before


def test_a_request_that_is_done_is_never_changed(migrated: Engine) -> None:
    for change in (
        "UPDATE requests SET outcome = 'refused'",
        "UPDATE requests SET reason = ''",
        "DELETE FROM requests",
    ):
        with pytest.raises(IntegrityError, match="a request is never"):
            sql(migrated, change)


def test_of_what_an_earlier_release_sent_without_hearing_of_it_nobody_knows_whether_it_is_there(
    tmp_path: Path,
) -> None:
    rows_before = {
        "waits": ("queued", 0, None, None, None),
        "is_on_its_way_or_not": ("superseded", 0, None, None, None),
        "was_locked_out": ("queued", 0, "credentials", AT, None),
        "was_tried_and_locked_out": ("queued", 1, "credentials", AT, None),
        "is_held": ("held", 0, "hold", None, None),
        "was_refused": ("failed", 1, "closed", AT, None),
        "was_cut": ("failed", 1, "cut", AT, None),
        "was_tried_often": ("failed", 12, "closed", AT, None),
        "arrived": ("sent", 1, None, AT, AT),
    }
    open_gradebook(tmp_path).dispose()
    with closing(sqlite3.connect(tmp_path / "gradebook.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0005'")
        connection.execute("ALTER TABLE passbacks DROP COLUMN in_doubt_since")
        connection.executemany(
            "INSERT INTO passbacks (student, course, section, assignment, score, points_possible,"
            " graded_at, queued_at, not_before, state, tries, cause, answered_at, sent_at)"
            f" VALUES (?, 'c', 's', 'a', 1, 2, '{AT}', '{AT}', '{AT}', ?, ?, ?, ?, ?)",
            [(student, *values) for student, values in rows_before.items()],
        )
    open_gradebook(tmp_path).dispose()
    statement = "SELECT student FROM passbacks WHERE in_doubt_since = queued_at"
    assert {student for (student,) in rows(tmp_path / "gradebook.db", statement)} == {
        *("waits", "is_on_its_way_or_not", "was_locked_out", "was_tried_and_locked_out"),
        *("was_cut", "was_tried_often"),
    }
