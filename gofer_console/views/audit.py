"""Audit: every request and every change of a grade, with who, when and why."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import streamlit as st

from gofer_console.request_words import ACTION_WORDS, action_words, entry_about
from gofer_console.views import chips, moments, paging, places, states
from gofer_console.views.desk import desk
from shared.gradebook.audit import AuditFilter, Kind, audit_page, count_audit, requesters
from shared.model import utc_now

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    from sqlalchemy import Engine

    from gofer_console.views.desk import Desk
    from shared.gradebook.audit import AuditEntry

_KINDS = {"Everything": (), "Requests": (Kind.REQUEST,), "Grade changes": (Kind.GRADE,)}
_SINCE = {"Any time": None, "Last day": 1, "Last 7 days": 7, "Last 30 days": 30}


def show() -> None:
    """Show the page."""
    here = desk()
    st.title(places.title_of("audit"))
    states.grader_banner(here)
    _show_waiting(here)
    if here.gradebook is None:
        states.empty("Nothing has happened yet", "What staff ask for and what changes a grade.")
        return
    zone = here.zone()
    wanted = _filters(here.gradebook, zone)
    count = count_audit(here.gradebook, wanted)
    before = paging.offset(count)
    found = audit_page(here.gradebook, wanted, limit=paging.ROWS, offset=before)
    if not found:
        states.empty("Nothing fits", "Take a filter away to see more.")
        return
    st.dataframe(
        _frame(found, zone),
        hide_index=True,
        column_config=_COLUMNS,
        alt="Requests and changes of grades, the newest first",
        height=min(38 + 35 * len(found), 620),
    )
    paging.turner(count, noun="entry", plural="entries")


def _show_waiting(here: Desk) -> None:
    waiting = here.pending()
    if not waiting:
        return
    with st.expander(f"Waiting for the grader: {len(waiting)}", icon=":material/hourglass_top:"):
        zone = here.zone()
        rows = [
            {
                "When": moments.clock(one.received_at, zone),
                "Who": one.requested_by,
                "What": action_words(one.action),
                "Why": one.reason,
            }
            for one in waiting[: paging.ROWS]
        ]
        st.dataframe(rows, hide_index=True, alt="Requests that wait")


def _filters(gradebook: Engine, zone: ZoneInfo) -> AuditFilter:
    first, second, third, fourth = st.columns([2, 3, 3, 2])
    kind = first.selectbox("Show", list(_KINDS), key="show", bind="query-params")
    actions = second.multiselect(
        "What",
        [action for action in ACTION_WORDS if action != "grade"],
        format_func=action_words,
        key="action",
        bind="query-params",
        placeholder="Any request",
    )
    by = third.multiselect(
        "Who", requesters(gradebook), key="by", bind="query-params", placeholder="Anybody"
    )
    since = fourth.selectbox("When", list(_SINCE), key="when", bind="query-params")
    search = st.text_input(
        "Search",
        key="q",
        bind="query-params",
        type="search",
        placeholder="A student, an assignment, a word of a reason",
        label_visibility="collapsed",
        icon=":material/search:",
    )
    return AuditFilter(
        kinds=_KINDS.get(kind or "", ()),
        actions=tuple(actions),
        by=tuple(by),
        search=(search or "").strip(),
        since=_midnight(_SINCE.get(since or ""), zone),
    )


def _midnight(days: int | None, zone: ZoneInfo) -> datetime | None:
    if days is None:
        return None
    day = (utc_now().astimezone(zone) - timedelta(days=days)).date()
    return datetime.combine(day, time(tzinfo=zone))


def _frame(entries: Iterable[AuditEntry], zone: ZoneInfo) -> list[dict[str, Any]]:
    return [
        {
            "When": entry.at.astimezone(zone),
            "Who": entry.by,
            "What": action_words(entry.action),
            "About": entry_about(entry),
            "Outcome": [chips.REQUESTS[entry.outcome].label] if entry.outcome else [],
            "Answer": entry.message,
            "Why": entry.why,
        }
        for entry in entries
    ]


_COLUMNS: dict[str, Any] = {
    "When": st.column_config.DatetimeColumn(format="D MMM YYYY, HH:mm", width=135),
    "Who": st.column_config.TextColumn(width=90),
    "What": st.column_config.TextColumn(width=140),
    "About": st.column_config.TextColumn(width=330),
    "Outcome": chips.chip_column(chips.REQUESTS.values(), "Outcome"),
    "Answer": st.column_config.TextColumn(width="medium"),
    "Why": st.column_config.TextColumn(width="medium"),
}


if __name__ == "__main__":
    show()
