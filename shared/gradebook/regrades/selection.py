"""Which submissions a regrade takes. Pure: the same candidates, the same choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.requests import Choice

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from shared.model import Score, Sha256, SubmissionId
    from shared.requests import RegradeStartPayload


@dataclass(frozen=True, slots=True)
class Candidate:
    """A submission whose notebook is kept, and the run that counts for it.

    Attributes:
        received_at: when the submission was received, aware.
        score: None where its counted run ended without one.
        is_held: whether that run counts only once staff have accepted it.
        autograder_sha256: of the zip that graded it.
        full_questions: those that earned all their points.
    """

    submission_id: SubmissionId
    student: str
    received_at: datetime
    score: Score | None
    is_held: bool
    autograder_sha256: Sha256 | None
    full_questions: frozenset[str] = frozenset()


def selected(
    candidates: Iterable[Candidate], request: RegradeStartPayload, present_zip: Sha256
) -> tuple[Candidate, ...]:
    """Return what a request takes, by when it was received.

    Args:
        candidates: every submission of the assignment that has a run and a notebook.
        request: its choice is made among all of a student's submissions, then its filters narrow.
        present_zip: what would grade them now.
    """
    in_order = sorted(candidates, key=lambda one: (one.received_at, one.submission_id))
    return tuple(
        one
        for one in _chosen(in_order, request.choice)
        if (not request.students or one.student in request.students)
        and (not request.questions or not one.full_questions.issuperset(request.questions))
        and (not request.old_zip or one.autograder_sha256 != present_zip)
    )


def _chosen(in_order: list[Candidate], choice: Choice) -> list[Candidate]:
    match choice:
        case Choice.ALL:
            return in_order
        case Choice.FAILED:
            return [one for one in in_order if one.score is None]
        case Choice.LATEST:
            latest = {one.student: one.submission_id for one in in_order}
            return [one for one in in_order if latest[one.student] == one.submission_id]
        case Choice.BEST:
            best: dict[str, tuple[float, SubmissionId]] = {}
            for one in in_order:
                if one.score is None or one.is_held:
                    continue
                if one.student not in best or one.score.fraction > best[one.student][0]:
                    best[one.student] = (one.score.fraction, one.submission_id)
            chosen = {submission_id for _, submission_id in best.values()}
            return [one for one in in_order if one.submission_id in chosen]
