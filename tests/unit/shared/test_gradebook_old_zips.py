"""What was graded with another zip than the present one is a question to the gradebook."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shared.grade_policy import GradePolicy
from shared.gradebook.grade_filter import GradeFilter
from shared.gradebook.grade_rows import count_grades, grade_chunks
from shared.gradebook.old_zips import grades_by_other_zips
from shared.gradebook.record import record_run
from shared.model import AssignmentKey, Sha256
from tests.unit.shared.gradebook_samples import (
    ZIP,
    ended,
    fresh_gradebook,
    graded,
    record,
    sql,
    submitted,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

LAB01 = AssignmentKey("demo101", "fa26", "lab01")
LAB02 = AssignmentKey("demo101", "fa26", "lab02")
NEW = Sha256("c" * 64)


@pytest.fixture
def engine(tmp_path: Path, database_url: str | None) -> Iterator[Engine]:
    """Of lab01 two grades by the zip and one by the new one; of lab02 one by the zip."""
    opened = fresh_gradebook(tmp_path, database_url)
    for student in ("ada", "bob"):
        record(opened, submitted(student), graded(5))
    by_new = replace(ended(graded(6)), autograder_sha256=NEW)
    record_run(opened, submitted("cyd"), by_new, GradePolicy())
    record(opened, submitted("ada", assignment="lab02"), graded(5))
    yield opened
    opened.dispose()


def test_grades_by_another_zip_are_counted_by_assignment(engine: Engine) -> None:
    assert grades_by_other_zips(engine, [(LAB01, NEW), (LAB02, ZIP)]) == {LAB01: 2}
    assert grades_by_other_zips(engine, [(LAB01, ZIP), (LAB02, NEW)]) == {LAB01: 1, LAB02: 1}
    assert grades_by_other_zips(engine, [(LAB02, NEW)]) == {LAB02: 1}
    assert grades_by_other_zips(engine, []) == {}


def test_the_list_can_have_those_alone(engine: Engine) -> None:
    wanted = GradeFilter(other_zip_than=((LAB01, NEW), (LAB02, ZIP)))
    rows = [row for chunk in grade_chunks(engine, wanted) for row in chunk]
    assert [row["student"] for row in rows] == ["ada", "bob"]
    assert count_grades(engine, GradeFilter(other_zip_than=())) == 0
    assert count_grades(engine, GradeFilter()) == 4


def test_a_classic_grade_has_no_zip_and_is_not_old(engine: Engine) -> None:
    sql(engine, "UPDATE grading_runs SET autograder_sha256 = NULL")
    assert grades_by_other_zips(engine, [(LAB01, NEW), (LAB02, NEW)]) == {}


def test_a_grade_that_was_superseded_is_not_counted(engine: Engine) -> None:
    better = replace(ended(graded(9)), autograder_sha256=NEW)
    record_run(engine, submitted("ada", minutes=1), better, GradePolicy())
    assert grades_by_other_zips(engine, [(LAB01, NEW)]) == {LAB01: 1}


def test_a_catalogue_of_thousands_of_assignments_is_no_matter(engine: Engine) -> None:
    present = [(AssignmentKey("c", "1", f"lab{number}"), ZIP) for number in range(5000)]
    assert grades_by_other_zips(engine, [*present, (LAB01, NEW)]) == {LAB01: 2}
