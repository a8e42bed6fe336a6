"""Whose the parameters in the URL are: a page that is opened begins with its own, or with none.

Streamlit keeps what a parameter was when another page is opened, and gives it to whichever page has
a parameter of the same name: a search for a student among grades would hide what has failed.
"""

from __future__ import annotations

from typing import Final

import streamlit as st

OF_PAGES: Final[dict[str, tuple[str, ...]]] = {
    "grades": (
        *("assignment", "course", "section", "q", "student", "verdict", "flag", "passback"),
        *("min", "max", "from", "to", "old_zip", "page"),
    ),
    "assignments": ("name",),
    "regrades": ("assignment", "page"),
    "passback": ("assignment", "q", "state", "page"),
    "failed": ("assignment", "q", "page"),
    "export": (
        *("layout", "course", "section", "assignment", "verdict", "flag"),
        *("min_percent", "max_percent", "from", "to", "old_zip"),
    ),
    "audit": ("show", "action", "by", "when", "q", "page"),
}
"""Of each page that filters, the parameters that do. How a table looks is none of them."""

_WHOSE: Final = "parameters_of"


def begin(page: str) -> None:
    """Forget what another page was asked; call it before a page runs.

    A page that is come back to, with none of these between, is as it was left.

    Args:
        page: its name.
    """
    if page not in OF_PAGES:
        return
    last = st.session_state.get(_WHOSE)
    if last != page:
        for name in OF_PAGES.get(last or "", ()):
            st.session_state.pop(name, None)
        st.session_state[_WHOSE] = page
