"""Which of a student's runs becomes the grade of record. Pure: the same runs, the same answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.model import AttemptsPolicy, RunId, Score, SubmissionId

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class CountedRun:
    """The run that counts for one submission of a student: the latest applied.

    Attributes:
        run_id: of the run.
        submission_id: of its submission; no two counted runs share one.
        received_at: when the submission was received, aware.
        score: None where the run ended without one.
    """

    run_id: RunId
    submission_id: SubmissionId
    received_at: datetime
    score: Score | None


def grade_of_record(runs: Iterable[CountedRun], policy: AttemptsPolicy) -> CountedRun | None:
    """Choose the run that is the grade of one student for one assignment.

    Runs without a score are passed over. `best` compares fractions, since the points possible may
    change between attempts, and takes the earliest of equals; `latest` and `first` go by when the
    submission was received, never by when it was graded, so the order in which runs end changes
    nothing.

    Returns:
        One of `runs`; None where none of them has a score.
    """
    scored = [(run, run.score) for run in runs if run.score is not None]
    if not scored:
        return None
    # Of two received in the same microsecond the id decides: any rule will do that is a rule.
    in_order = sorted(scored, key=lambda pair: (pair[0].received_at, pair[0].submission_id))
    match policy:
        case AttemptsPolicy.FIRST:
            return in_order[0][0]
        case AttemptsPolicy.LATEST:
            return in_order[-1][0]
        case AttemptsPolicy.BEST:
            return max(in_order, key=lambda pair: pair[1].fraction)[0]  # the first of equals
