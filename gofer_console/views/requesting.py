"""Asking for something on a page: a button that says what it will do, and what came of it.

Asking waits for nothing. What was asked for is shown as waiting until the grader has done it, and a
second click on a button, or the same request again while the first one waits, asks for nothing.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import streamlit as st

from gofer_console.request_words import about, action_words
from gofer_console.views import chips, states
from gofer_console.views.desk import desk
from shared.errors import GoferError
from shared.gradebook.staff_requests import done_requests

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gofer_console.views.desk import Desk
    from shared.gradebook.staff_requests import DoneRequest
    from shared.model import SubmissionId
    from shared.requests import StaffPayload

LARGE: Final = 50
"""From so many on, staff type the number before it is done."""
MOST_AT_ONCE: Final = 500
"""Requests that one click delivers; each is a folder on the disk, written safely."""
_SHOWN: Final = 5
_LOOK_EVERY_S: Final = 2.0
_MEMORY: Final = "requests asked for"


@dataclass(slots=True)
class _Asked:
    words: str
    done: DoneRequest | None = None


@dataclass(frozen=True, slots=True)
class _Trouble:
    """Why not all was asked for, and how much of it was.

    Attributes:
        text: in plain words.
        asked: how many requests were made.
        of: how many were wanted.
    """

    text: str
    asked: int = 0
    of: int = 0


@dataclass(slots=True)
class _Memory:
    """What this session asked for, by request; and which turn each button's form is in."""

    asked: dict[SubmissionId, _Asked] = field(default_factory=dict)
    turns: dict[str, int] = field(default_factory=dict)
    problems: dict[str, _Trouble] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a button asks for.

    Attributes:
        payloads: one request each.
        says: what will happen, in a sentence or two; it may quote others.
        touches: how many submissions, grades or students it is about; None where nobody can say.
        needs_reason: whether a reason has to be given.
        made: makes more requests from what was filled in, given the turn that `fields` of
            `ask_button` was given. It raises `GoferError` with what is wrong.
    """

    payloads: Sequence[StaffPayload]
    says: str
    touches: int | None = None
    needs_reason: bool = False
    made: Callable[[int], Sequence[StaffPayload]] | None = None


def ask_button(
    here: Desk,
    label: str,
    wish: Wish,
    *,
    key: str,
    icon: str | None = None,
    is_primary: bool = False,
    fields: Callable[[int], None] | None = None,
) -> None:
    """Show a button that opens what it asks for, with the reason and the button that does it.

    Args:
        here: the desk.
        label: of the button; ours alone, it is Markdown.
        wish: what it asks for; a button without any cannot be pressed.
        key: of the widgets, unique on the page.
        icon: a Material icon.
        is_primary: whether it is what people came for.
        fields: shows what else is to be filled in, given which turn the form is in; the keys of its
            widgets have to hold it, so that each request starts with empty ones.
    """
    memory = _memory()
    turn = memory.turns.get(key, 0)
    may = here.person.may_edit
    with st.popover(
        label,
        icon=icon,
        type="primary" if is_primary else "secondary",
        disabled=not (may and _is_something(wish)),
        help=None if may else "You may look at everything here, and change nothing.",
        key=f"{key}_popover_{turn}",
    ):
        st.text(wish.says)
        with st.form(f"{key}_form_{turn}", border=False):
            if fields is not None:
                fields(turn)
            st.text_input(
                "Reason" if wish.needs_reason else "Reason (optional)",
                key=f"{key}_why_{turn}",
                max_chars=1000,
                help="It is kept with the request, for whoever asks later.",
            )
            if _is_large(wish):
                st.text_input(
                    f"Type {wish.touches} to confirm", key=f"{key}_typed_{turn}", max_chars=20
                )
            st.form_submit_button(
                label,
                type="primary",
                on_click=_deliver,
                args=(key, turn, wish),
                disabled=not (may and _is_something(wish)),
                key=f"{key}_submit_{turn}",
            )
    if key in memory.problems:
        trouble = memory.problems.pop(key)
        what = f"{trouble.asked} of {trouble.of} were" if trouble.asked else "Nothing was"
        st.error(f":material/error: {what} asked for.")
        st.text(trouble.text)


def one_click_at_a_time() -> threading.Lock:
    """Return this session's lock: callbacks of several clicks may run in threads of their own."""
    return _memory().lock


def answers(here: Desk) -> None:
    """Show what this session asked for lately and what came of it; nothing where it did not.

    Call it before the page reads what requests change, so that both are of one moment.
    """
    memory = _memory()
    if not memory.asked:
        return
    _look(here, memory)
    waits = any(one.done is None for one in memory.asked.values())
    st.fragment(_panel, run_every=_LOOK_EVERY_S if waits else None)()


@states.telling_trouble()
def _panel() -> None:
    memory, here = _memory(), desk()
    if _look(here, memory):
        st.rerun()  # the page around shows what has changed
    with st.container(border=True, key="answers"):
        for one in list(memory.asked.values())[-_SHOWN:]:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                state = "pending" if one.done is None else one.done.outcome.value
                chips.chip(chips.REQUESTS[state])
                st.text(f"{one.words}. {one.done.message if one.done else ''}")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(_summary(list(memory.asked.values())))
            st.button("Clear", key="clear_answers", on_click=memory.asked.clear, type="tertiary")


def _summary(asked: Sequence[_Asked]) -> str:
    waiting = sum(one.done is None for one in asked)
    more = len(asked) - _SHOWN
    parts = [f"{more} more not shown."] if more > 0 else []
    if waiting:
        parts.append(f"{waiting} waiting for the grader. It is safe to leave this page.")
    return " ".join(parts) or "All done."


def _look(here: Desk, memory: _Memory) -> bool:
    """Note what is done by now; return whether anything is new."""
    waiting = [request_id for request_id, one in memory.asked.items() if one.done is None]
    if not waiting or here.gradebook is None:
        return False
    done = done_requests(here.gradebook, waiting)
    for request_id, answer in done.items():
        memory.asked[request_id].done = answer
    return bool(done)


def _deliver(key: str, turn: int, wish: Wish) -> None:
    memory = _memory()
    # Streamlit runs a second click's callback in another thread while the first one's still works.
    # It has to wait, or the page would be drawn without what the first click asked for.
    with memory.lock:
        if memory.turns.get(key, 0) != turn:
            return
        why = str(st.session_state.get(f"{key}_why_{turn}") or "").strip()
        problem = _problem(wish, why, str(st.session_state.get(f"{key}_typed_{turn}") or ""))
        if problem is not None:
            memory.problems[key] = _Trouble(problem)
            return
        before, wanted = len(memory.asked), wish.payloads
        try:
            wanted = (*wanted, *(wish.made(turn) if wish.made is not None else ()))
            memory.turns[key] = turn + 1  # what was filled in is well: the form begins anew
            _ask(wanted, why, memory)
        except GoferError as error:
            memory.problems[key] = _Trouble(
                str(error), asked=len(memory.asked) - before, of=len(wanted)
            )


def _ask(payloads: Sequence[StaffPayload], why: str, memory: _Memory) -> None:
    here = desk()
    waiting = [request.payload for request in here.pending()]
    for payload in payloads:
        if payload not in waiting:
            words = f"{action_words(payload.action)}: {about(payload)}"
            memory.asked[here.ask(payload, why=why)] = _Asked(words)


def _problem(wish: Wish, why: str, typed: str) -> str | None:
    if wish.needs_reason and not why:
        return "Say why: it is kept with the request."
    if _is_large(wish) and typed.strip().replace(",", "") != str(wish.touches):
        return f"To confirm, type {wish.touches} into the field."
    if len(wish.payloads) > MOST_AT_ONCE:
        return f"These are {len(wish.payloads)}; at most {MOST_AT_ONCE} go at once. Narrow it down."
    return None


def _is_something(wish: Wish) -> bool:
    return bool(wish.payloads) or wish.made is not None


def _is_large(wish: Wish) -> bool:
    return wish.touches is not None and wish.touches >= LARGE


def _memory() -> _Memory:
    if _MEMORY not in st.session_state:
        st.session_state[_MEMORY] = _Memory()
    memory: _Memory = st.session_state[_MEMORY]
    return memory
