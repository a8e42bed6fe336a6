"""The page Submission: the notebook in its frame, and what grading it gave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from gofer_console.terminal import plain
from gofer_console.views import foreign, moments, places, states
from gofer_console.views.tabs import tabs
from gofer_console.web.notebooks import page_path
from shared.gradebook.queries import find_autograder
from shared.spool import Place

if TYPE_CHECKING:
    from gofer_console.submission_story import Story
    from gofer_console.views.desk import Desk
    from shared.gradebook.queries import RecordedRun

_FRAME_HEIGHT: Final = 720
_HIDDEN: Final = " · hidden"
_LOG_HEIGHT: Final = 690


def notebook(here: Desk, story: Story) -> None:
    """Show the notebook as it was handed in, and the log of the run that counts."""
    run = story.counted
    shown, log = tabs(["Notebook", "Log"])
    with shown:
        if story.place is None:
            states.empty(
                "The notebook is not here",
                "It was graded by the service before Gofer, which kept no notebooks."
                if story.sha256 is None
                else "Its files are no longer in the archive.",
                icon=":material/description:",
            )
        else:
            # Nothing else may stand here: what this address answers is what keeps a hostile
            # notebook from the console. Its prefix is ours, and an id has no other characters.
            st.iframe(
                page_path(here.settings.console_prefix, story.id),
                height=_FRAME_HEIGHT,
                alt="The notebook as it was handed in",
            )
    with log:
        if run is None or not run.log_tail.strip():
            states.empty("No log", "Nothing was printed while it was graded.")
        else:
            st.caption("The end of what grading printed. Students do not see it.")
            foreign.log(run.log_tail, height=_LOG_HEIGHT)


def result(here: Desk, story: Story) -> None:
    """Show what the run that counts gave: questions, and what student and staff are told."""
    run = story.counted
    if run is None:
        _not_graded(here, story)
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.subheader("Result")
        st.caption(
            f"Graded {moments.moment(run.finished_at, here.zone(story.key))} in {run.wall_s:.1f} s"
        )
    if run.questions:
        _questions(here, run)
    elif run.score is None:
        st.caption("It ended without a score, so no question has one.")
    else:
        st.caption("No question's points are on record.")
    for title, text in (
        ("What the student is told", run.student_text),
        ("For staff alone", run.staff_text),
    ):
        st.markdown(f"**{title}**")
        if text.strip():
            with st.container(border=True):
                foreign.line(text)
        else:
            st.caption("Nothing")


def _questions(here: Desk, run: RecordedRun) -> None:
    hidden: set[str] = set()
    if here.gradebook is not None and run.autograder_sha256 and run.image_id:
        spec = find_autograder(here.gradebook, run.autograder_sha256, run.image_id)
        hidden = {one.name for one in spec.questions if one.hidden} if spec else set()
    rows = [
        {
            "Question": plain(one.question) + (_HIDDEN if one.question in hidden else ""),
            "Points": one.score,
            "Of": one.points_possible,
            "Share": one.score / one.points_possible if one.points_possible else None,
        }
        for one in run.questions
    ]
    st.dataframe(
        rows,
        hide_index=True,
        column_config={
            "Question": st.column_config.TextColumn(width=122),
            "Points": st.column_config.NumberColumn(format="%g", width=56),
            "Of": st.column_config.NumberColumn(format="%g", width=44),
            "Share": st.column_config.ProgressColumn(format="percent", width=84),
        },
        alt="Points of each question",
        key=f"questions_{run.run_id}",
    )
    if hidden:
        st.caption("Some tests of a hidden question are not shown to students.")


def _not_graded(here: Desk, story: Story) -> None:
    st.subheader("Result")
    if story.failure is not None:
        with st.container(border=True):
            st.markdown(":material/report: **Our machinery could not grade it**")
            foreign.line(story.failure.reason)
            st.caption(
                f"Set aside {moments.moment(story.failure.buried_at, here.zone(story.key))} after "
                f"{story.failure.tries} tries. It is no fault of the student's, and took no "
                "attempt from them."
            )
            places.link("failed", "Retry or discard", icon=":material/arrow_forward:")
    elif story.place is Place.NEW:
        states.empty("Not graded yet", "It waits for the grader.", icon=":material/hourglass_top:")
    else:
        states.empty("No result", "Staff gave this submission up, so it was never graded.")
