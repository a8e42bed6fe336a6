"""Searches of the console's pages: a part of a text, without regard to case, in every script."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import String, literal, select
from sqlalchemy.dialects import sqlite

from shared.gradebook.audit import AuditFilter, Kind, count_audit
from shared.gradebook.engine import open_reader
from shared.gradebook.grade_filter import GradeFilter
from shared.gradebook.grade_pages import count_students, count_submissions
from shared.gradebook.grade_rows import count_grades
from shared.gradebook.outbox_list import PostingFilter, count_postings
from shared.gradebook.searching import contains
from shared.requests import Selection
from tests.unit.shared.gradebook_samples import fresh_gradebook, graded, record, submitted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

EVERY = Selection(every=True)
NAMES = ("josé", "Ольга", "jose", "ñ50%_\\é")


@pytest.fixture
def writer(tmp_path: Path, database_url: str | None) -> Iterator[Engine]:
    made = fresh_gradebook(tmp_path, database_url)
    for minutes, name in enumerate(NAMES):
        record(made, submitted(name, minutes=minutes), graded(4))
    yield made
    made.dispose()


@pytest.mark.parametrize(
    ("search", "number"),
    [
        ("JOSÉ", 1),
        ("É", 2),
        ("ольга", 1),
        ("ОЛЬ", 1),
        ("JOS", 2),
        ("JOSE", 1),
        ("Ñ50%_\\É", 1),
        ("É%", 0),
        ("%É", 0),
        ("Ñ5_", 0),
        ("\\É", 1),
        ("É\0", 0),
    ],
)
def test_the_case_of_no_script_matters_and_nothing_is_a_pattern(
    writer: Engine, tmp_path: Path, database_url: str | None, search: str, number: int
) -> None:
    reader = open_reader(tmp_path, database_url)
    assert reader is not None
    for engine in (writer, reader):
        wanted = GradeFilter(search=search)
        assert count_grades(engine, wanted) == number
        assert count_students(engine, wanted) == number
        assert count_submissions(engine, wanted) == number
        assert count_postings(engine, EVERY, PostingFilter(search=search)) == number
        assert count_audit(engine, AuditFilter(search=search, kinds=(Kind.GRADE,))) == number
    reader.dispose()


def test_searches_for_ascii_are_left_to_sqlite_itself() -> None:
    def statement(words: str) -> str:
        condition = contains(literal("x", String), words)
        return str(select(condition).compile(dialect=sqlite.dialect()))

    assert "gofer_folded" not in statement("jose")
    assert "gofer_folded" in statement("josé")
