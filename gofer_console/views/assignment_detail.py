"""One assignment: its settings, its problems, how it goes, and what staff can ask for about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from gofer_console.request_words import rule_words
from gofer_console.terminal import plain
from gofer_console.views import assignment_charts, moments, places, requesting, states
from gofer_console.views.requesting import Wish
from gofer_console.views.scores import NONE, counted
from shared.model import AttemptsPolicy
from shared.requests import PublishPayload, RegradeStartPayload

if TYPE_CHECKING:
    from gofer_console.assignment_list import Listed
    from gofer_console.views.desk import Desk
    from shared.catalogue import Assignment

_MEGABYTE: Final = 1 << 20
_ATTEMPTS: Final = {
    AttemptsPolicy.BEST: "the best attempt counts",
    AttemptsPolicy.LATEST: "the latest attempt counts",
    AttemptsPolicy.FIRST: "the first attempt counts",
}


def show(here: Desk, one: Listed) -> None:
    """Show it."""
    counts, key, name = one.counts, one.assignment.key, str(one.assignment.key)
    place = {"course": key.course, "section": key.section, "assignment": key.assignment}
    for problem in one.problems:
        with st.container(border=True):
            st.markdown(":material/warning: **To be mended**")
            st.text(problem)
    with st.container(horizontal=True):
        st.metric("Students", f"{counts.students:,}", border=True)
        st.metric("Submissions", f"{counts.submissions:,}", border=True)
        st.metric("Grades", f"{counts.grades:,}", border=True)
        mean = NONE if counts.mean_fraction is None else f"{100 * counts.mean_fraction:.0f} %"
        st.metric("Mean grade", mean, border=True)
        st.metric(
            "By another zip",
            f"{one.by_other_zips:,}",
            border=True,
            help="Grades that another autograder zip made than the one that is there now.",
        )
    _actions(here, one)
    with st.container(horizontal=True):
        places.link("grades", "Grades", icon=":material/table_chart:", query=place)
        places.link("passback", "Passback", icon=":material/send:", query={"assignment": name})
        places.link("regrades", "Regrades", icon=":material/autorenew:", query={"assignment": name})
    with st.expander("Settings, as the grader sees them", icon=":material/settings:"):
        st.text(_settings(here, one))
    if here.gradebook is None or not counts.submissions:
        states.empty("Nothing was handed in yet", "Charts appear with the first submission.")
        return
    assignment_charts.show(here, here.gradebook, one)


def _actions(here: Desk, one: Listed) -> None:
    key, counts = one.assignment.key, one.counts
    place = {"course": key.course, "section": key.section, "assignment": key.assignment}
    stays = "No grade changes before you have looked at who moves, and apply it."
    with st.container(horizontal=True):
        requesting.ask_button(
            here,
            f"Regrade all ({counts.submissions:,})",
            Wish(
                [RegradeStartPayload(**place)] if counts.submissions and one.sha256 else [],
                f"{counted(counts.submissions, 'submission')} will be graded again with the zip of "
                f"now, after the live ones. {stays}",
                touches=counts.submissions,
                needs_reason=True,
            ),
            key="regrade_all",
            icon=":material/autorenew:",
        )
        requesting.ask_button(
            here,
            f"Regrade what another zip graded ({one.by_other_zips:,})",
            Wish(
                [RegradeStartPayload(**place, old_zip=True)] if one.by_other_zips else [],
                f"What makes {counted(one.by_other_zips, 'grade')}, and all else that another zip "
                f"graded, will be graded again. {stays}",
                touches=one.by_other_zips,
                needs_reason=True,
            ),
            key="regrade_old",
            icon=":material/autorenew:",
            is_primary=bool(one.by_other_zips),
        )
        for label, rule, says, icon in (
            ("Show results", "immediately", "Students see their results at once.", "visibility"),
            (
                "Hide results",
                "manual",
                "Students see no results until you show them again.",
                "visibility_off",
            ),
            ("Follow the course config", None, f"Then: {_rule(one.assignment)}.", "undo"),
        ):
            is_so = (str(one.by_hand) if one.by_hand else None) == rule
            if is_so and rule is None:
                continue  # nobody set anything by hand
            requesting.ask_button(
                here,
                label,
                Wish(
                    [] if is_so else [PublishPayload(**place, rule=rule)],
                    f"{says} Nothing goes to the LMS by it.",
                ),
                key=f"publish_{rule}",
                icon=f":material/{icon}:",
            )


def _rule(assignment: Assignment) -> str:
    return f"results are shown {rule_words(assignment.publish)}"


def _settings(here: Desk, one: Listed) -> str:
    assignment, limits = one.assignment, one.assignment.limits
    policy = assignment.policy
    zone = here.zone(assignment.key)
    spec = one.spec
    due = moments.moment(policy.due_at, zone) if policy.due_at else "nothing is ever late"
    passback = assignment.passback
    lines = {
        "Zip": f"{assignment.autograder_zip}",
        "SHA-256": one.sha256 or "no such file",
        "Questions": (
            "not looked at yet"
            if spec is None
            else f"{len(spec.questions)}, {spec.points_possible:g} points, otter "
            f"{spec.otter_version or '?'}"
        ),
        "Image": assignment.image or f"{here.settings.grader_image} (the usual one)",
        "Limits": f"{limits.time_s:g} s, a cell {limits.longest_cell_s:g} s, "
        f"{limits.memory_bytes // _MEGABYTE} MB, {limits.cpus:g} processors, "
        f"{limits.pids} processes",
        "Due": due,
        "Late": _late(assignment),
        "Attempts": _ATTEMPTS[policy.attempts]
        + (f", of the first {policy.max_attempts}" if policy.max_attempts else ""),
        "May submit": str(assignment.rate),
        "Results": rule_words(one.publish) + (" (set by hand)" if one.by_hand else ""),
        "LMS": "its grades go nowhere" if passback is None else passback.kind.value.upper(),
    }
    if spec is not None and spec.notes:
        lines["Notes"] = " ".join(spec.notes)
    return "\n".join(f"{name}: {plain(text)}" for name, text in lines.items())


def _late(assignment: Assignment) -> str:
    policy = assignment.policy
    if policy.due_at is None:
        return NONE
    late = policy.late
    parts = []
    if late.grace_s:
        parts.append(f"{late.grace_s / 60:g} minutes do not count")
    parts.append(
        f"{late.percent:g} % for each {late.per.value}" if late.percent else "costs nothing"
    )
    if late.cutoff_s is not None:
        parts.append(f"nothing counts after {late.cutoff_s / 3600:g} hours")
    return ", ".join(parts)
