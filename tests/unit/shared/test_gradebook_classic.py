from __future__ import annotations

import logging
import math
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from shared.errors import GradebookError
from shared.gradebook.classic_row import ClassicGrade, LeftOut, read_row
from shared.gradebook.engine import open_gradebook
from shared.gradebook.queries import classic_rows, grades_of_record, run_of_submission
from shared.model import SubmissionId, Verdict, utc_now
from tests.unit.shared.gradebook_samples import (
    OLD_TABLE,
    graded,
    record,
    sql,
    submitted,
    write_old_gradebook,
)

if TYPE_CHECKING:
    from pathlib import Path

OldRow = tuple[Any, Any, Any, Any, Any]

OLD: list[OldRow] = [
    ("ada", 0.5, "fa20", "lab01", "1600000000.1234567"),
    ("ada", 0.75, "fa20", "lab01", "1600000100.0"),
    ("ada", 0.75, "fa20", "lab01", "1600000200.5"),
    ("josé", 1.0, "fa20", "lab01", "1600000300.25"),
    ("josé", 0.0, "fa20", "hw02", "1600000400.25"),
]
WEIRD: list[tuple[OldRow, str]] = [
    ((None, 0.5, "fa20", "lab01", "1600000000.0"), "userid"),
    (("", 0.5, "fa20", "lab01", "1600000000.0"), "userid"),
    (("a\nb", 0.5, "fa20", "lab01", "1600000000.0"), "userid"),
    ((b"\xff\xfe", 0.5, "fa20", "lab01", "1600000000.0"), "userid"),
    (("eve", None, "fa20", "lab01", "1600000000.0"), "grade"),
    (("eve", 1.5, "fa20", "lab01", "1600000000.0"), "grade"),
    (("eve", -0.5, "fa20", "lab01", "1600000000.0"), "grade"),
    (("eve", math.inf, "fa20", "lab01", "1600000000.0"), "grade"),
    (("eve", math.nan, "fa20", "lab01", "1600000000.0"), "grade"),
    (("eve", "excellent", "fa20", "lab01", "1600000000.0"), "grade"),
    (("eve", 0.5, None, "lab01", "1600000000.0"), "section"),
    (("eve", 0.5, "fa20", "x" * 300, "1600000000.0"), "lab"),
    (("eve", 0.5, "fa20", "lab01", None), "timestamp"),
    (("eve", 0.5, "fa20", "lab01", "yesterday"), "timestamp"),
    (("eve", 0.5, "fa20", "lab01", "nan"), "timestamp"),
    (("eve", 0.5, "fa20", "lab01", "-5"), "timestamp"),
    (("eve", 0.5, "fa20", "lab01", "999999999999"), "timestamp"),
]


def moved_names(volume: Path) -> list[str]:
    return sorted(path.name for path in volume.iterdir() if "classic" in path.name)


def old_rows_in(path: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT * FROM grades").fetchall()


def view_of(volume: Path, **options: str) -> list[tuple[Any, ...]]:
    """Open the gradebook and return what its view holds, without the course."""
    engine = open_gradebook(volume, **options)
    rows = [tuple(row)[:5] for row in classic_rows(engine)]
    assert sorted(rows) == sorted(row[:5] for row in sql(engine, "SELECT * FROM gradebook_csv"))
    engine.dispose()
    return rows


@pytest.mark.parametrize("wal", [False, True])
def test_an_old_gradebook_is_moved_aside_and_imported(tmp_path: Path, *, wal: bool) -> None:
    write_old_gradebook(tmp_path / "gradebook.db", OLD, wal=wal)
    assert view_of(tmp_path) == OLD
    today = utc_now().date().isoformat()
    assert moved_names(tmp_path) == [f"gradebook-classic-{today}.db"]
    assert old_rows_in(tmp_path / f"gradebook-classic-{today}.db") == OLD


def test_it_is_imported_once(tmp_path: Path) -> None:
    write_old_gradebook(tmp_path / "gradebook.db", OLD)
    for _ in range(3):
        assert view_of(tmp_path) == OLD
    assert len(moved_names(tmp_path)) == 1


def test_what_was_not_yet_in_the_old_file_itself_is_imported_too(tmp_path: Path) -> None:
    live = tmp_path / "live" / "gradebook.db"
    live.parent.mkdir()
    with closing(sqlite3.connect(live)) as old:
        old.execute("PRAGMA journal_mode = WAL")
        old.execute(OLD_TABLE)
        with old:
            old.executemany("INSERT INTO grades VALUES (?, ?, ?, ?, ?)", OLD)
        volume = tmp_path / "volume"
        shutil.copytree(live.parent, volume)  # as a crash of the machine would leave it
    assert (volume / "gradebook.db-wal").stat().st_size > 0
    assert view_of(volume) == OLD
    assert len(moved_names(volume)) == 1


def test_each_row_becomes_a_submission_with_one_graded_run(tmp_path: Path) -> None:
    write_old_gradebook(tmp_path / "gradebook.db", OLD[:1])
    engine = open_gradebook(tmp_path)
    ((submission_id, *rest),) = sql(
        engine,
        "SELECT id, student, course, section, assignment, received_at, sha256, size_bytes, source"
        " FROM submissions",
    )
    assert rest == [
        *("ada", "classic", "fa20", "lab01", "2020-09-13T12:26:40.123457Z"),
        *(None, None, "classic"),
    ]
    run = run_of_submission(engine, SubmissionId(submission_id))
    assert run is not None
    assert (run.verdict, run.score, run.points_possible) == (Verdict.GRADED, 0.5, 1.0)
    assert (run.sandbox, run.tries, run.autograder_sha256) == ("classic", 0, None)
    engine.dispose()


def test_the_best_earliest_row_becomes_the_grade_of_record(tmp_path: Path) -> None:
    write_old_gradebook(tmp_path / "gradebook.db", reversed(OLD))
    engine = open_gradebook(tmp_path)
    assert [
        (grade.student, grade.key.assignment, grade.score.points, grade.received_at.timestamp())
        for grade in grades_of_record(engine)
        if grade.received_at
    ] == [
        ("josé", "hw02", 0.0, 1600000400.25),
        ("ada", "lab01", 0.75, 1600000100.0),
        ("josé", "lab01", 1.0, 1600000300.25),
    ]
    engine.dispose()


def test_the_course_is_the_one_that_is_given(tmp_path: Path) -> None:
    write_old_gradebook(tmp_path / "gradebook.db", OLD)
    engine = open_gradebook(tmp_path, course="data8")
    assert {row.course for row in classic_rows(engine)} == {"data8"}
    assert {grade.key.course for grade in grades_of_record(engine)} == {"data8"}
    engine.dispose()


def test_rows_of_no_use_are_left_out_counted_and_kept_in_the_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [row for row, _ in WEIRD]
    write_old_gradebook(tmp_path / "gradebook.db", [*OLD, *rows])
    with caplog.at_level(logging.INFO):
        assert view_of(tmp_path) == OLD
    (said,) = [record for record in caplog.records if hasattr(record, "left_out")]
    assert said.levelno == logging.WARNING
    assert vars(said)["action"] == "classic_import"
    assert vars(said)["left_out"] == len(WEIRD)
    assert vars(said)["reasons"] == {
        "userid": 4,
        "grade": 6,
        "section": 1,
        "lab": 1,
        "timestamp": 5,
    }
    assert vars(said)["first_rowids"][:2] == [6, 7]
    (name,) = moved_names(tmp_path)
    assert len(old_rows_in(tmp_path / name)) == len(OLD) + len(WEIRD)
    engine = open_gradebook(tmp_path)
    counted = sql(engine, "SELECT imported, known_already, left_out FROM classic_imports")
    assert counted == [(len(OLD), 0, len(WEIRD))]
    engine.dispose()


def test_text_that_is_no_utf8_does_not_end_the_import(tmp_path: Path) -> None:
    write_old_gradebook(tmp_path / "gradebook.db", OLD)
    with closing(sqlite3.connect(tmp_path / "gradebook.db")) as old, old:
        old.execute(
            "INSERT INTO grades VALUES (CAST(x'6aff' AS TEXT), 1.0, 'fa20', 'lab01', '1600000000')"
        )
    assert view_of(tmp_path) == OLD


@pytest.mark.parametrize(("row", "because"), WEIRD)
def test_a_row_of_no_use_says_why(row: OldRow, because: str) -> None:
    assert read_row(1, *row) == LeftOut(1, because)


def test_a_row_makes_the_same_ids_ever_again_and_they_sort_by_time() -> None:
    made = [read_row(number, *row) for number, row in enumerate(OLD)]
    assert made == [read_row(number, *row) for number, row in enumerate(OLD)]
    ids = [row.submission_id for row in made if isinstance(row, ClassicGrade)]
    assert ids == sorted(set(ids))
    for submission_id in ids:
        assert submitted().model_copy(update={"id": submission_id}).id[14] == "7"


def test_two_equal_rows_are_two_submissions(tmp_path: Path) -> None:
    write_old_gradebook(tmp_path / "gradebook.db", [OLD[0], OLD[0]])
    assert view_of(tmp_path) == [OLD[0], OLD[0]]


def test_nothing_is_ever_overwritten(tmp_path: Path) -> None:
    today = utc_now().date().isoformat()
    (tmp_path / f"gradebook-classic-{today}.db").symlink_to("nowhere")
    (tmp_path / f"gradebook-classic-{today}-2.db-wal").touch()
    write_old_gradebook(tmp_path / "gradebook.db", OLD)
    with pytest.raises(GradebookError, match=f"import gradebook-classic-{today}.db"):
        open_gradebook(tmp_path)
    (tmp_path / f"gradebook-classic-{today}.db").unlink()
    assert view_of(tmp_path) == OLD
    assert f"gradebook-classic-{today}-3.db" in moved_names(tmp_path)


def test_an_old_gradebook_that_has_grown_again_brings_only_what_is_new(tmp_path: Path) -> None:
    write_old_gradebook(tmp_path / "gradebook.db", OLD)
    assert view_of(tmp_path) == OLD
    later = ("ada", 0.9, "fa20", "lab01", "1600000500.0")
    again = ("ada", 0.2, "fa20", "hw02", "1600000600.0")
    write_old_gradebook(tmp_path / "gradebook-classic-back-for-a-week.db", [*OLD, later, again])
    assert view_of(tmp_path) == [*OLD, later, again]
    engine = open_gradebook(tmp_path)
    scores = {
        (grade.student, grade.key.assignment): grade.score.points
        for grade in grades_of_record(engine)
    }
    assert scores == {
        ("ada", "lab01"): 0.9,
        ("ada", "hw02"): 0.2,
        ("josé", "lab01"): 1.0,
        ("josé", "hw02"): 0.0,
    }
    assert sql(engine, "SELECT score FROM grades WHERE superseded_at IS NOT NULL") == [(0.75,)]
    engine.dispose()


def test_a_grade_that_a_submission_of_our_own_made_stays(tmp_path: Path) -> None:
    engine = open_gradebook(tmp_path)
    record(engine, submitted("ada", course="classic", section="fa20"), graded(1, 10))
    engine.dispose()
    write_old_gradebook(tmp_path / "gradebook-classic-2020.db", OLD)
    engine = open_gradebook(tmp_path)
    scores = [(grade.student, grade.score.points) for grade in grades_of_record(engine)]
    assert scores == [("josé", 0.0), ("ada", 1.0), ("josé", 1.0)]
    engine.dispose()


def test_an_old_gradebook_in_use_stays_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.gradebook.sqlite_file.BUSY_TIMEOUT_S", 0.05)
    write_old_gradebook(tmp_path / "gradebook.db", OLD)
    with closing(sqlite3.connect(tmp_path / "gradebook.db", isolation_level=None)) as old:
        old.execute("BEGIN IMMEDIATE")
        with pytest.raises(GradebookError, match="Stop the old service"):
            open_gradebook(tmp_path)
        old.execute("ROLLBACK")
    assert moved_names(tmp_path) == []
    assert view_of(tmp_path) == OLD


def test_a_damaged_old_file_is_named_and_nothing_of_it_is_imported(tmp_path: Path) -> None:
    (tmp_path / "gradebook-classic-2020.db").write_bytes(b"no database" * 1000)
    with pytest.raises(GradebookError, match=r"import gradebook-classic-2020\.db"):
        open_gradebook(tmp_path)
    (tmp_path / "gradebook-classic-2020.db").unlink()
    assert view_of(tmp_path) == []


def test_an_import_of_many_rows_is_whole(tmp_path: Path) -> None:
    many: list[OldRow] = [
        (f"student{number % 700}", 0.5, "fa20", f"lab{number % 3}", f"{1600000000 + number}.5")
        for number in range(2100)
    ]
    write_old_gradebook(tmp_path / "gradebook.db", many)
    assert view_of(tmp_path) == many
    engine = open_gradebook(tmp_path)
    assert len(list(grades_of_record(engine))) == len({(row[0], row[3]) for row in many})
    engine.dispose()
