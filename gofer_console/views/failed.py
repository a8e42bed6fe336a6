"""Failed: what our machinery could not grade, with the reason; retry it or give it up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from gofer_console.terminal import short_id
from gofer_console.views import chips, foreign, moments, paging, places, requesting, states
from gofer_console.views.desk import desk
from gofer_console.views.requesting import Wish
from shared.requests import DiscardPayload, RetryPayload

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from gofer_console.views.desk import Desk
    from shared.model import SubmissionId
    from shared.spool import Failure

_ANY = "Any assignment"
_SET_ASIDE = chips.Chip("Set aside", "red")
_RETRYING = chips.Chip("Retry asked for", "blue")
_DISCARDING = chips.Chip("Discard asked for", "gray")


def show() -> None:
    """Show the page."""
    here = desk()
    st.title(places.title_of("failed"))
    st.caption(
        "Submissions that Gofer itself could not grade: the engine was away, an image was missing, "
        "a disk was full. No student lost anything by it, and none got a zero."
    )
    states.grader_banner(here)
    requesting.answers(here)
    failures = here.spool.failed() if here.spool.new_dir.exists() else []
    if not failures:
        states.empty(
            "Nothing has failed",
            "What cannot be graded after several tries is set aside here.",
            icon=":material/check_circle:",
        )
        return
    _show_failures(here, failures)


def _show_failures(here: Desk, failures: Sequence[Failure]) -> None:
    asked = {
        request.payload.entry: request.action
        for request in here.pending()
        if isinstance(request.payload, RetryPayload | DiscardPayload)
    }
    fitting = _filtered(failures)
    before = paging.offset(len(fitting))
    shown = fitting[before : before + paging.ROWS]
    ids = [one.id for one in shown]
    if not shown:
        states.empty("Nothing fits", "Take a filter away to see more.")
        return
    event = st.dataframe(
        _frame(shown, asked, here.zone()),
        hide_index=True,
        column_config=_COLUMNS,
        on_select="rerun",
        selection_mode="multi-row",
        key=paging.table_key("failed", ids),
        alt="Submissions that could not be graded",
    )
    paging.turner(len(fitting), noun="submission")
    chosen = paging.selected(event, ids)
    with st.container(horizontal=True):
        _buttons(here, chosen, "selected", asked)
        if len(chosen) != len(fitting):
            _buttons(here, [one.id for one in fitting], "all", asked)
    if len(chosen) == 1:
        (one,) = (failure for failure in shown if failure.id == chosen[0])
        st.subheader("Reason")
        foreign.block(one.reason)
        st.caption(f"Submission {one.id}")


def _buttons(
    here: Desk, ids: Sequence[SubmissionId] | Sequence[str], which: str, asked: Collection[str]
) -> None:
    left = [one for one in ids if one not in asked]
    number = len(left)
    what = "1 submission" if number == 1 else f"{number} submissions"
    requesting.ask_button(
        here,
        f"Retry {which} ({number})",
        Wish(
            [RetryPayload(entry=one) for one in left],
            f"{what} will be graded again, with all tries.",
            touches=number,
        ),
        key=f"retry_{which}",
        icon=":material/replay:",
        is_primary=which == "selected" and bool(number),
    )
    requesting.ask_button(
        here,
        f"Discard {which} ({number})",
        Wish(
            [DiscardPayload(entry=one) for one in left],
            f"{what} will be given up: kept in the archive, without a grade.",
            touches=number,
            needs_reason=True,
        ),
        key=f"discard_{which}",
        icon=":material/delete:",
    )


def _filtered(failures: Sequence[Failure]) -> list[Failure]:
    names = sorted({str(one.envelope.payload.key) for one in failures if one.envelope})
    first, second = st.columns([2, 3])
    assignment = first.selectbox(
        "Assignment", [_ANY, *names], key="assignment", bind="query-params"
    )
    search = second.text_input(
        "Search",
        key="q",
        bind="query-params",
        type="search",
        placeholder="A student, or a word of the reason",
        icon=":material/search:",
    )
    words = (search or "").strip().casefold()
    return [
        one
        for one in failures
        if assignment in {None, _ANY}
        or (one.envelope is not None and str(one.envelope.payload.key) == assignment)
        if words in one.reason.casefold()
        or (one.envelope is not None and words in one.envelope.payload.student.casefold())
    ]


def _frame(
    failures: Sequence[Failure], asked: Mapping[SubmissionId, str], zone: ZoneInfo
) -> list[dict[str, Any]]:
    by_action = {"retry": _RETRYING, "discard": _DISCARDING}
    return [
        {
            "State": [by_action.get(asked.get(one.id, ""), _SET_ASIDE).label],
            "Student": one.envelope.payload.student if one.envelope else "?",
            "Assignment": str(one.envelope.payload.key) if one.envelope else "?",
            "Reason": " ".join(one.reason.split()),
            "Tries": one.tries,
            "Set aside": moments.moment(one.buried_at, zone),
            "Id": short_id(one.id),
        }
        for one in failures
    ]


_COLUMNS: dict[str, Any] = {
    "State": chips.chip_column((_SET_ASIDE, _RETRYING, _DISCARDING)),
    "Student": st.column_config.TextColumn(width=80),
    "Assignment": st.column_config.TextColumn(width=140),
    "Reason": st.column_config.TextColumn(width=250),
    "Tries": st.column_config.NumberColumn(width=55),
    "Set aside": st.column_config.TextColumn(width=165),
    "Id": st.column_config.TextColumn(width=90),
}


if __name__ == "__main__":
    show()
