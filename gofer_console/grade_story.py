"""How a student's grade for an assignment came about, told to staff; by `gofer show`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table

from gofer_console import terminal
from gofer_console.queries import opened_gradebook
from shared.errors import GoferError
from shared.gradebook.grade_history import grade_history

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from shared.config import ConsoleSettings
    from shared.gradebook.grade_history import GradeHistory, PastGrade
    from shared.model import AssignmentKey, Score

_HOUR_S: Final = 3600


def show_grade(
    settings: ConsoleSettings, key: AssignmentKey, student: str, *, as_json: bool
) -> None:
    """Show a student's grade for an assignment, whatever it was made of.

    Raises:
        GoferError: nothing of it is on record, or the gradebook cannot be read.
    """
    with opened_gradebook(settings.volume_path, settings.database_url) as engine:
        history = None if engine is None else grade_history(engine, student, key)
    if history is None or not (history.grades or history.extensions or history.runs):
        raise GoferError(f"{student!a} has no grade for {key}, and handed in nothing graded.")
    if as_json:
        whose = {
            "student": student,
            "course": key.course,
            "section": key.section,
            "assignment": key.assignment,
            "submissions": [run.submission_id for run in _in_order(history)],
        }
        told = whose | story_json(history)
        sys.stdout.write(f"{json.dumps(told, indent=2, default=str)}\n")
        return
    out = terminal.out()
    out.print(f"{terminal.plain(student)}, {terminal.plain(str(key))}", style="bold")
    submitted = ", ".join(terminal.short_id(run.submission_id) for run in _in_order(history))
    out.print(f"Submissions with a run: {submitted or 'none'}.", soft_wrap=True)
    print_story(history)


def print_story(history: GradeHistory) -> None:
    """Print the grades that were of record, and the due dates that staff gave."""
    out = terminal.out()
    out.print(_grades_table(history.grades))
    for extension in history.extensions:
        out.print(
            f"Due {moment_text(extension.until)} since {moment_text(extension.made_at)}, by "
            f"{terminal.plain(extension.made_by)}: {terminal.plain(extension.reason)}",
            soft_wrap=True,
        )


def story_json(history: GradeHistory) -> dict[str, Any]:
    """Return the same for programs."""
    return {
        "grades": [asdict(grade) for grade in history.grades],
        "extensions": [asdict(extension) for extension in history.extensions],
    }


def _in_order(history: GradeHistory) -> list[Any]:
    return sorted(history.runs, key=lambda run: (run.received_at, run.submission_id))


def _grades_table(grades: Iterable[PastGrade]) -> Table:
    table = plain_table("since", "until", "score", "made by", "earned", "late", "comment")
    for grade in grades:
        by = terminal.plain(grade.made_by) or (
            terminal.short_id(grade.submission_id) if grade.submission_id else "?"
        )
        table.add_row(
            moment_text(grade.made_at),
            moment_text(grade.superseded_at) if grade.superseded_at else "now",
            _points(grade.score),
            by,
            _points(grade.earned),
            _late(grade),
            terminal.plain(grade.comment),
        )
    return table


def plain_table(*names: str) -> Table:
    """Return a table without lines, of columns of these names."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in names:
        table.add_column(name, overflow="fold")
    return table


def _late(grade: PastGrade) -> str:
    if not grade.late_s:
        return ""
    return f"{grade.late_s / _HOUR_S:.1f} h, -{100 * grade.penalty:g} %"


def _points(score: Score | None) -> str:
    return "-" if score is None else f"{score.points:.2f} of {score.possible:g}"


def moment_text(at: datetime) -> str:
    """Return a moment as staff read it, UTC."""
    return at.strftime("%Y-%m-%d %H:%M UTC")
