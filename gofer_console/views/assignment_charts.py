"""Charts of one assignment. What they show is counted in SQL; a chart never gets a class's rows."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

import altair as alt
import streamlit as st

from gofer_console.views import moments
from shared.gradebook.assignment_figures import (
    SCORE_BINS,
    question_rates,
    score_bins,
    submissions_by_hour,
    waits,
)

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from sqlalchemy import Engine

    from gofer_console.assignment_list import Listed
    from gofer_console.views.desk import Desk
    from shared.model import AssignmentKey

_HEIGHT: Final = 220
_BY_THE_DAY: Final = timedelta(days=3)
"""What came in over longer than this is counted by the day."""
_QUESTIONS: Final = 40
_LINE_PX: Final = 24


def show(here: Desk, gradebook: Engine, one: Listed) -> None:
    """Show them."""
    key = one.assignment.key
    left, right = st.columns(2)
    with left:
        st.subheader("Grades")
        _scores(gradebook, key)
    with right:
        st.subheader("Submissions")
        _submissions(gradebook, key, one.assignment.policy.due_at, here.zone(key))
    with left:
        st.subheader("Questions")
        _questions(gradebook, key)
    with right:
        st.subheader("From receipt to result")
        _waits(gradebook, key)


def _scores(gradebook: Engine, key: AssignmentKey) -> None:
    width = 100 // SCORE_BINS
    rows = [
        {"low": at * width, "high": (at + 1) * width, "grades": number}
        for at, number in enumerate(score_bins(gradebook, key))
    ]
    every = sum(row["grades"] for row in rows)
    if not every:
        st.caption("There is no grade yet.")
        return
    chart = (
        alt.Chart(_data(rows))
        .mark_bar(cornerRadiusEnd=2)
        .encode(
            alt.X(
                "low:O",
                title="Percent of the points, from",
                axis=alt.Axis(labelAngle=0, labelOverlap=True),
            ),
            alt.Y("grades:Q", title="Grades", axis=alt.Axis(tickMinStep=1, format="d")),
            tooltip=[
                alt.Tooltip("low:Q", title="From %"),
                alt.Tooltip("high:Q", title="To %"),
                alt.Tooltip("grades:Q", title="Grades"),
            ],
        )
        .properties(height=_HEIGHT)
    )
    full = rows[-1]["grades"]
    st.altair_chart(
        chart, alt=f"How {every} grades are spread; {full} have {100 - width} percent or more."
    )


def _questions(gradebook: Engine, key: AssignmentKey) -> None:
    rates = question_rates(gradebook, key)
    if not rates:
        st.caption("There is no question with points yet.")
        return
    rows = [
        {
            "question": one.question,
            "share": one.full / one.graded,
            "mean": one.mean_fraction,
            "full": one.full,
            "graded": one.graded,
        }
        for one in rates[:_QUESTIONS]
    ]
    chart = (
        alt.Chart(_data(rows))
        .mark_bar(cornerRadiusEnd=2)
        .encode(
            alt.X(
                "share:Q",
                title="Students with full points",
                axis=alt.Axis(format="%"),
                scale=alt.Scale(domain=[0, 1]),
            ),
            alt.Y("question:N", sort=None, title=None),
            tooltip=[
                alt.Tooltip("question:N", title="Question"),
                alt.Tooltip("full:Q", title="With full points"),
                alt.Tooltip("graded:Q", title="Graded"),
                alt.Tooltip("mean:Q", title="Mean", format=".0%"),
            ],
        )
        .properties(height=max(_LINE_PX * len(rows), 60))
    )
    hardest = min(rates, key=lambda one: one.full / one.graded)
    st.altair_chart(
        chart,
        alt=f"Students with full points on each of {len(rates)} questions; the fewest, "
        f"{hardest.full} of {hardest.graded}, on {hardest.question}.",
    )
    if len(rates) > _QUESTIONS:
        st.caption(f"The first {_QUESTIONS} of {len(rates)} questions.")


def _submissions(
    gradebook: Engine, key: AssignmentKey, due_at: datetime | None, zone: ZoneInfo
) -> None:
    hours = submissions_by_hour(gradebook, key)
    if not hours:
        st.caption("Nothing was handed in yet.")
        return
    by_day = hours[-1][0] - hours[0][0] > _BY_THE_DAY
    counts: Counter[str] = Counter()
    for at, number in hours:
        local = at.astimezone(zone)
        begin = local.replace(hour=0) if by_day else local
        counts[begin.strftime("%Y-%m-%dT%H:%M:%S")] += number
    rows = [{"at": at, "submissions": number} for at, number in sorted(counts.items())]
    unit: Literal["yearmonthdate", "yearmonthdatehours"]
    unit = "yearmonthdate" if by_day else "yearmonthdatehours"
    title = f"{'Day' if by_day else 'Hour'} ({zone.key})"
    bars = (
        alt.Chart(_data(rows))
        .mark_bar(cornerRadiusEnd=2)
        .encode(
            alt.X("at:T", timeUnit=unit, title=title),
            alt.Y("submissions:Q", title="Submissions", axis=alt.Axis(tickMinStep=1, format="d")),
            tooltip=[
                alt.Tooltip("at:T", title="From", format="%d %b %Y, %H:%M"),
                alt.Tooltip("submissions:Q", title="Submissions"),
            ],
        )
    )
    told = f"{sum(counts.values())} submissions over time."
    if due_at is not None:
        due = due_at.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S")
        line = (
            alt.Chart(_data([{"at": due}]))
            .mark_rule(strokeDash=[5, 4], color="#b4434a", size=2)
            .encode(
                alt.X("at:T"), tooltip=[alt.Tooltip("at:T", title="Due", format="%d %b %Y, %H:%M")]
            )
        )
        bars = bars + line
        told += f" Due {moments.clock(due_at, zone)}."
        st.caption(f"The dashed line is when it is due, {moments.clock(due_at, zone)}.")
    st.altair_chart(bars.properties(height=_HEIGHT), alt=told)


def _waits(gradebook: Engine, key: AssignmentKey) -> None:
    found = waits(gradebook, key)
    every = sum(number for _, number in found)
    if not every:
        st.caption("Nothing was graded yet.")
        return
    rows = []
    longest = "more"
    for limit, number in found:
        label = "longer" if limit is None else f"≤ {moments.span(timedelta(seconds=limit))}"
        rows.append({"within": label, "submissions": number})
        if number:
            longest = label
    chart = (
        alt.Chart(_data(rows))
        .mark_bar(cornerRadiusEnd=2)
        .encode(
            alt.X("within:N", sort=None, title=None, axis=alt.Axis(labelAngle=-40)),
            alt.Y("submissions:Q", title="Submissions", axis=alt.Axis(tickMinStep=1, format="d")),
            tooltip=[
                alt.Tooltip("within:N", title="Within"),
                alt.Tooltip("submissions:Q", title="Submissions"),
            ],
        )
        .properties(height=_HEIGHT)
    )
    st.altair_chart(chart, alt=f"How long {every} submissions took; the slowest {longest}.")


def _data(rows: list[dict[str, Any]]) -> alt.Data:
    return alt.Data(values=rows)  # type: ignore[no-untyped-call]
