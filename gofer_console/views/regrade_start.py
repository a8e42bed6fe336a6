"""Starting a regrade: of which submissions, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st
from pydantic import ValidationError

from gofer_console.views import requesting
from gofer_console.views.requesting import Wish
from shared.gradebook.assignment_figures import question_rates
from shared.requests import Choice, RegradeStartPayload

if TYPE_CHECKING:
    from gofer_console.views.desk import Desk
    from shared.model import AssignmentKey

_CHOICES: Final = {
    "All submissions": Choice.ALL,
    "Each student's latest": Choice.LATEST,
    "Each student's best": Choice.BEST,
    "Those without a score": Choice.FAILED,
}


def show(here: Desk, key: AssignmentKey | None) -> None:
    """Show it, folded; without an assignment it says to choose one."""
    with st.expander("Start a regrade", icon=":material/add:"):
        if key is None:
            st.caption("Choose an assignment above first.")
            return
        first, second = st.columns(2)
        choice = first.selectbox("Which submissions", list(_CHOICES), key="choice")
        old_zip = first.checkbox("Only what another zip than the present one graded", key="old")
        questions = second.multiselect(
            "Only without full points on",
            [one.question for one in question_rates(here.gradebook, key)]
            if here.gradebook is not None
            else [],
            key="questions",
            placeholder="Any question",
        )
        names = second.text_area(
            "Only of these students", key="students", placeholder="One name a line", height=80
        )
        students = tuple(dict.fromkeys(line.strip() for line in (names or "").splitlines()))
        try:
            payload = RegradeStartPayload(
                course=key.course,
                section=key.section,
                assignment=key.assignment,
                choice=_CHOICES.get(choice or "", Choice.ALL),
                students=tuple(filter(None, students)),
                questions=tuple(questions),
                old_zip=old_zip,
            )
        except ValidationError:
            st.caption(":material/error: One of these students' names cannot be a name.")
            return
        requesting.ask_button(
            here,
            "Start the regrade",
            Wish(
                [payload],
                f"Submissions of {key} will be graded again with the zip of now, after the live "
                "ones. No grade changes before you have looked at who moves, and apply it.",
                needs_reason=True,
            ),
            key="start",
            icon=":material/autorenew:",
            is_primary=True,
        )
