"""The tables of the grades page: a page of rows each, with what is chosen in it.

Names of students stand in cells, which show text as it is.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import streamlit as st

from gofer_console.views.chips import HELD, PASSBACKS, VERDICTS, Chip, chip_column

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from shared.gradebook.grade_pages import ShownGrade, ShownStudent, ShownSubmission

OPEN: Final = "open_row"
"""Where Streamlit says which row's button was clicked."""
ROW_PX: Final = 35
COLUMNS: Final[dict[str, str]] = {
    "section": "Section",
    "score": "Score",
    "possible": "Of",
    "percent": "Percent",
    "received": "Received",
    "late": "Late",
    "attempts": "Attempts",
    "flags": "Flags",
    "passback": "Passback",
    "made_by": "Made by",
    "course": "Course",
    "graded": "Graded",
    "zip": "Zip",
}
SHOWN_FIRST: Final = (
    *("section", "score", "possible", "percent", "received", "late", "attempts", "flags"),
    "passback",
)
_OVERRIDE: Final = Chip("By staff", "blue")
_CHANGED: Final = Chip("Changed since posted", "orange")
_OF_RECORD: Final = Chip("Grade of record", "blue")
_HOUR_S: Final = 3600


def grades(rows: Sequence[ShownGrade], columns: Sequence[str], zone: ZoneInfo) -> list[int]:
    """Show grades; return the places of the rows that are chosen."""
    frame = pd.DataFrame(
        {
            "open": "Open",
            "student": [row.student for row in rows],
            "assignment": [row.key.assignment for row in rows],
            "course": [row.key.course for row in rows],
            "section": [row.key.section for row in rows],
            "score": [row.score.points for row in rows],
            "possible": [row.score.possible for row in rows],
            "percent": [_percent(row.score.points, row.score.possible) for row in rows],
            "received": _moments([row.received_at for row in rows], zone),
            "late": [_late(row.late_s) for row in rows],
            "attempts": [row.attempts for row in rows],
            "flags": [", ".join(row.flags) for row in rows],
            "passback": [_passback(row) for row in rows],
            "made_by": [["By staff"] if row.is_override else [] for row in rows],
            "graded": _moments([row.made_at for row in rows], zone),
            "zip": [row.zip for row in rows],
        }
    )
    return _table(
        frame,
        key=f"grades_{_digest([row.id for row in rows])}",
        order=["open", "student", "assignment", *columns],
        config={
            "open": _open_column(),
            "student": st.column_config.TextColumn("Student", pinned=True),
            "assignment": "Assignment",
            "course": "Course",
            "section": "Section",
            **_score_columns(),
            "received": _moment_column("Received"),
            "late": "Late",
            "attempts": st.column_config.NumberColumn("Attempts"),
            "flags": "Flags",
            "passback": chip_column([*PASSBACKS.values(), _CHANGED], "Passback"),
            "made_by": chip_column([_OVERRIDE], "Made by"),
            "graded": _moment_column("Graded"),
            "zip": st.column_config.TextColumn("Zip", help="Of the autograder that graded it"),
        },
        alt="Grades of record, a row for each student and assignment",
    )


def students(rows: Sequence[ShownStudent]) -> list[int]:
    """Show students with a column for each assignment; return the places of those chosen."""
    keys = sorted({key for row in rows for key in row.grades})
    names = [key.assignment for key in keys]
    titles = [
        key.assignment if names.count(key.assignment) == 1 else f"{key.section} {key.assignment}"
        for key in keys
    ]
    data: dict[str, Any] = {"student": [row.student for row in rows]}
    data["mean"] = [
        sum(_percent(one.points, one.possible) for one in row.grades.values())
        / max(len(row.grades), 1)
        for row in rows
    ]
    config: dict[str, Any] = {
        "student": st.column_config.TextColumn("Student", pinned=True),
        "mean": st.column_config.NumberColumn("Mean", format="%.1f %%", pinned=True),
    }
    for at, key in enumerate(keys):
        found = [row.grades.get(key) for row in rows]
        data[f"a{at}"] = [None if one is None else one.points for one in found]
        possible = max((one.possible for one in found if one is not None), default=0.0)
        config[f"a{at}"] = st.column_config.NumberColumn(
            titles[at], format="%.2f", help=f"Out of {possible:g}", width=90
        )
    return _table(
        pd.DataFrame(data),
        key=f"students_{_digest([row.student for row in rows])}",
        order=list(data),
        config=config,
        alt="A row for each student, a column for each assignment",
    )


def submissions(rows: Sequence[ShownSubmission], zone: ZoneInfo) -> None:
    """Show submissions."""
    frame = pd.DataFrame(
        {
            "open": "Open",
            "student": [row.student for row in rows],
            "assignment": [row.key.assignment for row in rows],
            "section": [row.key.section for row in rows],
            "received": _moments([row.received_at for row in rows], zone),
            "state": [_states(row) for row in rows],
            "score": [None if row.score is None else row.score.points for row in rows],
            "possible": [None if row.score is None else row.score.possible for row in rows],
            "percent": [
                None if row.score is None else _percent(row.score.points, row.score.possible)
                for row in rows
            ],
            "flags": [", ".join(row.flags) for row in rows],
            "source": [row.source for row in rows],
        }
    )
    config: dict[str, Any] = {
        "open": _open_column(),
        "student": st.column_config.TextColumn("Student", pinned=True),
        "assignment": "Assignment",
        "section": "Section",
        "received": _moment_column("Received"),
        "state": chip_column([*VERDICTS.values(), HELD, _OF_RECORD], "State"),
        **_score_columns(),
        "flags": "Flags",
        "source": "Came by",
    }
    st.dataframe(
        frame,
        key=f"submissions_{_digest([row.id for row in rows])}",
        hide_index=True,
        height=_height(frame),
        row_height=ROW_PX,
        placeholder="",
        column_config=config,
        alt="Submissions, whether they made a grade or not",
    )


def _table(
    frame: pd.DataFrame, *, key: str, order: list[str], config: dict[str, Any], alt: str
) -> list[int]:
    chosen = st.dataframe(
        frame,
        key=key,
        hide_index=True,
        column_order=order,
        column_config=config,
        on_select="rerun",
        selection_mode="multi-row",
        height=_height(frame),
        row_height=ROW_PX,
        placeholder="",
        alt=alt,
    )
    rows = chosen["selection"]["rows"]
    return [row for row in rows if 0 <= row < len(frame)]


def _height(frame: pd.DataFrame) -> int:
    return min(max(len(frame) + 1, 3), 13) * ROW_PX + 3


def _score_columns() -> dict[str, Any]:
    return {
        "score": st.column_config.NumberColumn("Score", format="%.2f"),
        "possible": st.column_config.NumberColumn("Of", format="%g"),
        "percent": st.column_config.ProgressColumn(
            "Percent", format="%.1f %%", min_value=0, max_value=100
        ),
    }


def _open_column() -> Any:
    return st.column_config.ButtonColumn("", type="tertiary", key=OPEN, width=70, pinned=True)


def _moment_column(label: str) -> Any:
    return st.column_config.DatetimeColumn(label, format="D MMM YYYY, HH:mm")


def _moments(values: Sequence[Any], zone: ZoneInfo) -> pd.Series[Any]:
    # In the course's zone, and without it: a browser would turn them into its own.
    local = [None if at is None else at.astimezone(zone).replace(tzinfo=None) for at in values]
    return pd.Series(local, dtype="datetime64[us]")


def _digest(ids: Sequence[object]) -> str:
    """A selection is one of rows by their places: with other rows the table has to be another."""
    return hashlib.sha256(repr(ids).encode()).hexdigest()[:16]


def _percent(points: float, possible: float) -> float:
    return 100 * points / possible if possible > 0 else 0.0


def _late(late_s: float | None) -> str:
    if not late_s:
        return ""
    hours = late_s / _HOUR_S
    return f"{hours / 24:.1f} d" if hours >= 24 else f"{hours:.1f} h"  # noqa: PLR2004


def _passback(row: ShownGrade) -> list[str]:
    chips = [PASSBACKS[row.passback].label] if row.passback in PASSBACKS else []
    return [*chips, _CHANGED.label] if row.has_changed else chips


def _states(row: ShownSubmission) -> list[str]:
    chips = [] if row.verdict is None else [VERDICTS[row.verdict].label]
    if row.is_held:
        chips.append(HELD.label)
    if row.is_of_record:
        chips.append(_OF_RECORD.label)
    return chips
