"""Asking for something about many grades at once: what, of which, how many, why.

What was chosen is kept when the dialog opens, with the ids that the requests will have. So what is
done is what was shown, whatever the table does meanwhile, and a second click finds it done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import streamlit as st

from gofer_console.grade_bulk import TYPED_ABOVE, Bulk, Meant, listed_keys, new_ids, payloads
from gofer_console.views import foreign
from gofer_console.views.desk import desk
from gofer_console.views.scores import counted
from shared.errors import GoferError
from shared.requests import Choice

if TYPE_CHECKING:
    from shared.model import SubmissionId

_ASKED: Final = "bulk_asked"
_SAID: Final = "bulk_said"
_CHOICES: Final = {
    Choice.ALL: "All of each student's submissions",
    Choice.LATEST: "The latest of each student",
    Choice.BEST: "The best of each student",
    Choice.FAILED: "Those that ended without a score",
}
_TITLES: Final = {
    Bulk.REGRADE: "Regrade",
    Bulk.POST: "Post to the LMS",
    Bulk.HOLD: "Hold back from the LMS",
}
_SHOWN: Final = 8
_NOT_ASKED: Final = (":material/error:", "Not everything was asked for")


@dataclass(frozen=True, slots=True)
class _Asked:
    what: Bulk
    meant: Meant
    ids: tuple[SubmissionId, ...]


def open_dialog(what: Bulk, meant: Meant) -> None:
    """Have the dialog open with the next run of the page; a callback."""
    _put_away()
    try:
        count = len(payloads(what, meant))
    except GoferError as error:
        st.session_state[_SAID] = (False, str(error))
        return
    st.session_state[_ASKED] = _Asked(what, meant, new_ids(count))


def show() -> None:
    """Show the dialog where one is open, and what came of the last one."""
    # The place is there without words in it, too: what comes after it would otherwise be drawn anew
    # as they come or go, and lose the click that is made meanwhile.
    with st.container():
        _show_said()
    asked: _Asked | None = st.session_state.get(_ASKED)
    if asked is not None:
        st.dialog(_TITLES[asked.what], on_dismiss=_dismiss)(_content)(asked)


def _show_said() -> None:
    # It stays until it is put away: the second click of a double one ends the run that shows it.
    said = st.session_state.get(_SAID)
    if said is None:
        return
    is_well, text = said
    icon, title = (":material/check_circle:", "Asked for") if is_well else _NOT_ASKED
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"{icon} **{title}**", width="content")
        st.text(text)
        st.button("Close", key="bulk_close", type="tertiary", on_click=_put_away)


def _content(asked: _Asked) -> None:
    if st.session_state.get(_ASKED) is None:
        st.rerun()  # it was answered, which runs the dialog alone: the page has to close it
    count = asked.meant.count
    grades = "1 grade" if count == 1 else f"{count:,} grades"
    st.markdown(f"**{grades}** of {counted(len(asked.meant.keys), 'assignment')}:")
    foreign.line(listed_keys(asked.meant.keys))
    if asked.meant.places:
        names = list(dict.fromkeys(student for student, _ in asked.meant.places))
        more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
        foreign.line(f"{', '.join(names[:_SHOWN])}{more}")
    else:
        st.caption("Every student's.")
    choice = Choice.ALL
    if asked.what is Bulk.REGRADE:
        choice = st.selectbox(
            "Which submissions", list(_CHOICES), format_func=_CHOICES.__getitem__, key="bulk_choice"
        )
        st.caption(
            "They are graded again in the background. No grade changes before somebody looks at "
            "the result and applies it, on the page Regrades."
        )
    elif asked.what is Bulk.HOLD:
        st.caption(
            "Holding is for whole assignments: no grade of these goes to the LMS until it is "
            "released, on the page Passback."
        )
    why = st.text_input("Reason, for the record", key="bulk_why", max_chars=500)
    is_typed = True
    if count > TYPED_ABOVE:
        typed = st.text_input(f"Type {count} to confirm", key="bulk_typed", live=True)
        is_typed = (typed or "").strip().replace(",", "") == str(count)
    with st.container(horizontal=True, horizontal_alignment="right"):
        st.button("Cancel", key="bulk_cancel", on_click=_dismiss)
        st.button(
            f"{_TITLES[asked.what]} ({count:,})",
            key="bulk_confirm",
            type="primary",
            disabled=not is_typed,
            on_click=_deliver,
            args=(asked, choice, why or ""),
        )


def _deliver(asked: _Asked, choice: Choice, why: str) -> None:
    st.session_state.pop(_ASKED, None)
    done = 0
    try:
        here = desk()
        here.insist_on_editing()
        wanted = payloads(asked.what, asked.meant, choice)
        for payload, request_id in zip(wanted, asked.ids, strict=True):
            here.ask(payload, why=why, request_id=request_id)
            done += 1
    except GoferError as error:
        st.session_state[_SAID] = (False, f"{done} of {len(asked.ids)} requests: {error}")
        return
    except ValueError:
        st.session_state[_SAID] = (False, "This names too much for one request. Choose fewer.")
        return
    what = "It is" if done == 1 else f"{done} requests are"
    st.session_state[_SAID] = (
        True,
        f"{what} on the way to the grader. The page Audit shows when it is done.",
    )


def _put_away() -> None:
    st.session_state.pop(_SAID, None)


def _dismiss() -> None:
    for key in (_ASKED, "bulk_typed", "bulk_why"):
        st.session_state.pop(key, None)
