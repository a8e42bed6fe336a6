"""Export: any layout that the gradebook has, of exactly the grades that the filters choose."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from gofer_console.exports.filters import why_nothing
from gofer_console.exports.layouts import Layout, Source, how_many, make_sheet
from gofer_console.exports.url_query import Wanted
from gofer_console.exports.writers import Format
from gofer_console.views import downloads, places, states
from gofer_console.views.desk import desk
from gofer_console.views.scores import counted
from gofer_console.zip_digests import digests
from shared.errors import GoferError
from shared.gradebook.grade_filter import GradeFilter
from shared.gradebook.grade_rows import graded_assignments
from shared.model import Verdict

if TYPE_CHECKING:
    from datetime import date
    from zoneinfo import ZoneInfo

    from gofer_console.views.desk import Desk
    from shared.gradebook.grade_rows import GradedAssignment

_LAYOUTS: Final = {
    "Gofer": (Layout.GOFER, "A row for each grade, with all that is known of it."),
    "Wide": (Layout.WIDE, "A row for each student, a column for each assignment."),
    "Questions": (Layout.QUESTIONS, "A row for each question of each grade."),
    "Canvas": (Layout.CANVAS, "What Canvas imports: one course at a time."),
    "Moodle": (Layout.MOODLE, "What Moodle imports: one course at a time."),
    "edX": (Layout.EDX, "What edX imports: one assignment at a time."),
    "Classic": (Layout.CLASSIC, "A row for each graded submission, in the old service's columns."),
}
_SHOWN: Final = 10
_VERDICTS: Final = {verdict.value: verdict for verdict in Verdict}


def show() -> None:
    """Show the page."""
    here = desk()
    st.title(places.title_of("export"))
    states.grader_banner(here)
    if here.gradebook is None:
        states.empty("No grades yet", "There will be something to export once there are some.")
        return
    word = st.segmented_control(
        "Layout", list(_LAYOUTS), default="Gofer", required=True, key="layout", bind="query-params"
    )
    layout, says = _LAYOUTS.get(word or "Gofer", _LAYOUTS["Gofer"])
    st.caption(says)
    wanted = _filters(here, graded_assignments(here.gradebook, GradeFilter()), layout)
    if wanted is not None:
        _offer(here, wanted)


def _offer(here: Desk, wanted: Wanted) -> None:
    chosen = wanted.resolved(lambda: tuple(digests(here.catalogue).items()))
    source = Source(
        here.gradebook,
        chosen,
        lms_ids=lambda: {one.key: one.lms_id for one in here.catalogue if one.lms_id},
    )
    number = how_many(wanted.layout, source)
    try:
        sheet = make_sheet(wanted.layout, source)
        rows = list(islice(sheet.rows, _SHOWN))
    except GoferError as error:
        with st.container(border=True):
            st.markdown(":material/info: **These grades do not go into this layout**")
            st.text(str(error).replace("--", ""))
        return
    if not number:
        states.empty("No grade fits")
        if here.gradebook is not None:
            st.text(why_nothing(here.gradebook, chosen))
        return
    noun = "submission" if wanted.layout is Layout.CLASSIC else "grade"
    with st.container(horizontal=True, vertical_alignment="center"):
        downloads.export_link(wanted, f"Download CSV ({counted(number, noun)})")
        if not wanted.layout.importer:
            as_xlsx = Wanted(wanted.layout, Format.XLSX, wanted.filter, old_zip=wanted.old_zip)
            downloads.export_link(as_xlsx, "Download XLSX")
    st.caption(f"The first {counted(len(rows), 'row')}, as they are in the file:")
    columns = [name or " " for name in sheet.columns]
    st.dataframe(
        [dict(zip(columns, row, strict=True)) for row in rows],
        hide_index=True,
        alt="The first rows of the export",
    )
    for note in sheet.notes:
        st.text(f"Note: {note}")


def _filters(here: Desk, there: tuple[GradedAssignment, ...], layout: Layout) -> Wanted | None:
    first, second, third = st.columns(3)
    courses = _names(first, "Course", "course", {one.key.course for one in there})
    sections = _names(second, "Section", "section", {one.key.section for one in there})
    assignments = _names(third, "Assignment", "assignment", {one.key.assignment for one in there})
    with st.expander("More filters", icon=":material/filter_list:"):
        left, middle, right = st.columns(3)
        students = left.text_area(
            "Students", key="students", placeholder="One name a line", height=116
        )
        verdicts = middle.multiselect(
            "Had an attempt that ended", list(_VERDICTS), key="verdict", bind="query-params"
        )
        flags = middle.text_input("Flag of the run", key="flag", bind="query-params")
        least = right.number_input(
            "From percent", 0.0, value=None, key="min_percent", bind="query-params"
        )
        most = right.number_input(
            "To percent", 0.0, value=None, key="max_percent", bind="query-params"
        )
        since = left.date_input("Received from", value=None, key="from", bind="query-params")
        until = middle.date_input("Received up to", value=None, key="to", bind="query-params")
        old_zip = right.toggle(
            "Only what another zip than the present one graded", key="old_zip", bind="query-params"
        )
    zone = here.zone()
    received_from = _midnight(since, zone)
    received_before = _midnight(until, zone, days=1)
    problem = _problem(least, most, received_from, received_before)
    if problem:
        st.error(problem, icon=":material/error:")
        return None
    return Wanted(
        layout=layout,
        filter=GradeFilter(
            courses=courses,
            sections=sections,
            assignments=assignments,
            students=tuple(filter(None, map(str.strip, (students or "").splitlines()))),
            verdicts=tuple(_VERDICTS[word] for word in verdicts),
            flags=tuple(filter(None, [(flags or "").strip()])),
            percent_from=least,
            percent_to=most,
            received_from=received_from,
            received_before=received_before,
        ),
        old_zip=old_zip,
    )


def _names(place: Any, label: str, key: str, names: set[str]) -> tuple[str, ...]:
    found = place.multiselect(label, sorted(names), key=key, bind="query-params", placeholder="All")
    return tuple(found)


def _midnight(day: date | None, zone: ZoneInfo, days: int = 0) -> datetime | None:
    if day is None:
        return None
    return datetime.combine(day + timedelta(days=days), time(tzinfo=zone))


def _problem(
    least: float | None,
    most: float | None,
    received_from: datetime | None,
    received_before: datetime | None,
) -> str:
    if least is not None and most is not None and least > most:
        return "From percent is above to percent."
    if received_from and received_before and received_from >= received_before:
        return "The first day is after the last one."
    return ""


if __name__ == "__main__":
    show()
