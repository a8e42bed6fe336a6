"""Batch: notebooks handed in at once on their students' behalf, looked through first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from gofer_console.batch.uploads import Said, Upload, hand_in, look_through
from gofer_console.views import batch_results, chips, moments, places, requesting, states
from gofer_console.views.desk import desk
from gofer_console.views.scores import counted
from shared.errors import GoferError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gofer_console.batch.uploads import Looked
    from gofer_console.views.desk import Desk

_NONE: Final = "As each notebook says"
_PLAN: Final = "batch plan"
_SHOWN: Final = 1000
_NEW: Final = chips.Chip("Will be graded", "green")
_THERE: Final = chips.Chip("There already", "gray")


@dataclass(frozen=True, slots=True)
class _Plan:
    """What was looked through last: of which files, what was said, and what came out."""

    files: tuple[str, ...]
    said: Said
    looked: Looked | None
    problem: str = ""


def show() -> None:
    """Show the page."""
    here = desk()
    st.title(places.title_of("batch"))
    st.caption(
        "Hand in notebooks on their students' behalf: a zip, or several notebooks. Live ones go "
        "first, and what is there already is skipped, so doing it twice does no harm."
    )
    states.grader_banner(here)
    batch_results.show(here)
    if not here.person.may_edit:
        states.empty("You may look at everything here, and change nothing", icon=":material/lock:")
        return
    turn = st.session_state.get("batch_turn", 0)
    files = st.file_uploader(
        "Notebooks, zips of them, and a manifest",
        type=["ipynb", "zip", "csv"],
        accept_multiple_files=True,
        key=f"batch_files_{turn}",
        help="A manifest is a CSV file with the columns file, student and, where the notebooks do "
        "not say it, assignment and received_at.",
    )
    said = _said(here)
    if not files:
        return
    # The same files looked through in another way is another plan; so is each new upload.
    names = tuple(f"{one.file_id} {one.name}" for one in files)
    uploads = [Upload(one.name, one) for one in files]
    st.button(
        "Look through, and change nothing",
        icon=":material/search:",
        on_click=_look,
        args=(names, uploads, said),
        key="look",
    )
    plan: _Plan | None = st.session_state.get(_PLAN)
    if plan is not None and (plan.files, plan.said) == (names, said):
        _show_plan(here, plan, uploads)


def _said(here: Desk) -> Said:
    first, second, third = st.columns(3)
    pattern = first.text_input(
        "Name pattern (optional)",
        key="pattern",
        placeholder=r"(?P<student>[^_]+)_.*",
        help="A regular expression for file names, with a group named student. Without one, usual "
        "names of LMSs' downloads are known.",
    )
    assignment = second.selectbox(
        "Assignment", [_NONE, *(str(one.key) for one in here.catalogue)], key="batch_assignment"
    )
    as_of = third.text_input(
        "Received (optional)",
        key="as_of",
        placeholder="2026-12-01T18:00:00+01:00",
        help="When they count as received; otherwise now, or as the manifest says.",
    )
    return Said(
        pattern=(pattern or "").strip() or (here.settings.batch_pattern or ""),
        assignment="" if assignment in {None, _NONE} else str(assignment),
        as_of=(as_of or "").strip(),
    )


def _look(names: tuple[str, ...], uploads: Sequence[Upload], said: Said) -> None:
    try:
        here = desk()
        looked = look_through(uploads, said, here.catalogue, here.spool, here.gradebook)
        st.session_state[_PLAN] = _Plan(names, said, looked)
    except GoferError as error:
        st.session_state[_PLAN] = _Plan(names, said, None, str(error))


def _show_plan(here: Desk, plan: _Plan, uploads: Sequence[Upload]) -> None:
    if plan.looked is None:
        st.error("This batch cannot be taken.", icon=":material/error:")
        st.text(plan.problem)
        return
    looked = plan.looked
    entries, problems = looked.plan.entries, looked.plan.problems
    with st.container(horizontal=True):
        st.metric("Will be graded", f"{looked.new:,}", border=True)
        st.metric("There already", f"{len(entries) - looked.new:,}", border=True)
        st.metric("Cannot be taken", f"{len(problems):,}", border=True)
        st.metric("Other files", f"{len(looked.plan.others):,}", border=True)
    if entries:
        st.dataframe(
            [
                {
                    "": [_NEW.label if present is None else _THERE.label],
                    "File": entry.file,
                    "Student": entry.student,
                    "Assignment": str(entry.key),
                    "Received": moments.moment(entry.received_at, here.zone(entry.key))
                    if entry.received_at
                    else "now",
                }
                for entry, present in list(zip(entries, looked.present, strict=True))[:_SHOWN]
            ],
            hide_index=True,
            column_config=_COLUMNS,
            alt="Notebooks that were found, and whose they are",
        )
    batch_results.show_problems(problems)
    number = looked.new
    with st.form("hand_in", border=False):
        st.text_input("Reason (optional)", key="batch_why", max_chars=1000)
        st.form_submit_button(
            f"Hand in {counted(number, 'notebook')}",
            type="primary",
            icon=":material/upload:",
            disabled=not number,
            on_click=_hand_in,
            args=(plan, uploads, st.session_state.get("batch_turn", 0)),
            key="hand_in_submit",
        )


_COLUMNS: dict[str, Any] = {"": chips.chip_column((_NEW, _THERE), "")}


def _hand_in(plan: _Plan, uploads: Sequence[Upload], turn: int) -> None:
    with requesting.one_click_at_a_time():
        if st.session_state.get("batch_turn", 0) == turn:  # else it is the second click of two
            _deliver(plan, uploads, turn)


def _deliver(plan: _Plan, uploads: Sequence[Upload], turn: int) -> None:
    try:
        here = desk()
        here.insist_on_editing()
        taken, problems = hand_in(
            uploads,
            plan.said,
            here.catalogue,
            here.spool,
            here.gradebook,
            volume=here.volume,
            requested_by=here.person.name,
            reason=str(st.session_state.get("batch_why") or "").strip(),
        )
    except GoferError as error:
        st.session_state[_PLAN] = _Plan(plan.files, plan.said, None, str(error))
        return
    st.session_state["batch_turn"] = turn + 1  # the uploaded files are let go
    st.session_state.pop(_PLAN, None)
    batch_results.keep(taken, problems)


if __name__ == "__main__":
    show()
