"""Rows of grades: every filter is SQL, every list comes in keyed chunks and from an index."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, insert

from shared.grade_policy import GradePolicy
from shared.gradebook import grade_rows, tables
from shared.gradebook.engine import open_reader
from shared.gradebook.grade_filter import GradeFilter
from shared.gradebook.grade_rows import (
    classic_chunks,
    count_graded_submissions,
    count_grades,
    grade_chunks,
    grade_chunks_by_student,
    graded_assignments,
    question_chunks,
)
from shared.gradebook.grades import recompute_grade
from shared.gradebook.queries import classic_rows, grades_of_record
from shared.gradebook.transactions import writing
from shared.model import FLAG_TAMPERED, AssignmentKey, Verdict, new_submission_id
from tests.unit.shared.gradebook_samples import (
    NOON,
    fresh_gradebook,
    graded,
    record,
    submitted,
    ungraded,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

ALL = GradeFilter()


@pytest.fixture
def engine(tmp_path: Path, database_url: str | None) -> Iterator[Engine]:
    opened = fresh_gradebook(tmp_path, database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def reader(engine: Engine, tmp_path: Path, database_url: str | None) -> Iterator[Engine]:
    record(engine, submitted("josé", minutes=1), ungraded(Verdict.CRASHED))
    record(engine, submitted("josé", minutes=2), graded(2.5))
    record(engine, submitted("ada", minutes=3), graded(7.5))
    record(engine, submitted("ada", minutes=4, assignment="hw02"), graded(3, 4))
    record(engine, submitted("ada", minutes=5, section="sp27"), graded(0))
    plain = replace(graded(10), flags=frozenset({"plain"}))
    record(engine, submitted("ben", minutes=6, course="other"), plain)
    held = replace(graded(10), flags=frozenset({FLAG_TAMPERED}))
    record(engine, submitted("mallory", minutes=7), held)
    record(engine, submitted("farid", minutes=8), ungraded())
    opened = open_reader(tmp_path, database_url)
    assert opened is not None
    yield opened
    opened.dispose()


def found(reader: Engine, **wanted: Any) -> list[str]:
    rows = chain.from_iterable(grade_chunks(reader, GradeFilter(**wanted)))
    return [f"{row['section']}/{row['assignment']} {row['student']}" for row in rows]


EVERYTHING = [
    "fa26/hw02 ada",
    "fa26/lab01 ada",
    "fa26/lab01 josé",
    "sp27/lab01 ada",
    "fa26/lab01 ben",
]


def test_the_rows_are_the_grades_of_record_and_held_runs_make_none(reader: Engine) -> None:
    assert found(reader) == EVERYTHING
    rows = list(chain.from_iterable(grade_chunks(reader, ALL)))
    assert [(row["student"], row["score"], row["submission_id"]) for row in rows] == [
        (grade.student, grade.score.points, grade.submission_id)
        for grade in grades_of_record(reader)
    ]


def test_a_row_tells_all_there_is_in_plain_values(reader: Engine) -> None:
    (row,) = chain.from_iterable(grade_chunks(reader, GradeFilter(assignments=("hw02",))))
    assert list(row) == [
        "course", "section", "assignment", "student", "score", "points_possible", "percent",
        "submission_id", "received_at", "graded_at", "flags", "origin", "autograde", "penalty",
        "late_s",
    ]  # fmt: skip
    assert (row["score"], row["points_possible"], row["percent"]) == (3.0, 4.0, 75.0)
    assert row["received_at"] == "2026-09-01T12:04:00+00:00"
    assert row["flags"] == "cell_timeout output_truncated"


@pytest.mark.parametrize(
    ("wanted", "indexes"),
    [
        ({"courses": ("other",)}, [4]),
        ({"courses": ("OTHER",)}, []),
        ({"sections": ("sp27",)}, [3]),
        ({"assignments": ("hw02", "nothing")}, [0]),
        ({"students": ("josé", "ben")}, [2, 4]),
        ({"students": ("' OR 1=1 --",)}, []),
        ({"verdicts": (Verdict.CRASHED,)}, [2]),
        ({"verdicts": (Verdict.TIMED_OUT,)}, []),
        ({"verdicts": (Verdict.GRADED,)}, [0, 1, 2, 3, 4]),
        ({"flags": ("cell_timeout",)}, [0, 1, 2, 3]),
        ({"flags": ("plain", "cell_timeout")}, [0, 1, 2, 3, 4]),
        ({"flags": ("plai",)}, []),
        ({"score_from": 3.0, "score_to": 7.5}, [0, 1]),
        ({"percent_from": 75.0}, [0, 1, 4]),
        ({"percent_to": 25.0}, [2, 3]),
        ({"received_from": NOON + timedelta(minutes=4)}, [0, 3, 4]),
        ({"received_before": NOON + timedelta(minutes=4)}, [1, 2]),
        ({"students": ("ada",), "percent_to": 74.9, "sections": ("sp27",)}, [3]),
    ],
)
def test_every_filter_chooses(reader: Engine, wanted: dict[str, Any], indexes: list[int]) -> None:
    assert found(reader, **wanted) == [EVERYTHING[at] for at in indexes]
    assert count_grades(reader, GradeFilter(**wanted)) == len(indexes)


def override(engine: Engine, student: str, score: float) -> None:
    """Give a student a score for lab01 as staff do, by what a request leaves in the gradebook."""
    now, request_id = NOON + timedelta(hours=2), new_submission_id()
    key = AssignmentKey("demo101", "fa26", "lab01")
    place = {"course": key.course, "section": key.section, "assignment": key.assignment}
    with writing(engine, "be overridden") as connection:
        connection.execute(
            insert(tables.requests).values(
                id=request_id,
                action="override",
                payload="{}",
                requested_by="staff",
                received_at=now,
                reason="",
                done_at=now,
                outcome="done",
            )
        )
        connection.execute(
            insert(tables.overrides).values(
                **place,
                request_id=request_id,
                student=student,
                score=score,
                points_possible=10.0,
                comment="",
                made_by="staff",
                made_at=now,
            )
        )
        assert recompute_grade(connection, student, key, GradePolicy(), now)


def test_an_override_is_what_counts_and_the_autograde_stands_beneath(
    engine: Engine, reader: Engine
) -> None:
    override(engine, "ada", 9.0)
    override(engine, "nobody", 5.0)
    wanted = GradeFilter(students=("ada", "nobody"), assignments=("lab01",), sections=("fa26",))
    above, alone = chain.from_iterable(grade_chunks(reader, wanted))
    assert (above["score"], above["autograde"], above["origin"]) == (9.0, 7.5, "override")
    assert above["submission_id"]
    assert (alone["score"], alone["percent"], alone["origin"]) == (5.0, 50.0, "override")
    without = ("submission_id", "received_at", "autograde", "penalty", "late_s")
    assert [alone[name] for name in without] == [None] * 5
    assert alone["flags"] == ""
    by_student = chain.from_iterable(grade_chunks_by_student(reader, wanted))
    assert [row["score"] for row in by_student] == [9.0, 5.0]
    ((grades, questions),) = question_chunks(reader, wanted)
    assert (len(grades), list(questions)) == (2, [above["submission_id"]])
    assert count_grades(reader, wanted) == 2


def test_where_nothing_can_be_earned_the_percentage_is_0(engine: Engine, reader: Engine) -> None:
    record(engine, submitted("zoe", assignment="survey"), graded(0, 0))
    survey = GradeFilter(assignments=("survey",))
    (row,) = chain.from_iterable(grade_chunks(reader, survey))
    assert row["percent"] == 0.0
    assert count_grades(reader, replace(survey, percent_to=0.0)) == 1
    assert count_grades(reader, replace(survey, percent_from=0.1)) == 0


def test_rows_by_student_are_the_same_grades(reader: Engine) -> None:
    rows = list(chain.from_iterable(grade_chunks_by_student(reader, ALL)))
    assert [(row["student"], row["section"], row["assignment"]) for row in rows] == [
        ("ada", "fa26", "hw02"),
        ("ada", "fa26", "lab01"),
        ("ada", "sp27", "lab01"),
        ("ben", "fa26", "lab01"),
        ("josé", "fa26", "lab01"),
    ]
    assert list(rows[0]) == [
        "course",
        "section",
        "assignment",
        "student",
        "score",
        "points_possible",
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_chunks_of_any_size_make_the_same_list(reader: Engine, size: int) -> None:
    for chunks in (grade_chunks, grade_chunks_by_student, classic_chunks):
        whole = list(chain.from_iterable(chunks(reader, ALL)))
        lots = list(chunks(reader, ALL, size=size))
        assert list(chain.from_iterable(lots)) == whole
        assert max(map(len, lots)) <= size
    questions = [row for rows, _ in question_chunks(reader, ALL, size=size) for row in rows]
    assert len(questions) == len(EVERYTHING)


@pytest.mark.sqlite
def test_between_chunks_no_transaction_is_open_and_nothing_comes_twice(
    engine: Engine, reader: Engine, tmp_path: Path
) -> None:
    open_ones = [0]
    event.listen(reader, "checkout", lambda *_: open_ones.append(open_ones[-1] + 1))
    event.listen(reader, "checkin", lambda *_: open_ones.append(open_ones[-1] - 1))
    seen: list[str] = []
    for chunk in grade_chunks(reader, ALL, size=2):
        assert open_ones[-1] == 0
        if not seen:
            record(engine, submitted("aaa", minutes=20), graded(1))  # before what was read
            record(engine, submitted("zzz", minutes=21, course="zz"), graded(1))  # and after
            assert _truncated_wal(tmp_path / "gradebook.db") == (0, 0, 0)
        seen += [row["student"] for row in chunk]
    assert seen == ["ada", "ada", "josé", "ada", "ben", "zzz"]
    assert len(open_ones) > 4


def _truncated_wal(path: Path) -> tuple[int, ...]:
    with closing(sqlite3.connect(path)) as connection:
        row: tuple[int, ...] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return row


def test_questions_come_in_the_zips_order(reader: Engine) -> None:
    lots = list(question_chunks(reader, GradeFilter(assignments=("hw02",))))
    ((grades, questions),) = lots
    assert [row["question"] for row in questions[grades[0]["submission_id"]]] == ["q2", "q1"]
    assert questions[grades[0]["submission_id"]][0] == {
        "question": "q2",
        "score": 3.0,
        "points_possible": 4.0,
    }


def test_graded_submissions_are_those_of_the_old_table_and_are_filtered_too(reader: Engine) -> None:
    rows = list(chain.from_iterable(classic_chunks(reader, ALL)))
    assert [tuple(row.values()) for row in rows] == [tuple(row)[:5] for row in classic_rows(reader)]
    assert count_graded_submissions(reader, ALL) == len(rows) == 5
    some = GradeFilter(students=("ada",), percent_from=50)
    assert [row["lab"] for lot in classic_chunks(reader, some) for row in lot] == ["lab01", "hw02"]
    assert count_graded_submissions(reader, some) == 2


def test_assignments_tell_the_most_points_of_the_wanted_grades(reader: Engine) -> None:
    told = [(str(one.key), one.points_possible) for one in graded_assignments(reader, ALL)]
    assert told == [
        ("demo101/fa26/hw02", 4.0),
        ("demo101/fa26/lab01", 10.0),
        ("demo101/sp27/lab01", 10.0),
        ("other/fa26/lab01", 10.0),
    ]
    assert graded_assignments(reader, GradeFilter(students=("nobody",))) == ()


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("chunks", "index"),
    [
        (grade_chunks, "ux_grades_of_record"),
        (grade_chunks_by_student, "ix_grades_student"),
        (classic_chunks, "ux_grading_runs_regrade"),
    ],
)
def test_every_page_is_read_from_an_index_without_sorting(
    engine: Engine, reader: Engine, chunks: Any, index: str
) -> None:
    statements: list[tuple[str, Any]] = []
    event.listen(
        reader,
        "before_cursor_execute",
        lambda _c, _u, statement, parameters, *_: statements.append((statement, parameters)),
    )
    list(chunks(reader, ALL, size=2))
    statement, parameters = next(one for one in statements if " > (" in one[0])
    with engine.connect() as connection:
        plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all())
    assert f"USING INDEX {index} (" in plan
    assert "SCAN" not in plan.replace("SCAN requests", "")
    assert "TEMP B-TREE" not in plan


def test_the_columns_are_named_once_each() -> None:
    names = [column.name for column in grade_rows.COLUMNS]
    assert len(names) == len(set(names))
