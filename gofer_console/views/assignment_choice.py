"""Choosing an assignment of the catalogue, the choice in the URL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

if TYPE_CHECKING:
    from gofer_console.views.desk import Desk
    from shared.model import AssignmentKey

_ALL: Final = "All assignments"


def choose_assignment(
    here: Desk, *, key: str = "assignment", needs_one: bool = False
) -> AssignmentKey | None:
    """Show the choice and return what is chosen; None for all.

    Args:
        here: the desk.
        key: of the parameter in the URL.
        needs_one: whether all is none of the choices; then None means that there is none.
    """
    by_name = {str(one.key): one.key for one in here.catalogue}
    options = list(by_name) if needs_one else [_ALL, *by_name]
    chosen = st.selectbox("Assignment", options, key=key, bind="query-params")
    return by_name.get(chosen or "")
