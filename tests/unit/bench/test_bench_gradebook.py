"""The gradebook that exports are measured on is one that the code reads as any other."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from shared.gradebook.engine import open_reader
from shared.gradebook.grade_filter import GradeFilter
from shared.gradebook.grade_rows import classic_chunks, grade_chunks, question_chunks
from shared.gradebook.queries import counts
from tests.bench.generated_gradebook import generate

if TYPE_CHECKING:
    from pathlib import Path


def test_every_student_has_a_grade_for_everything(tmp_path: Path) -> None:
    generate(tmp_path, students=7, assignments=3)
    reader = open_reader(tmp_path)
    assert reader is not None
    rows = list(chain.from_iterable(grade_chunks(reader, GradeFilter())))
    assert len({(row["assignment"], row["student"]) for row in rows}) == len(rows) == 21
    assert all(0 <= row["score"] <= row["points_possible"] for row in rows)
    assert len(list(chain.from_iterable(classic_chunks(reader, GradeFilter())))) == 21
    ((_, questions),) = question_chunks(reader, GradeFilter())
    assert len(questions) == 21
    assert (counts(reader).submissions, counts(reader).students) == (21, 7)
    reader.dispose()
