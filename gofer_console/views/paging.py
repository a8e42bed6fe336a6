"""Pages of long tables, the number in the URL; and rows that were selected, by their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from gofer_console.views.scores import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

ROWS: Final = 100
"""Of one page."""
_DIGITS: Final = 9
"""That are read of a number in the URL; Python refuses to read thousands."""


def offset(count: int, *, key: str = "page") -> int:
    """Return how many rows come before the page that is asked for, which is put within bounds.

    Args:
        count: of all rows.
        key: of the parameter in the URL.
    """
    asked = st.session_state.get(key, st.query_params.get(key, "1"))
    pages = max(1, -(-count // ROWS))
    said = str(asked)
    number = int(said[:_DIGITS]) if said.isdecimal() else 1
    number = min(max(number, 1), pages)
    if key in st.session_state or number != 1:
        st.session_state[key] = number
    return (number - 1) * ROWS


def turner(count: int, *, noun: str, plural: str | None = None, key: str = "page") -> None:
    """Show how many rows there are, and what turns pages where one does not hold them all."""
    pages = max(1, -(-count // ROWS))
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="right"):
        st.caption(counted(count, noun, plural))
        if pages > 1:
            st.pagination(pages, key=key, bind="query-params")


def table_key(name: str, ids: Sequence[str]) -> str:
    """Return a table's key that changes with its rows: a selection is of places, not of rows."""
    return f"{name}_{hash(tuple(ids)):x}"


def selected(event: Any, ids: Sequence[str]) -> list[str]:
    """Return the ids of the rows that are selected.

    Args:
        event: what `st.dataframe` returned with `on_select="rerun"`.
        ids: of the rows, in their order.
    """
    return [ids[row] for row in event.selection.rows if row < len(ids)]
