"""Pages of grades, students and submissions: what is on them, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from shared.gradebook.grade_filter import CHANGED, NOT_QUEUED, GradeFilter
from shared.gradebook.grade_pages import (
    Cut,
    Sort,
    count_students,
    count_submissions,
    matching_places,
    names_there_are,
    page_of_grades,
    page_of_students,
    page_of_submissions,
)
from shared.gradebook.grade_rows import count_grades
from shared.gradebook.transactions import writing
from shared.model import Verdict
from tests.unit.shared.gradebook_samples import fresh_gradebook, graded, record, submitted, ungraded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine


@pytest.fixture
def engine(tmp_path: Path, database_url: str | None) -> Iterator[Engine]:
    made = fresh_gradebook(tmp_path, database_url)
    record(made, submitted("Ada", assignment="lab01", minutes=2), graded(4))
    record(made, submitted("bob", assignment="lab01", minutes=1), graded(8))
    record(made, submitted("bob", assignment="lab02", minutes=3), graded(2))
    record(made, submitted("bob", assignment="lab02", minutes=4), graded(1))
    record(made, submitted("cy", assignment="lab02", minutes=5), ungraded(Verdict.TIMED_OUT))
    yield made
    made.dispose()


@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("descending", [True, False])
def test_pages_together_are_everything_once(
    sort: Sort, engine: Engine, *, descending: bool
) -> None:
    whole = page_of_grades(engine, GradeFilter(), Cut(sort, descending))
    cuts = [Cut(sort, descending, offset=at, limit=1) for at in range(4)]
    pages = [page_of_grades(engine, GradeFilter(), cut) for cut in cuts]
    assert [one for page in pages for one in page] == list(whole)
    assert len({one.id for one in whole}) == count_grades(engine, GradeFilter()) == 3


@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("descending", [True, False])
def test_submissions_of_one_moment_are_on_one_page_each(
    sort: Sort, engine: Engine, *, descending: bool
) -> None:
    """As a batch leaves them that was handed in with one time for all."""
    for _ in range(15):
        record(engine, submitted("dee", minutes=6), graded(5))
    cuts = [Cut(sort, descending, offset=at, limit=4) for at in range(0, 20, 4)]
    pages = [page_of_submissions(engine, GradeFilter(), cut) for cut in cuts]
    whole = page_of_submissions(engine, GradeFilter(), Cut(sort, descending))
    assert [one.id for page in pages for one in page] == [one.id for one in whole]
    assert len({one.id for one in whole}) == 20


def test_grades_are_sorted_by_what_is_asked(engine: Engine) -> None:
    by_score = page_of_grades(engine, GradeFilter(), Cut(Sort.SCORE, descending=True))
    assert [one.score.points for one in by_score] == [8, 4, 2]
    by_time = page_of_grades(engine, GradeFilter(), Cut(Sort.RECEIVED))
    assert [one.student for one in by_time] == ["bob", "Ada", "bob"]
    assert [one.attempts for one in by_time] == [1, 1, 2]


def test_a_search_is_for_a_part_of_the_name_and_no_pattern(engine: Engine) -> None:
    assert count_grades(engine, GradeFilter(search="ADA")) == 1
    assert count_grades(engine, GradeFilter(search="%")) == 0
    assert count_grades(engine, GradeFilter(search="_")) == 0


def test_grades_are_found_by_how_far_they_got_to_the_lms(engine: Engine) -> None:
    assert count_grades(engine, GradeFilter(passbacks=("queued",))) == 3
    assert count_grades(engine, GradeFilter(passbacks=(NOT_QUEUED,))) == 0
    with writing(engine, "mark") as connection:
        connection.execute(
            text("UPDATE passbacks SET state = 'sent', sent_at = queued_at WHERE student = 'Ada'")
        )
    assert count_grades(engine, GradeFilter(passbacks=("sent",))) == 1
    record(engine, submitted("Ada", assignment="lab01", minutes=9), graded(10))
    assert count_grades(engine, GradeFilter(passbacks=(CHANGED,))) == 1
    (ada,) = page_of_grades(engine, GradeFilter(search="ada"), Cut())
    assert (ada.passback, ada.has_changed) == ("queued", True)


def test_students_have_the_grades_that_are_wanted(engine: Engine) -> None:
    wanted = GradeFilter(assignments=("lab01",))
    best_first = page_of_students(engine, wanted, Cut(Sort.PERCENT, descending=True))
    assert [one.student for one in best_first] == ["bob", "Ada"]
    assert [[one.points for one in row.grades.values()] for row in best_first] == [[8], [4]]
    assert count_students(engine, wanted) == 2


def test_submissions_are_there_that_made_no_grade(engine: Engine) -> None:
    rows = page_of_submissions(engine, GradeFilter(), Cut(Sort.RECEIVED, descending=True))
    assert [one.verdict for one in rows][:2] == [Verdict.TIMED_OUT, Verdict.GRADED]
    assert [one.is_of_record for one in rows] == [False, False, True, True, True]
    assert count_submissions(engine, GradeFilter()) == 5
    for wanted, number in (
        (GradeFilter(verdicts=(Verdict.TIMED_OUT,)), 1),
        (GradeFilter(verdicts=(Verdict.GRADED,)), 4),
        (GradeFilter(percent_to=20), 2),
        (GradeFilter(students=("bob",)), 3),
    ):
        assert count_submissions(engine, wanted) == number
        assert len(page_of_submissions(engine, wanted, Cut(Sort.RECEIVED))) == number


def test_places_and_names_are_all_there_are(engine: Engine) -> None:
    found = matching_places(engine, GradeFilter(), most=2)
    assert [(student, key.assignment) for student, key in found] == [
        ("Ada", "lab01"),
        ("bob", "lab01"),
    ]
    names = names_there_are(engine)
    assert names.assignments == ("lab01", "lab02")
    assert (names.courses, names.sections) == (("demo101",), ("fa26",))
