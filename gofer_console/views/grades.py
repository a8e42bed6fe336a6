"""Grades: every student and assignment, filtered, sorted and cut by the gradebook."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from gofer_console.exports.layouts import Layout
from gofer_console.exports.url_query import Wanted
from gofer_console.grade_bulk import MOST_GRADES, Bulk, Meant, means_whole_assignments
from gofer_console.views import (
    bulk_dialog,
    downloads,
    grade_filters,
    grade_tables,
    places,
    states,
    view_menu,
)
from gofer_console.views.desk import desk
from shared.gradebook import grade_pages
from shared.gradebook.grade_rows import count_grades, graded_assignments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

    from gofer_console.views.desk import Desk
    from gofer_console.views.grade_filters import Asked
    from shared.gradebook.grade_filter import GradeFilter
    from shared.model import AssignmentKey, SubmissionId

ROWS: Final = 100
_SHOWN: Final = "grades_shown"
"""In the session: the submissions of the rows that were shown last; None where there is none."""
_ICONS: Final = {
    Bulk.REGRADE: ("Regrade", ":material/autorenew:"),
    Bulk.POST: ("Post", ":material/send:"),
    Bulk.HOLD: ("Hold", ":material/pause:"),
}


def show() -> None:
    """Show the page."""
    here = desk()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(places.title_of("grades"), width="content")
        kinds = st.container(width="content")
        menu = st.container(horizontal=True, horizontal_alignment="right")
    states.grader_banner(here)
    engine = here.gradebook
    if engine is None:
        states.empty("No grades yet", "Grades appear here once the first notebook has been graded.")
        return
    asked = grade_filters.ask(here, engine, kinds)
    bulk_dialog.show()
    count = _count(engine, asked)
    pages = max(-(-count // ROWS), 1)
    if st.session_state.get("page", 1) > pages:
        st.session_state["page"] = pages
    page = _page_shown(st.session_state.get("page", 1), st.query_params.get("page"), pages)
    cut = grade_pages.Cut(asked.sort, asked.descending, (page - 1) * ROWS, ROWS)
    with menu:
        columns = _columns(asked.view)
        view_menu.show(here)
    if count == 0:
        _nothing(asked)
        return
    actions = st.container()
    chosen = _table(here, engine, asked, cut, columns)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(_range(count, cut, asked))
        if pages > 1:
            st.pagination(pages, key="page", bind="query-params")
    if asked.view != "submissions":
        with actions:  # above the table, and filled once it is known what is chosen in it
            _actions(here, engine, asked, chosen, count)
    states.pending_banner(here)
    st.session_state[places.GRADES_QUERY] = {
        key: st.query_params.get_all(key) for key in st.query_params
    }


def _page_shown(kept: Any, said: str | None, pages: int) -> int:
    """Return the page that the pagination below will show: it comes after its table."""
    if "page" not in st.session_state and said is not None and said.isascii() and said.isdigit():
        kept = int(said[:9])
    return min(max(int(kept), 1), pages)


def _count(engine: Engine, asked: Asked) -> int:
    if asked.view == "submissions":
        return grade_pages.count_submissions(engine, asked.wanted)
    if asked.view == "students":
        return grade_pages.count_students(engine, asked.wanted)
    return count_grades(engine, asked.wanted)


def _columns(view: str) -> Sequence[str]:
    if view != "grades":
        return ()
    with st.popover("Columns", icon=":material/view_column:", key="columns"):
        return st.multiselect(
            "Columns",
            list(grade_tables.COLUMNS),
            default=list(grade_tables.SHOWN_FIRST),
            format_func=grade_tables.COLUMNS.__getitem__,
            key="cols",
            bind="query-params",
        )


def _nothing(asked: Asked) -> None:
    if asked.narrowed:
        states.empty(
            "Nothing fits these filters",
            "Take one away, or choose Clear to see everything.",
            icon=":material/filter_alt_off:",
        )
    else:
        states.empty("No grades yet", "They appear here once a notebook has been graded.")


def _table(
    here: Desk, engine: Engine, asked: Asked, cut: grade_pages.Cut, columns: Sequence[str]
) -> tuple[Sequence[Any], list[Any]]:
    """Show the page of rows; return all of them, and those chosen."""
    rows: Sequence[Any]
    ids: list[SubmissionId | None]
    if asked.view == "students":
        rows = grade_pages.page_of_students(engine, asked.wanted, cut)
        at = grade_tables.students(rows)
        return rows, [rows[one] for one in at]
    if asked.view == "submissions":
        rows = grade_pages.page_of_submissions(engine, asked.wanted, cut)
        grade_tables.submissions(rows, here.zone())
        at = []
        ids = [row.id for row in rows]
    else:
        rows = grade_pages.page_of_grades(engine, asked.wanted, cut)
        at = grade_tables.grades(rows, columns, here.zone())
        ids = [row.submission_id for row in rows]
    # The row that was clicked is one of the rows that were shown, whatever is in them by now.
    shown: list[SubmissionId | None] = st.session_state.get(_SHOWN, ids)
    st.session_state[_SHOWN] = ids
    clicked = st.session_state.get(grade_tables.OPEN)
    if clicked is not None and 0 <= clicked["row"] < len(shown):
        st.session_state[places.GRADES_QUERY] = {
            key: st.query_params.get_all(key) for key in st.query_params
        }
        chosen = shown[clicked["row"]]
        if chosen is not None:
            st.switch_page(places.file_of("submission"), query_params={"id": chosen})
        st.info(
            "Staff gave this grade, and nothing that counts was handed in: there is no notebook."
        )
    return rows, [rows[one] for one in at]


def _range(count: int, cut: grade_pages.Cut, asked: Asked) -> str:
    what = {"grades": "grades", "students": "students", "submissions": "submissions"}[asked.view]
    if count == 1:
        what = what.removesuffix("s")
    last = min(cut.offset + cut.limit, count)
    said = f"{cut.offset + 1:,}\u2013{last:,} of {count:,} {what}" if count > 1 else f"1 {what}"
    return f"{said}, filtered" if asked.narrowed else said


def _actions(
    here: Desk,
    engine: Engine,
    asked: Asked,
    shown: tuple[Sequence[Any], list[Any]],
    count: int,
) -> None:
    _, chosen = shown
    all_grades = count if asked.view == "grades" else count_grades(engine, asked.wanted)
    picked = _picked(engine, asked, chosen)
    with st.container(horizontal=True, vertical_alignment="center"):
        if here.person.may_edit:
            for what, (label, icon) in _ICONS.items():
                st.button(
                    f"{label} selected ({picked.count:,})",
                    key=f"{what.value}_selected",
                    icon=icon,
                    disabled=not picked.count,
                    on_click=bulk_dialog.open_dialog,
                    args=(what, picked),
                )
        with st.popover(f"All that match ({all_grades:,})", key="all_that_match"):
            if here.person.may_edit:
                for what, (label, icon) in _ICONS.items():
                    st.button(
                        f"{label} all that match ({all_grades:,})",
                        key=f"{what.value}_all",
                        icon=icon,
                        type="tertiary",
                        on_click=_open_for_all,
                        args=(what, engine, asked.wanted),
                    )
            downloads.export_link(_export(asked), f"Export all that match ({all_grades:,})")


def _picked(engine: Engine, asked: Asked, chosen: list[Any]) -> Meant:
    if not chosen:
        return Meant((), (), 0)
    found: tuple[tuple[str, AssignmentKey], ...]
    if asked.view == "students":
        narrower = replace(asked.wanted, students=tuple(one.student for one in chosen))
        found = grade_pages.matching_places(engine, narrower, most=MOST_GRADES + 1)
    else:
        found = tuple((one.student, one.key) for one in chosen)
    return Meant(found, (), len(found))


def _open_for_all(what: Bulk, engine: Engine, wanted: GradeFilter) -> None:
    if what is Bulk.HOLD or means_whole_assignments(wanted):
        keys = tuple(one.key for one in graded_assignments(engine, wanted))
        bulk_dialog.open_dialog(what, Meant((), keys, count_grades(engine, wanted)))
        return
    found = grade_pages.matching_places(engine, wanted, most=MOST_GRADES + 1)
    bulk_dialog.open_dialog(what, Meant(found, (), len(found)))


def _export(asked: Asked) -> Wanted:
    layout = Layout.WIDE if asked.view == "students" else Layout.GOFER
    chosen = replace(asked.wanted, other_zip_than=None)
    return Wanted(layout, filter=chosen, old_zip=asked.wanted.other_zip_than is not None)


if __name__ == "__main__":
    show()
