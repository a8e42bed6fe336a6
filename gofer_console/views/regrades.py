"""Regrades: what runs, who would move, and applying or cancelling it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from gofer_console.regrade.pages import duration
from gofer_console.regrade.watching import time_left
from gofer_console.terminal import short_id
from gofer_console.views import (
    chips,
    moments,
    places,
    regrade_detail,
    regrade_start,
    requesting,
    states,
)
from gofer_console.views.assignment_choice import choose_assignment
from gofer_console.views.desk import desk
from shared.gradebook.regrades.progress import regrades

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

    from gofer_console.views.desk import Desk
    from shared.gradebook.regrades.progress import Regrade

_KEY: Final = "regrade"


def show() -> None:
    """Show the page."""
    here = desk()
    st.title(places.title_of("regrades"))
    states.grader_banner(here)
    requesting.answers(here)
    if here.gradebook is None:
        states.empty("No regrades yet", "There is nothing to grade again before the first grade.")
        return
    found = regrades(here.gradebook)
    asked = st.query_params.get(_KEY, "")
    chosen = next((one for one in found if asked and one.id == asked), None)
    if chosen is not None:
        st.button(
            "All regrades",
            icon=":material/arrow_back:",
            type="tertiary",
            on_click=_close,
            key="back",
        )
        regrade_detail.show(here, here.gradebook, chosen)
        return
    if asked:
        st.caption("There is no regrade of the id in the address; here are all of them.")
    _show_list(here, here.gradebook, found)


def _close() -> None:
    st.query_params.pop(_KEY, None)


def _show_list(here: Desk, gradebook: Engine, found: Sequence[Regrade]) -> None:
    key = choose_assignment(here)
    regrade_start.show(here, key)
    shown = [one for one in found if key in {None, one.key}]
    if not shown:
        states.empty(
            "No regrades yet",
            "One grades submissions again in the background, and changes no grade by itself.",
            icon=":material/autorenew:",
        )
        return

    def opened() -> None:
        rows = st.session_state["regrade_table"].selection.rows
        if rows:
            st.query_params[_KEY] = shown[rows[0]].id

    st.dataframe(
        [_row(here, gradebook, one) for one in shown],
        hide_index=True,
        column_config=_COLUMNS,
        on_select=opened,
        selection_mode="single-row",
        key="regrade_table",
        alt="Regrades, the newest first",
    )
    st.caption("Select a regrade to see who would move.")


def _row(here: Desk, gradebook: Engine, one: Regrade) -> dict[str, Any]:
    left = ""
    if one.state == "running":
        seconds = time_left(gradebook, here.volume, one)
        left = "not being graded" if seconds is None else duration(seconds)
    done = one.submissions - one.left
    return {
        "State": [chips.REGRADES[one.state].label],
        "Assignment": str(one.key),
        "Progress": done / one.submissions if one.submissions else 1.0,
        "Submissions": one.submissions,
        "Time left": left,
        "Started": moments.moment(one.started_at, here.zone(one.key)),
        "By": one.requested_by,
        "Why": one.reason,
        "Id": short_id(one.id),
    }


_COLUMNS: dict[str, Any] = {
    "State": chips.chip_column(chips.REGRADES.values()),
    "Assignment": st.column_config.TextColumn(width=145),
    "Progress": st.column_config.ProgressColumn(format="percent", width=90),
    "Submissions": st.column_config.NumberColumn(format="localized", width=85),
    "Time left": st.column_config.TextColumn(width=75),
    "Started": st.column_config.TextColumn(width=165),
    "By": st.column_config.TextColumn(width=75),
    "Why": st.column_config.TextColumn(width=130),
    "Id": st.column_config.TextColumn(width=80),
}


if __name__ == "__main__":
    show()
