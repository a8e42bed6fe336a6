"""How many grades of record another autograder zip made than the one that is there now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from shared.gradebook import tables
from shared.gradebook.grade_filter import by_another_zip
from shared.gradebook.transactions import reading
from shared.model import AssignmentKey

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Engine

    from shared.model import Sha256


def grades_by_other_zips(
    engine: Engine, present: Collection[tuple[AssignmentKey, Sha256]]
) -> dict[AssignmentKey, int]:
    """Count them for each assignment that has any, in the order of their keys.

    Args:
        engine: of the gradebook.
        present: assignments, each with its zip of now.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    grades, runs = tables.grades.c, tables.grading_runs.c
    place = (grades.course, grades.section, grades.assignment)
    statement = (
        select(*place, func.count())
        .join_from(tables.grades, tables.grading_runs, runs.id == grades.run_id)
        .where(grades.superseded_at.is_(None), by_another_zip(present, place))
        .group_by(*place)
    )
    with reading(engine, "be read") as connection:
        rows = connection.execute(statement).all()
    return dict(sorted((AssignmentKey(*names), number) for *names, number in rows))
