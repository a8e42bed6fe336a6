"""The page Submission: the student's attempts, this one's runs, and the story of the grade."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from gofer_console.submission_story import Standing
from gofer_console.terminal import plain, short_id
from gofer_console.views import chips, moments, scores
from gofer_console.views.chips import Chip
from gofer_console.views.tabs import tabs
from shared.gradebook.grades import Origin
from shared.model import FLAG_SUSPICIOUS_SOURCE, FLAG_TAMPERED, RunReason

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from gofer_console.submission_story import Attempt, Story
    from gofer_console.views.desk import Desk
    from shared.gradebook.grade_history import PastGrade
    from shared.gradebook.policy import Autograde
    from shared.gradebook.queries import RecordedRun

STANDINGS: Final[dict[Standing, Chip]] = {
    Standing.OF_RECORD: Chip("Makes the grade", "green"),
    Standing.BENEATH: Chip("Beneath an override", "blue"),
    Standing.COUNTS: Chip("Not the grade", "gray"),
    Standing.NO_SCORE: Chip("No score", "gray"),
    Standing.HELD: Chip("Held for staff", "orange"),
    Standing.TOO_MANY: Chip("Beyond the attempts", "gray"),
    Standing.CUT_OFF: Chip("After the cut-off", "gray"),
    Standing.UNKNOWN: Chip("Not in the catalogue", "gray"),
    Standing.NOT_GRADED: Chip("Not graded", "gray"),
}
_FLAGS: Final[dict[str, Chip]] = {
    FLAG_TAMPERED: Chip("Tampered", "red"),
    FLAG_SUSPICIOUS_SOURCE: Chip("Suspicious source", "orange"),
    "cell_timeout": Chip("A cell timed out", "orange"),
    "kernel_died": Chip("Kernel died", "orange"),
    "out_of_memory": Chip("Out of memory", "orange"),
    "questions_missing": Chip("Questions missing", "orange"),
    "questions_unknown": Chip("Unknown questions", "orange"),
    "points_differ": Chip("Points differ", "orange"),
    "implausible_score": Chip("Implausible score", "orange"),
    "too_much_output": Chip("Too much output", "orange"),
    "output_truncated": Chip("Output cut", "gray"),
}
_ANOTHER_FLAG: Final = Chip("Another flag", "gray")
_PERCENT: Final = 100


def show(here: Desk, story: Story) -> None:
    """Show it, a tab for each; nothing of a submission of which nothing is recorded."""
    if story.history is None:
        return
    zone = here.zone(story.key)
    grades = story.history.grades
    extensions = story.history.extensions
    attempts, runs, history, due = tabs(
        [
            f"Attempts ({len(story.attempts)})",
            f"Runs ({len(story.runs)})",
            f"Grade history ({len(grades)})",
            f"Extensions ({len(extensions)})",
        ]
    )
    with attempts:
        _attempts(story, zone)
    with runs:
        _table(
            [_run_row(run, story, zone) for run in story.runs],
            {"Ended": chips.chip_column(chips.VERDICTS.values(), "Ended")},
            "Runs of this submission, the newest first",
            "It has not been graded yet.",
        )
    with history:
        _table(
            [_grade_row(one, zone) for one in reversed(grades)],
            {},
            "Grades of this student at the assignment, the newest first",
            "No grade yet: nothing that was handed in counts.",
        )
    with due:
        _table(
            [
                {
                    "Due": moments.moment(one.until, zone),
                    "Given": moments.moment(one.made_at, zone),
                    "By": plain(one.made_by),
                    "Why": plain(one.reason),
                }
                for one in reversed(extensions)
            ],
            {},
            "Extensions of this student at the assignment, the newest first",
            "No extension: the assignment's own due date holds.",
        )


def flag(word: str) -> Chip:
    """Return a flag as a chip; one that is not known here is named among the runs alone."""
    return _FLAGS.get(word, _ANOTHER_FLAG)


def late(worth: Autograde) -> str:
    """Return how late an attempt is and what that costs, in a few words."""
    span = moments.span(timedelta(seconds=worth.late_s or 0.0))
    return f"{span} late, −{_PERCENT * worth.penalty:g} %" if worth.penalty else f"{span} late"  # noqa: RUF001 - a minus


def _attempts(story: Story, zone: ZoneInfo) -> None:
    # Selections go by position: another list, or another page, is another table.
    key = f"attempts_{hash(tuple(one.id for one in story.attempts))}_{story.id}"
    columns: dict[str, Any] = {
        "Attempt": st.column_config.NumberColumn(format="%d", width="small"),
        "Ended": chips.chip_column(chips.VERDICTS.values(), "Ended"),
        "Standing": chips.chip_column(STANDINGS.values(), "Standing"),
    }
    table = st.dataframe(
        [_attempt_row(one, story, zone) for one in story.attempts],
        hide_index=True,
        column_config=columns,
        on_select="rerun",
        selection_mode="single-row",
        key=key,
        alt="Attempts of this student at the assignment, the newest first",
    )
    st.caption("Select an attempt to open it.")
    rows = table.selection.rows
    if rows and rows[0] < len(story.attempts) and story.attempts[rows[0]].id != story.id:
        st.query_params["id"] = story.attempts[rows[0]].id
        st.rerun()


def _attempt_row(attempt: Attempt, story: Story, zone: ZoneInfo) -> dict[str, Any]:
    worth = attempt.worth
    return {
        "Attempt": attempt.number,
        "Shown": "This one" if attempt.id == story.id else "",
        "Received": moments.moment(attempt.received_at, zone),
        "Ended": [chips.VERDICTS[attempt.verdict].label] if attempt.verdict else [],
        "Points": scores.points(attempt.score),
        "Late": late(worth) if worth is not None and worth.late_s else scores.NONE,
        "Worth": scores.NONE if worth is None else scores.points(worth.score),
        "Standing": [STANDINGS[attempt.standing].label],
    }


def _run_row(run: RecordedRun, story: Story, zone: ZoneInfo) -> dict[str, Any]:
    regrade = story.regrades.get(run.regrade_id or "")
    is_counted = story.counted is not None and run.run_id == story.counted.run_id
    return {
        "Counts": "Yes" if is_counted else "Not applied" if run.applied_at is None else "No longer",
        "Started": moments.moment(run.started_at, zone),
        "Ended": [chips.VERDICTS[run.verdict].label],
        "Points": scores.NONE if run.score is None else f"{run.score:g} of {run.points_possible:g}",
        "Why": _why(run, None if regrade is None else regrade.reason),
        "By": plain(regrade.requested_by if regrade is not None else story.requested_by),
        "Took": f"{run.wall_s:.1f} s",
        "Memory": scores.NONE
        if run.peak_memory_bytes is None
        else f"{run.peak_memory_bytes / 1e6:,.0f} MB",
        "Zip": (run.autograder_sha256 or scores.NONE)[:12],
        "Image": plain(run.image_id or scores.NONE).removeprefix("sha256:")[:24],
        "Sandbox": plain(run.sandbox),
        "Otter": plain(run.otter_version) or scores.NONE,
        "Tries": run.tries,
        "Flags": plain(" ".join(run.flags)),
    }


def _why(run: RecordedRun, reason: str | None) -> str:
    if run.reason is RunReason.INITIAL:
        return "Handed in"
    return f"Regrade: {plain(reason)}" if reason else "Regrade"


def _grade_row(grade: PastGrade, zone: ZoneInfo) -> dict[str, Any]:
    is_override = grade.origin is Origin.OVERRIDE
    return {
        "Grade": scores.points(grade.score),
        "Since": moments.moment(grade.made_at, zone),
        "Until": moments.moment(grade.superseded_at, zone) if grade.superseded_at else "Now",
        "Made by": plain(grade.made_by) if is_override else "A run",
        "Why": plain(grade.reason),
        "Comment to the student": plain(grade.comment),
        "Earned": scores.points(grade.earned),
        "Late": _cost(grade),
        "Due": moments.clock(grade.due_at, zone) if grade.due_at else scores.NONE,
        "Submission": short_id(grade.submission_id) if grade.submission_id else scores.NONE,
    }


def _cost(grade: PastGrade) -> str:
    if not grade.late_s:
        return scores.NONE
    span = moments.span(timedelta(seconds=grade.late_s))
    return f"{span}, −{_PERCENT * grade.penalty:g} %"  # noqa: RUF001 - a minus


def _table(rows: list[dict[str, Any]], columns: dict[str, Any], alt: str, nothing: str) -> None:
    if rows:
        st.dataframe(rows, hide_index=True, column_config=columns, alt=alt)
    else:
        st.caption(nothing)
