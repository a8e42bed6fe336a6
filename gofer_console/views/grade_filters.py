"""The filters above the grades. What they say stands in the page's URL, and nowhere else.

A parameter that makes no sense is ignored by Streamlit, which then shows the filter as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Final, Literal

import streamlit as st

from gofer_console.views import parameters
from gofer_console.views.chips import PASSBACKS, VERDICTS
from gofer_console.zip_digests import digests
from shared.gradebook.grade_filter import CHANGED, NOT_QUEUED, GradeFilter
from shared.gradebook.grade_pages import Sort, names_there_are
from shared.model import FLAG_SUSPICIOUS_SOURCE, FLAG_TAMPERED, Verdict

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from sqlalchemy import Engine
    from streamlit.delta_generator import DeltaGenerator

    from gofer_console.views.desk import Desk
    from shared.gradebook.grade_pages import Names

View = Literal["grades", "students", "submissions"]

VIEWS: Final[dict[str, str]] = {
    "grades": "Grades",
    "students": "By student",
    "submissions": "Submissions",
}
SORTS: Final = {
    Sort.STUDENT: "Student",
    Sort.ASSIGNMENT: "Assignment",
    Sort.SCORE: "Score",
    Sort.PERCENT: "Percent",
    Sort.RECEIVED: "Received",
    Sort.GRADED: "Graded",
}
_SORTS_OF: Final[dict[str, list[Sort]]] = {
    "grades": list(SORTS),
    "students": [Sort.STUDENT, Sort.PERCENT],
    "submissions": [Sort.RECEIVED, Sort.STUDENT, Sort.ASSIGNMENT],
}
_FLAGS: Final = [FLAG_TAMPERED, FLAG_SUSPICIOUS_SOURCE, "cell_timeout", "kernel_died"]
_PASSBACKS: Final = {
    **{state: chip.label for state, chip in PASSBACKS.items() if state != "superseded"},
    CHANGED: "Changed since posted",
    NOT_QUEUED: "Never queued",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page is asked to show.

    Attributes:
        wanted: which grades.
        view: as what.
        sort: by what.
        descending: whether the last of it comes first.
        narrowed: how many filters are set.
    """

    wanted: GradeFilter
    view: str
    sort: Sort
    descending: bool
    narrowed: int


@st.cache_data(ttl=20, max_entries=2, show_spinner=False)
def _names(_engine: Engine, volume: str) -> Names:
    del volume  # what tells one gradebook from another
    return names_there_are(_engine)


def ask(desk: Desk, engine: Engine, title: DeltaGenerator) -> Asked:
    """Show the filters, and return what they say.

    Args:
        desk: of this session.
        engine: of the gradebook.
        title: where the choice of views goes.
    """
    names = _names(engine, str(desk.volume))
    with title:
        view = st.segmented_control(
            "Show",
            list(VIEWS),
            default="grades",
            required=True,
            format_func=VIEWS.__getitem__,
            key="view",
            bind="query-params",
            label_visibility="collapsed",
        )
    top = st.container(horizontal=True, vertical_alignment="bottom")
    with top:
        search = st.text_input(
            "Search students",
            key="q",
            bind="query-params",
            type="search",
            placeholder="Part of a name",
            icon=":material/search:",
            max_chars=200,
            width=180,
        )
        assignments = st.multiselect(
            "Assignment",
            names.assignments,
            key="assignment",
            bind="query-params",
            placeholder="All",
            width=180,
        )
    with top, st.popover("Filters", icon=":material/filter_list:", key="filters"):
        more = _more(desk, names)
    view = view or "grades"
    with top:
        sorts = _SORTS_OF[view]
        if st.session_state.get("sort") not in sorts:
            st.session_state.pop("sort", None)
        sort = st.selectbox(
            "Sort by",
            sorts,
            format_func=SORTS.__getitem__,
            key="sort",
            bind="query-params",
            width=130,
        )
        # The submissions received last are what people look for: they come first by themselves.
        newest_first = view == "submissions" and sort is Sort.RECEIVED
        turned = st.toggle(
            "Oldest first" if newest_first else "Descending", key="desc", bind="query-params"
        )
        st.button(
            "Clear",
            icon=":material/filter_alt_off:",
            on_click=clear,
            type="tertiary",
            help="Take all filters away",
        )
    wanted = replace(more, assignments=tuple(assignments), search=(search or "").strip())
    empty = GradeFilter()
    narrowed = sum(
        getattr(wanted, name) != getattr(empty, name) for name in GradeFilter.__dataclass_fields__
    )
    return Asked(
        wanted,
        view,
        Sort(sort or sorts[0]),
        descending=turned != newest_first,
        narrowed=narrowed,
    )


def clear() -> None:
    """Take all filters away; a callback."""
    for key in parameters.OF_PAGES["grades"]:
        st.session_state.pop(key, None)
        st.query_params.pop(key, None)


def _more(desk: Desk, names: Names) -> GradeFilter:
    left, right = st.columns(2)
    with left:
        courses = _several("Course", names.courses, "course")
        sections = _several("Section", names.sections, "section")
        students = st.multiselect(
            "Students, by their whole names",
            [],
            key="student",
            bind="query-params",
            accept_new_options=True,
            placeholder="Any",
        )
        verdicts = st.multiselect(
            "An attempt ended as",
            list(VERDICTS),
            format_func=lambda verdict: VERDICTS[verdict].label,
            key="verdict",
            bind="query-params",
            placeholder="Any",
        )
        flags = _several("Flag", _FLAGS, "flag")
    with right:
        passbacks = st.multiselect(
            "Passback",
            list(_PASSBACKS),
            format_func=_PASSBACKS.__getitem__,
            key="passback",
            bind="query-params",
            placeholder="Any",
        )
        low = _number("From percent", "min")
        high = _number("To percent", "max")
        since = _day("Received from", "from")
        until = _day("Received until", "to")
        old_zip = st.toggle(
            "Graded with another autograder zip than the present one",
            key="old_zip",
            bind="query-params",
        )
    zone = desk.zone()
    return GradeFilter(
        courses=tuple(courses),
        sections=tuple(sections),
        students=tuple(students),
        verdicts=tuple(map(Verdict, verdicts)),
        flags=tuple(flags),
        passbacks=tuple(passbacks),
        percent_from=low,
        percent_to=high,
        received_from=None if since is None else _midnight(since, zone),
        received_before=None if until is None else _midnight(_day_after(until), zone),
        other_zip_than=tuple(digests(desk.catalogue).items()) if old_zip else None,
    )


def _several(label: str, options: object, key: str) -> list[str]:
    return st.multiselect(label, options, key=key, bind="query-params", placeholder="Any")  # type: ignore[call-overload,no-any-return]


def _number(label: str, key: str) -> float | None:
    return st.number_input(
        label,
        min_value=0.0,
        max_value=1000.0,
        value=None,
        step=5.0,
        key=key,
        bind="query-params",
        placeholder="Any",
    )


def _day(label: str, key: str) -> date | None:
    return st.date_input(
        label,
        value=None,
        min_value=date(1970, 1, 1),
        max_value=date(2999, 12, 31),
        key=key,
        bind="query-params",
        format="YYYY-MM-DD",
    )


def _day_after(day: date) -> date:
    return date.fromordinal(day.toordinal() + 1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
