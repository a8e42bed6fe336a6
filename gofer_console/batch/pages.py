"""What `gofer batch` prints: what would be graded as whom, how each ended, what was not taken."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table

from gofer_console.batch.waiting import Standing, State
from gofer_console.terminal import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.batch.finding import Problem
    from shared.batch.intake import Taken
    from shared.batch.planning import Plan, Planned
    from shared.model import SubmissionId

_WORDS: Final = {
    State.SET_ASIDE: "set aside",
    State.DISCARDED: "given up",
    State.WAITING: "waiting",
}
_WAITING: Final = Standing(State.WAITING)


def plan_table(plan: Plan, present: Sequence[SubmissionId | None]) -> Table:
    """Return what would be graded as whom, and of each whether it is there already."""
    table = _table("file", "student", "assignment", "received (UTC)", "would be")
    for entry, submission_id in zip(plan.entries, present, strict=True):
        received = f"{entry.received_at:%Y-%m-%d %H:%M:%S}" if entry.received_at else "now"
        table.add_row(
            plain(entry.file),
            plain(entry.student),
            plain(str(entry.key)),
            received,
            "graded" if submission_id is None else "skipped, it is there already",
        )
    return table


def problem_table(problems: Sequence[Problem]) -> Table:
    """Return what could not be taken, and why."""
    table = _table("not taken", "reason")
    for problem in problems:
        table.add_row(plain(problem.file), plain(problem.reason))
    return table


def summary_table(taken: Sequence[Taken], standings: Mapping[SubmissionId, Standing]) -> Table:
    """Return how each notebook ended."""
    table = _table("student", "assignment")
    for name in ("score", "points"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for one in taken:
        standing = standings.get(one.id, _WAITING)
        ending = standing.ending
        has_score = ending is not None and ending.score is not None
        table.add_row(
            plain(one.entry.student),
            plain(str(one.entry.key)),
            f"{ending.score:.2f}" if ending is not None and has_score else "",
            f"{ending.points_possible:.2f}" if ending is not None and has_score else "",
            ending.verdict if ending is not None else _WORDS[standing.state],
        )
    return table


def counts_line(taken: Sequence[Taken], problems: Sequence[Problem], others: int) -> str:
    """Return how many there were of each kind, as a sentence."""
    new = sum(one.is_new for one in taken)
    parts = [
        f"{new} notebook{'s' * (new != 1)} taken",
        f"{len(taken) - new} skipped, as they were there already",
        f"{len(problems)} not taken",
    ]
    if others:
        parts.append(f"{others} other file{'s' * (others != 1)} passed over")
    return f"{', '.join(parts)}."


def plan_json(plan: Plan, present: Sequence[SubmissionId | None]) -> str:
    """Return the plan as an object."""
    notebooks = [
        {**_entry(entry), "id": submission_id, "is_duplicate": submission_id is not None}
        for entry, submission_id in zip(plan.entries, present, strict=True)
    ]
    return _json(notebooks, plan.problems, plan.others)


def summary_json(
    taken: Sequence[Taken],
    standings: Mapping[SubmissionId, Standing],
    problems: Sequence[Problem],
    others: Sequence[str],
) -> str:
    """Return how each notebook ended as an object."""
    notebooks = []
    for one in taken:
        standing = standings.get(one.id, _WAITING)
        ending = standing.ending
        notebooks.append(
            {
                **_entry(one.entry),
                "id": one.id,
                "is_duplicate": not one.is_new,
                "state": standing.state,
                "verdict": ending.verdict if ending else None,
                "score": ending.score if ending else None,
                "points_possible": ending.points_possible if ending else None,
                "reason": standing.reason or None,
            }
        )
    return _json(notebooks, problems, others)


def _json(
    notebooks: Sequence[Mapping[str, Any]], problems: Sequence[Problem], others: Sequence[str]
) -> str:
    return json.dumps(
        {
            "notebooks": notebooks,
            "problems": [{"file": one.file, "reason": one.reason} for one in problems],
            "others": others,
        },
        indent=2,
    )


def _entry(entry: Planned) -> dict[str, Any]:
    return {
        "file": entry.file,
        "student": entry.student,
        "course": entry.key.course,
        "section": entry.key.section,
        "assignment": entry.key.assignment,
        "received_at": entry.received_at.isoformat() if entry.received_at else None,
    }


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in names:
        table.add_column(name, overflow="fold")
    return table
