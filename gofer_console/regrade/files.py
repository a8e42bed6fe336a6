"""What a regrade would do, for programs: as JSON, and as CSV with a row for each student."""

from __future__ import annotations

import csv
import json
from typing import IO, TYPE_CHECKING, Any, Final

from gofer_console.exports.cells import neutralised
from gofer_console.regrade.pages import question_move

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.gradebook.regrades.comparison import Autograde, Change
    from shared.gradebook.regrades.preview import KeptRun, Preview
    from shared.gradebook.regrades.progress import Regrade
    from shared.model import QuestionScore

CSV_COLUMNS: Final = (
    "student",
    "effect",
    "before",
    "before_possible",
    "after",
    "after_possible",
    "change",
    "change_percent",
    "questions",
)
_PERCENT_DIGITS: Final = 2


def regrade_row(regrade: Regrade, seconds_left: float | None = None) -> dict[str, Any]:
    """Return a regrade as an object of JSON."""
    return {
        "id": regrade.id,
        "course": regrade.key.course,
        "section": regrade.key.section,
        "assignment": regrade.key.assignment,
        "state": regrade.state,
        "submissions": regrade.submissions,
        "regraded": regrade.regraded,
        "given_up": regrade.given_up,
        "left": regrade.left,
        "seconds_left": None if seconds_left is None else round(seconds_left),
        "autograder_sha256": regrade.autograder_sha256,
        "started_at": regrade.started_at.isoformat(),
        "ended_at": None if regrade.ended_at is None else regrade.ended_at.isoformat(),
        "requested_by": regrade.requested_by,
        "reason": regrade.reason,
    }


def preview_json(preview: Preview) -> str:
    """Return all of a preview as JSON."""
    found = {
        **regrade_row(preview.regrade),
        "fingerprint": preview.fingerprint,
        "students": [
            {
                **_change(change),
                "questions": [
                    {
                        "question": move.question,
                        "before": _score(move.before),
                        "after": _score(move.after),
                    }
                    for move in change.questions
                ],
            }
            for change in preview.changes
        ],
        "not_regraded": _kept(preview.not_regraded),
        "without_score": _kept(preview.without_score),
        "held": _kept(preview.held),
    }
    return json.dumps(found, indent=2)


def write_csv(file: IO[str], preview: Preview) -> None:
    """Write a row for each student, the biggest moves first.

    Args:
        file: text, opened with `newline=""`.
        preview: of which regrade.
    """
    writer = csv.DictWriter(file, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for change in preview.changes:
        moves = "; ".join(map(question_move, change.questions))
        row = {**_change(change), "questions": neutralised(moves)}
        writer.writerow({**row, "student": neutralised(change.student)})


def _change(change: Change) -> dict[str, Any]:
    return {
        "student": change.student,
        "effect": change.effect.value,
        **_grade("before", change.before),
        **_grade("after", change.after),
        "change": change.points,
        "change_percent": round(100 * change.fraction, _PERCENT_DIGITS),
    }


def _grade(name: str, grade: Autograde | None) -> dict[str, Any]:
    return {
        name: None if grade is None else grade.score.points,
        f"{name}_possible": None if grade is None else grade.score.possible,
    }


def _score(score: QuestionScore | None) -> dict[str, float] | None:
    return None if score is None else {"score": score.score, "possible": score.points_possible}


def _kept(runs: Iterable[KeptRun]) -> list[dict[str, str]]:
    return [
        {"submission_id": run.submission_id, "student": run.student, "why": run.why} for run in runs
    ]
