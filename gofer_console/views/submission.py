"""Submission: one notebook, its runs, and how its student's grade came about."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import streamlit as st

from gofer_console.neighbours import Neighbours, neighbours_of
from gofer_console.submission_story import Standing, story_of
from gofer_console.views import (
    chips,
    downloads,
    foreign,
    moments,
    places,
    requesting,
    states,
    submission_actions,
    submission_record,
    submission_result,
)
from gofer_console.views.desk import desk
from gofer_console.views.scores import NONE
from shared.errors import ConfigError
from shared.model import SubmissionId
from shared.requests import Source
from shared.spool import Place

if TYPE_CHECKING:
    from gofer_console.submission_story import Story
    from gofer_console.views.chips import Chip
    from gofer_console.views.desk import Desk
    from shared.catalogue import Catalogue

_ID: Final = re.compile(r"[0-9a-f-]{36}")
_SHOWN_OF_ID: Final = 60
_SOURCES: Final[dict[str, str]] = {
    Source.HUB: "JupyterHub",
    Source.SIGNED: "a signed front",
    Source.DEV: "the door for development",
    Source.BATCH: "a batch",
    Source.CLI: "the command line",
    Source.CONSOLE: "the console",
    Source.CLASSIC: "the service before Gofer",
}


def show() -> None:
    """Show the page."""
    here = desk()
    asked = st.query_params.get("id", "").strip().lower()
    story = None
    if _ID.fullmatch(asked):
        story = story_of(here.gradebook, here.spool, _catalogue(here), SubmissionId(asked))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(
            places.file_of("grades"),
            label="Grades",
            icon=":material/arrow_back:",
            query_params=st.session_state.get(places.GRADES_QUERY, {}),  # the list as it was left
        )
        st.title(places.title_of("submission"), width="content", anchor=False)
        if story is not None:
            _neighbours(here, story)
    states.grader_banner(here)
    requesting.answers(here)
    if story is None:
        _nothing(asked)
        return
    _config_banner(here)
    _header(here, story)
    submission_actions.waiting(here, story)
    left, right = st.columns([8, 5], gap="medium")
    with left:
        submission_result.notebook(here, story)
    with right:
        submission_result.result(here, story)
    submission_record.show(here, story)


def _catalogue(here: Desk) -> Catalogue | None:
    try:
        return here.catalogue
    except ConfigError:
        return None  # everything but what the rules make of attempts is known without it


def _config_banner(here: Desk) -> None:
    try:
        _ = here.catalogue
    except ConfigError as error:
        states.trouble(str(error), title="The course config cannot be used")


def _nothing(asked: str) -> None:
    if not asked:
        states.empty("No submission chosen", "Open one from the list of grades.")
    else:
        states.empty("There is no such submission", "Nothing was received under this id.")
        foreign.line(asked[:_SHOWN_OF_ID])
    places.link("grades", "Open grades", icon=":material/arrow_forward:")


def _neighbours(here: Desk, story: Story) -> None:
    around = Neighbours(None, None)
    if here.gradebook is not None:
        around = neighbours_of(here.gradebook, story.student, story.key)
    with st.container(horizontal=True, horizontal_alignment="right"):
        for label, icon, shortcut, target in (
            ("Previous student", ":material/chevron_left:", "P", around.before),
            ("Next student", ":material/chevron_right:", "N", around.after),
        ):
            st.button(
                label,
                icon=icon,
                shortcut=shortcut,
                disabled=target is None,
                on_click=open_submission,
                args=(target,),
                key=f"go_{shortcut}",
            )


def open_submission(submission_id: SubmissionId | None) -> None:
    """Have the page show another one from its next run on."""
    if submission_id is not None:
        st.query_params["id"] = submission_id


def _header(here: Desk, story: Story) -> None:
    zone = here.zone(story.key)
    attempt, run = story.attempt, story.counted
    with st.container(border=True, gap="small"):
        who, what, when, score = st.columns([4, 3, 4, 2])
        of = f" · attempt {attempt.number} of {len(story.attempts)}" if attempt else ""
        earned = None if run is None or run.score is None else run
        for column, name, value in (
            (who, "Student", story.student),
            (what, "Assignment", str(story.key)),
            (when, f"Received{of}", moments.moment(story.received_at, zone)),
            (score, "Score", f"{earned.score:g} of {earned.points_possible:g}" if earned else NONE),
        ):
            with column, st.container(gap=None):
                st.caption(name)
                foreign.line(value)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            for one in _states(here, story):
                chips.chip(one)
            with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
                submission_actions.buttons(here, story)
        facts = [f"Times are in {zone.key}", f"came by {_SOURCES.get(story.source, story.source)}"]
        if story.size_bytes is not None:
            facts.append(f"{story.size_bytes / 1000:,.1f} kB")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(" · ".join([*facts, f"id {story.id}"]))
            if story.place is not None:
                downloads.notebook_link(story.id, "Download notebook")
        if story.requested_by != story.student:
            with st.container(horizontal=True, gap="small"):
                st.caption("Handed in by")
                foreign.line(story.requested_by)


def _states(here: Desk, story: Story) -> list[Chip]:
    found = []
    run, attempt = story.counted, story.attempt
    if run is not None:
        found.append(chips.VERDICTS[run.verdict])
    elif story.place is Place.FAILED:
        found.append(chips.FAILED)
    elif story.place is Place.NEW:
        snapshot = here.snapshot
        is_running = here.is_grader_at_work and snapshot and story.id in snapshot.running
        found.append(chips.RUNNING if is_running else chips.WAITING)
    if attempt is not None and attempt.standing is not Standing.NOT_GRADED:
        found.append(submission_record.STANDINGS[attempt.standing])
    if attempt is not None and attempt.worth is not None and attempt.worth.late_s:
        found.append(chips.Chip(submission_record.late(attempt.worth), "orange"))
    if run is not None:
        found += [submission_record.flag(word) for word in run.flags]
    return found


if __name__ == "__main__":
    show()
