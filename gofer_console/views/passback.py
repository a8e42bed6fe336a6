"""Passback: the grades on their way to the LMS, how far each got, and what is in the way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from gofer_console.views import chips, moments, paging, passback_actions, places, requesting, states
from gofer_console.views.assignment_choice import choose_assignment
from gofer_console.views.desk import desk
from gofer_console.views.passback_actions import STUCK, Meant
from gofer_console.views.scores import points
from shared.gradebook.outbox import State
from shared.gradebook.outbox_list import (
    PostingFilter,
    count_postings,
    posting_figures,
    postings_page,
)
from shared.requests import Selection

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

    from sqlalchemy import Engine

    from gofer_console.views.desk import Desk
    from shared.gradebook.outbox_list import Posting
    from shared.model import AssignmentKey

_STATES: Final[dict[str, tuple[State, ...]]] = {
    "All": (),
    "Queued": (State.QUEUED,),
    "Posted": (State.SENT,),
    "Held": (State.HELD,),
    "Refused": (State.FAILED,),
    "No address": (State.PARKED,),
    "Changed since": (),
}
_STALE: Final = "Changed since"
_NEVER: Final = chips.Chip("Not sent", "gray")
_CHANGED: Final = chips.Chip("Changed since", "orange")
_DIFFERS: Final = chips.Chip("LMS differs", "red")


def show() -> None:
    """Show the page."""
    here = desk()
    st.title(places.title_of("passback"))
    states.grader_banner(here)
    requesting.answers(here)
    _show_troubles(here)
    if here.gradebook is None:
        states.empty("No grades yet", "Grades appear here as soon as there are any.")
        return
    if not any(one.passback is not None for one in here.catalogue):
        st.info(
            "No assignment of the course config has a passback, so no grade goes to an LMS.",
            icon=":material/info:",
        )
    _show_outbox(here, here.gradebook)


def _show_outbox(here: Desk, gradebook: Engine) -> None:
    first, second = st.columns([2, 3])
    with first:
        key = choose_assignment(here)
    search = second.text_input(
        "Student",
        key="q",
        bind="query-params",
        type="search",
        placeholder="A part of the name",
        icon=":material/search:",
    )
    selection = _selection(key)
    figures, stale = posting_figures(gradebook, selection)
    _figures(figures, stale)
    word = _state_control()
    buttons = st.container()
    wanted = PostingFilter(
        states=frozenset(_STATES[word]), search=(search or "").strip(), is_stale=word == _STALE
    )
    count = count_postings(gradebook, selection, wanted)
    before = paging.offset(count)
    shown = postings_page(gradebook, selection, wanted, limit=paging.ROWS, offset=before)
    chosen: list[Posting] = []
    if shown:
        chosen = _table(shown, here.zone(key))
        paging.turner(count, noun="grade")
    else:
        states.empty("No such grades", "Choose another state or assignment to see more.")
    if wanted == PostingFilter():
        to_post = Meant(sum(figures.values()))
        to_retry = Meant(sum(figures.get(state, 0) for state in STUCK))
    else:
        to_post = _found(gradebook, selection, wanted, count)
        to_retry = _stuck(gradebook, selection, wanted)
    with buttons:  # above the table, and known only once it is there
        passback_actions.show(here, key, chosen, to_post, to_retry, held=figures.get(State.HELD, 0))
    if len(chosen) == 1:
        _show_story(chosen[0], here.zone(key))


def _selection(key: AssignmentKey | None) -> Selection:
    if key is None:
        return Selection(every=True)
    return Selection(course=key.course, section=key.section, assignment=key.assignment)


def _stuck(gradebook: Engine, selection: Selection, wanted: PostingFilter) -> Meant:
    states = (wanted.states or STUCK) & STUCK
    if not states:  # in a filter, none would stand for all
        return Meant(0)
    stuck = replace(wanted, states=states)
    return _found(gradebook, selection, stuck, count_postings(gradebook, selection, stuck))


def _found(gradebook: Engine, selection: Selection, wanted: PostingFilter, count: int) -> Meant:
    """Return what a search and a state find, on whatever pages of the table it stands."""
    if not 0 < count <= requesting.MOST_AT_ONCE:
        return Meant(count, ())
    rows = postings_page(gradebook, selection, wanted, limit=count)
    # A grade that was taken back, at the LMS as well, is none to be sent.
    rows = [row for row in rows if row.score is not None or row.state is not State.SENT]
    return Meant(len(rows), rows)


def _figures(figures: Mapping[State | None, int], stale: int) -> None:
    with st.container(horizontal=True):
        for word, wanted in _STATES.items():
            if wanted:
                st.metric(word, f"{sum(figures.get(state, 0) for state in wanted):,}", border=True)
        st.metric(_STALE, f"{stale:,}", border=True, help="The grade is another one than was sent.")


def _state_control() -> str:
    word = st.segmented_control(
        "State", list(_STATES), default="All", required=True, key="state", bind="query-params"
    )
    return word if word in _STATES else "All"


def _show_troubles(here: Desk) -> None:
    outbox = here.snapshot.passback if here.snapshot is not None else None
    if outbox is not None and outbox.troubled and here.is_grader_at_work:
        st.warning(
            "An LMS does not answer, so it is left alone for a while and then tried again:",
            icon=":material/cloud_off:",
        )
        st.text("\n".join(outbox.troubled))


def _table(shown: Sequence[Posting], zone: ZoneInfo) -> list[Posting]:
    ids = [f"{one.key}\n{one.student}\n{one.state}" for one in shown]
    event = st.dataframe(
        [_row(one, zone) for one in shown],
        hide_index=True,
        column_config=_COLUMNS,
        on_select="rerun",
        selection_mode="multi-row",
        key=paging.table_key("postings", ids),
        height=min(38 + 35 * len(shown), 560),
        alt="Grades and how far each got on its way to the LMS",
    )
    by_id = dict(zip(ids, shown, strict=True))
    return [by_id[one] for one in paging.selected(event, ids)]


def _row(one: Posting, zone: ZoneInfo) -> dict[str, Any]:
    labels = [_NEVER.label if one.state is None else chips.PASSBACKS[one.state].label]
    if one.is_stale:
        labels.append(_CHANGED.label)
    if one.differs:
        labels.append(_DIFFERS.label)
    return {
        "State": labels,
        "Student": one.student,
        "Assignment": str(one.key),
        "Grade": points(one.score),
        "LMS has": points(one.sent),
        "Posted": moments.moment(one.sent_at, zone),
        "Why": " ".join((one.message or "").split()),
        "Tries": one.tries,
    }


def _show_story(one: Posting, zone: ZoneInfo) -> None:
    lines = [
        f"{one.student}, {one.key}",
        f"Grade of record: {points(one.score)}",
        f"The LMS took: {points(one.sent)}, {moments.moment(one.sent_at, zone)}"
        if one.sent
        else "The LMS took none yet.",
    ]
    if one.message:
        lines.append(one.message)
    if one.answer_status is not None:
        lines.append(
            f"Last answer: HTTP {one.answer_status}, {moments.moment(one.answered_at, zone)}"
        )
    if one.state is State.QUEUED and one.not_before is not None:
        lines.append(f"Next try: {moments.moment(one.not_before, zone)}")
    if one.read_at is not None:
        held = "nothing" if one.read_fraction is None else f"{100 * one.read_fraction:.1f} %"
        lines.append(f"Asked {moments.moment(one.read_at, zone)}, the LMS held {held}.")
    with st.container(border=True):
        st.text("\n".join(lines))


_COLUMNS: dict[str, Any] = {
    "State": chips.chip_column((*chips.PASSBACKS.values(), _NEVER, _CHANGED, _DIFFERS)),
    "Student": st.column_config.TextColumn(width=80),
    "Assignment": st.column_config.TextColumn(width=140),
    "Grade": st.column_config.TextColumn(width=75),
    "LMS has": st.column_config.TextColumn(width=75),
    "Posted": st.column_config.TextColumn(width=165),
    "Why": st.column_config.TextColumn(width=220),
    "Tries": st.column_config.NumberColumn(width="small"),
}


if __name__ == "__main__":
    show()
