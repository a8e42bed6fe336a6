"""Assignments: the catalogue as the grader sees it, and how each of its assignments goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from gofer_console.assignment_list import Listed, Readiness, listed
from gofer_console.request_words import rule_words
from gofer_console.views import assignment_detail, chips, moments, places, requesting, states
from gofer_console.views.assignment_choice import choose_assignment
from gofer_console.views.desk import desk
from gofer_console.views.scores import NONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gofer_console.views.desk import Desk

READINESS: Final[dict[Readiness, chips.Chip]] = {
    Readiness.READY: chips.Chip("Ready", "green"),
    Readiness.UNSEEN: chips.Chip("Not looked at yet", "gray"),
    Readiness.BLOCKED: chips.Chip("Blocked", "red"),
    Readiness.NO_ZIP: chips.Chip("No zip", "red"),
}
_KEY: Final = "name"
"""Of the parameter. With that of other pages, Streamlit would take theirs out of links to them."""


def show() -> None:
    """Show the page."""
    here = desk()
    st.title(places.title_of("assignments"))
    states.grader_banner(here)
    requesting.answers(here)
    if not len(here.catalogue):
        states.empty(
            "No assignments yet",
            "They come from the course config, or from the autograders' folder.",
            icon=":material/assignment:",
        )
        return
    key = choose_assignment(here, key=_KEY)
    snapshot = here.snapshot if here.is_grader_at_work else None
    found = listed(here.catalogue, here.gradebook, snapshot)
    if key is None:
        _show_list(here, found)
    else:
        (one,) = (one for one in found if one.assignment.key == key)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "All assignments",
                icon=":material/arrow_back:",
                type="tertiary",
                on_click=_open,
                args=(None,),
                key="back",
            )
            chips.chip(READINESS[one.readiness])
        assignment_detail.show(here, one)


def _show_list(here: Desk, found: Sequence[Listed]) -> None:
    troubled = [one for one in found if one.problems]
    if troubled:
        number = len(troubled)
        what = "1 assignment has" if number == 1 else f"{number} assignments have"
        st.warning(
            f"{what} a problem that is yours to mend. Submissions are taken meanwhile, and wait.",
            icon=":material/warning:",
        )
        st.text(
            "\n".join(f"{one.assignment.key}: {text}" for one in troubled for text in one.problems)
        )
    names = [str(one.assignment.key) for one in found]

    def opened() -> None:
        rows = st.session_state["assignment_table"].selection.rows
        if rows:
            _open(names[rows[0]])

    st.dataframe(
        [_row(here, one) for one in found],
        hide_index=True,
        column_config=_COLUMNS,
        on_select=opened,
        selection_mode="single-row",
        key="assignment_table",
        placeholder=NONE,
        alt="Assignments of the catalogue",
    )
    st.caption("Select an assignment to see how it goes.")


def _open(name: str | None) -> None:
    if name is None:
        st.session_state.pop(_KEY, None)
        st.query_params.pop(_KEY, None)
    else:
        st.session_state[_KEY] = name


def _row(here: Desk, one: Listed) -> dict[str, Any]:
    assignment, counts = one.assignment, one.counts
    due_at = assignment.policy.due_at
    return {
        "State": [READINESS[one.readiness].label],
        "Assignment": str(assignment.key),
        "Due": moments.moment(due_at, here.zone(assignment.key)) if due_at else NONE,
        "Results are shown": rule_words(one.publish),
        "Students": counts.students,
        "Submissions": counts.submissions,
        "Grades": counts.grades,
        "Mean": None if counts.mean_fraction is None else 100 * counts.mean_fraction,
        "By another zip": one.by_other_zips,
    }


_COLUMNS: dict[str, Any] = {
    "State": chips.chip_column(READINESS.values()),
    "Assignment": st.column_config.TextColumn(width=125),
    "Due": st.column_config.TextColumn(width=155),
    "Results are shown": st.column_config.TextColumn(width=110),
    "Students": st.column_config.NumberColumn(format="localized", width=62),
    "Submissions": st.column_config.NumberColumn(format="localized", width=82),
    "Grades": st.column_config.NumberColumn(format="localized", width=58),
    "Mean": st.column_config.NumberColumn(format="%.0f %%", width=52),
    "By another zip": st.column_config.NumberColumn(
        format="localized",
        width=95,
        help="Grades that another autograder zip made than the one that is there now.",
    ),
}


if __name__ == "__main__":
    show()
