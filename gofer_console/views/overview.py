"""Overview: how grading goes just now."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import altair as alt
import streamlit as st

from gofer_console import health, lately
from gofer_console.terminal import plain
from gofer_console.views import chips, moments, places, states
from gofer_console.views.desk import desk
from shared.model import utc_now

if TYPE_CHECKING:
    from datetime import datetime

    from streamlit.delta_generator import DeltaGenerator

    from gofer_console.lately import Standing
    from gofer_console.status import Status
    from gofer_console.views.chips import Chip
    from gofer_console.views.desk import Desk

_LIVE_S: Final = 2.0
_CHART_S: Final = 60.0
_GIGABYTE: Final = 1 << 30
_CHART_HEIGHT: Final = 190


def show() -> None:
    """Show the page."""
    here = desk()
    st.title(places.title_of("overview"))
    states.grader_banner(here)
    _now()
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _last_hours()
    with right:
        _last_failures()


@st.fragment(run_every=_LIVE_S)
@states.telling_trouble()
def _now() -> None:
    here = desk()
    found = _standing(here)
    for notice in health.notices(found.status, is_held=found.is_held):
        _tell(notice)
    _numbers(found.status)
    _parts(here, found.status)
    st.caption(
        f"As of {found.status.at.astimezone(here.zone()):%H:%M:%S}, {here.zone().key}. "
        "This page looks again by itself."
    )


def _side_by_side(number: int) -> list[DeltaGenerator]:
    """Make places beside one another, two by two where the window is narrow."""
    with st.container(horizontal=True):
        return [st.container(height="stretch") for _ in range(number)]


def _standing(here: Desk) -> Standing:
    room = here.room
    return room.standing.get(lambda: lately.standing(here.settings, here.spool, here.gradebook))


def _tell(notice: health.Notice) -> None:
    is_problem = notice.level is health.Level.PROBLEM
    show = st.error if is_problem else st.warning
    show(notice.text, icon=":material/error:" if is_problem else ":material/warning:")
    if notice.page is not None:
        places.link(
            notice.page,
            f"Open {places.title_of(notice.page).lower()}",
            icon=":material/arrow_forward:",
        )


def _numbers(found: Status) -> None:
    census, snapshot, ended = found.census, found.snapshot, found.last_hour
    waiting, running, graded, failed = _side_by_side(4)
    with waiting, st.container(border=True, height="stretch"):
        oldest = None if census is None else census.oldest_received_at
        st.metric(
            "Waiting",
            f"{census.waiting if census else 0:,}",
            help="Submissions and requests that were taken and are not done yet.",
        )
        st.caption("Nothing waits" if oldest is None else f"Oldest: {moments.ago(oldest)}")
    with running, st.container(border=True, height="stretch"):
        at_once = snapshot.concurrency if snapshot is not None and found.is_at_work else 0
        in_hand = len(snapshot.running) if snapshot is not None and found.is_at_work else 0
        st.metric("Being graded", f"{in_hand:,}")
        typical = snapshot.typical_s if snapshot is not None else None
        usual = "" if typical is None else f", {typical:.1f} s each"
        st.caption(f"Up to {at_once} at a time{usual}" if at_once else "No grader is at work")
    with graded, st.container(border=True, height="stretch"):
        st.metric("Graded in the last hour", f"{ended.graded if ended else 0:,}")
        without = ended.without_score if ended else 0
        places.link("grades", "Open grades", icon=":material/arrow_forward:")
        if without:
            st.caption(f"{without:,} ended without a score")
    with failed, st.container(border=True, height="stretch"):
        st.metric(
            "Could not be graded",
            f"{census.failed if census else 0:,}",
            help="Our machinery failed on these. No student's grade or attempt was touched.",
        )
        places.link("failed", "Open failed", icon=":material/arrow_forward:")


def _parts(here: Desk, found: Status) -> None:
    with st.container(border=True):
        columns = _side_by_side(4)
        for column, (name, state, text, page) in zip(
            columns,
            (_grader(found), _sandbox(here, found), _passback(found), _disk(found)),
            strict=True,
        ):
            with column:
                with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                    st.markdown(f"**{name}**", width="content")
                    chips.chip(state)
                st.caption(text)
                if page is not None:
                    places.link(
                        page,
                        f"Open {places.title_of(page).lower()}",
                        icon=":material/arrow_forward:",
                    )


_Part = tuple[str, "Chip", str, str | None]


def _grader(found: Status) -> _Part:
    snapshot = found.snapshot
    if snapshot is None:
        return "Grader", chips.Chip("Not started", "red"), "It has not run here yet.", None
    if not found.is_at_work:
        since = f"Last heard of {moments.ago(snapshot.written_at)}."
        return "Grader", chips.Chip("Not running", "red"), since, None
    if snapshot.paused is not None:
        return "Grader", chips.Chip("Paused", "orange"), "It goes on by itself.", None
    return "Grader", chips.Chip("At work", "green"), "It takes what comes, in turn.", None


def _sandbox(here: Desk, found: Status) -> _Part:
    snapshot = found.snapshot
    kind = "containers" if here.settings.sandbox == "docker" else "processes, for trying Gofer"
    if snapshot is None or not found.is_at_work:
        return "Sandbox", chips.Chip("Unknown", "gray"), f"Notebooks run in {kind}.", None
    if snapshot.paused in {"engine", "image"}:
        return "Sandbox", chips.Chip("Not ready", "red"), f"Notebooks run in {kind}.", None
    ready = f"{snapshot.warm_idle:,} ready ahead." if snapshot.warm_idle else "None ready ahead."
    return "Sandbox", chips.Chip("Ready", "green"), f"Notebooks run in {kind}. {ready}", None


def _passback(found: Status) -> _Part:
    outbox = found.snapshot.passback if found.snapshot is not None else None
    if outbox is None:
        return "Passback", chips.Chip("Off", "gray"), "No grades go to an LMS.", "passback"
    if outbox.troubled or outbox.failed:
        state = chips.Chip("Look at it", "red")
    elif outbox.parked:
        state = chips.Chip("Look at it", "orange")
    else:
        state = chips.Chip("Well", "green")
    numbers = (
        (outbox.queued, "on their way"),
        (outbox.held, "held"),
        (outbox.parked, "with nowhere to go"),
        (outbox.failed, "refused"),
    )
    text = ", ".join(f"{number:,} {what}" for number, what in numbers if number)
    return "Passback", state, f"{text}." if text else "Nothing is on its way.", "passback"


def _disk(found: Status) -> _Part:
    census, snapshot = found.census, found.snapshot
    if census is None:
        return "Disk", chips.Chip("Unknown", "gray"), "The spool is not there yet.", None
    if census.free_bytes < health.NO_ROOM_BYTES:
        state = chips.Chip("Full", "red")
    elif census.free_bytes < health.LITTLE_ROOM_BYTES:
        state = chips.Chip("Nearly full", "orange")
    else:
        state = chips.Chip("Well", "green")
    backed_up_at = snapshot.backed_up_at if snapshot is not None else None
    backup = "" if backed_up_at is None else f" Backup: {moments.ago(backed_up_at)}."
    return "Disk", state, f"{census.free_bytes / _GIGABYTE:,.0f} GB free.{backup}", None


@st.fragment(run_every=_CHART_S)
@states.telling_trouble()
def _last_hours() -> None:
    here = desk()
    st.subheader("The last 24 hours")
    hours = here.room.by_hour.get(lambda: lately.by_hour(here.gradebook))
    if not hours:
        states.empty("Nothing was graded", "Runs appear here hour by hour.")
        return
    zone = here.zone()
    rows = [
        {
            "Hour": hour.astimezone(zone).replace(tzinfo=None).isoformat(),
            "How it ended": name,
            "Runs": number,
        }
        for hour, ended in hours.items()
        for name, number in (("Graded", ended.graded), ("Without a score", ended.without_score))
        if number
    ]
    # Naive on purpose: a browser would put aware times into its own zone.
    now = utc_now().astimezone(zone).replace(tzinfo=None, minute=0, second=0, microsecond=0)
    earliest = now - timedelta(hours=lately.HOURS_SHOWN - 1)
    chart = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_bar()
        .encode(
            x=alt.X(
                "Hour:T",
                title=None,
                timeUnit="yearmonthdatehours",
                scale=alt.Scale(domain=[_at(earliest), _at(now + timedelta(hours=1))]),
                axis=alt.Axis(format="%H:%M", labelOverlap=True),
            ),
            y=alt.Y("Runs:Q", title=None, axis=alt.Axis(tickMinStep=1)),
            color=alt.Color("How it ended:N", title=None, legend=alt.Legend(orient="top")),
            tooltip=[alt.Tooltip("Hour:T", format="%d %b, %H:%M"), "How it ended:N", "Runs:Q"],
        )
        .properties(height=_CHART_HEIGHT)
    )
    total = sum(ended.graded for ended in hours.values())
    st.altair_chart(chart, alt=f"Runs by the hour; {total} were graded in the last 24 hours.")


def _at(moment: datetime) -> alt.DateTime:
    return alt.DateTime(
        year=moment.year, month=moment.month, date=moment.day, hours=moment.hour, minutes=0
    )


@st.fragment(run_every=_LIVE_S * 5)
@states.telling_trouble()
def _last_failures() -> None:
    here = desk()
    st.subheader("Last failures")
    census = _standing(here).status.census
    count = 0 if census is None else census.failed
    failures = here.room.failures.get(lambda: lately.newest_failures(here.spool, count))
    if not failures:
        if count:
            states.empty(f"{count:,} could not be graded", "The page Failed lists them.")
        else:
            states.empty("Nothing failed", "Everything that was taken could be graded or waits.")
        return
    rows = [
        {
            "Set aside": failure.buried_at.astimezone(here.zone()).replace(tzinfo=None),
            "Assignment": plain(failure.envelope.payload.key.assignment)
            if failure.envelope
            else "?",
            "Reason": plain(failure.reason),
        }
        for failure in failures
    ]
    st.dataframe(
        rows,
        hide_index=True,
        column_config={"Set aside": st.column_config.DatetimeColumn(format="D MMM, HH:mm")},
        alt="The submissions that could not be graded, newest first",
    )
    places.link("failed", "Open failed", icon=":material/arrow_forward:")


if __name__ == "__main__":
    show()
