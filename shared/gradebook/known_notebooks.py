"""What a batch asks: whether a notebook was recorded before, and how many submissions ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from shared.gradebook import tables
from shared.gradebook.transactions import reading
from shared.model import SubmissionId, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

    from shared.model import AssignmentKey, Sha256

_DOING: Final = "be read"
_AT_ONCE: Final = 500
"""Ids in one statement; SQLite takes a limited number of parameters."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How the run that counts for a submission ended.

    Attributes:
        score: in points; None exactly where the verdict has none, and so `points_possible`.
    """

    verdict: Verdict
    score: float | None
    points_possible: float | None


def submission_of_notebook(
    engine: Engine, student: str, key: AssignmentKey, sha256: Sha256
) -> SubmissionId | None:
    """Return the earliest recorded submission of these bytes by this student; None without one.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    submissions = tables.submissions.c
    statement = (
        select(submissions.id)
        .where(
            submissions.student == student,
            submissions.course == key.course,
            submissions.section == key.section,
            submissions.assignment == key.assignment,
            submissions.sha256 == sha256,
        )
        .order_by(submissions.id)
        .limit(1)
    )
    with reading(engine, _DOING) as connection:
        found = connection.scalar(statement)
    return None if found is None else SubmissionId(found)


def endings(engine: Engine, ids: Sequence[SubmissionId]) -> dict[SubmissionId, Ending]:
    """Return how these submissions ended, those left out that have no run yet.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    counted, runs = tables.counted_runs.c, tables.grading_runs
    found: dict[SubmissionId, Ending] = {}
    for start in range(0, len(ids), _AT_ONCE):
        statement = (
            select(counted.submission_id, runs.c.verdict, runs.c.score, runs.c.points_possible)
            .join_from(tables.counted_runs, runs, counted.run_id == runs.c.id)
            .where(counted.submission_id.in_(ids[start : start + _AT_ONCE]))
        )
        with reading(engine, _DOING) as connection:
            for submission_id, verdict, score, possible in connection.execute(statement):
                found[SubmissionId(submission_id)] = Ending(Verdict(verdict), score, possible)
    return found
