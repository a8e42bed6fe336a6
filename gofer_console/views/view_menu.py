"""The menu of saved views beside the title of the grades."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from gofer_console.saved_views import NAME_CHARACTERS, SavedView, SavedViews
from gofer_console.views import foreign, places
from gofer_console.views.desk import desk
from shared.errors import GoferError

if TYPE_CHECKING:
    from gofer_console.views.desk import Desk

_SAID = "views_said"


def show(here: Desk) -> None:
    """Show the menu: views to open, and one to save this as."""
    said = st.session_state.pop(_SAID, None)
    with st.popover("Views", icon=":material/bookmarks:", key="views"):
        if said is not None:
            st.text(said)
        views = SavedViews(here.volume).all()
        if not views:
            st.caption("A view keeps filters, order and columns under a name, for all staff.")
        for at, view in enumerate(views):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.page_link(
                    places.file_of("grades"),
                    label=foreign.span(view.name),
                    query_params=view.query,
                    width="stretch",
                )
                if here.person.may_edit:
                    st.button(
                        "Delete",
                        key=f"view_delete_{at}",
                        type="tertiary",
                        icon=":material/delete:",
                        on_click=_delete,
                        args=(view.name,),
                    )
        if here.person.may_edit:
            st.text_input("Name of this view", key="view_name", max_chars=NAME_CHARACTERS)
            st.button("Save this view", key="view_save", on_click=_save)


def _save() -> None:
    query = {key: st.query_params.get_all(key) for key in st.query_params if key != "page"}
    name = str(st.session_state.get("view_name") or "").strip()
    try:
        here = desk()
        here.insist_on_editing()
        SavedViews(here.volume).save(SavedView(name, query, here.person.name))
        st.session_state["view_name"] = ""
        st.session_state[_SAID] = f"Saved as {name}."
    except GoferError as error:
        st.session_state[_SAID] = str(error)


def _delete(name: str) -> None:
    try:
        here = desk()
        here.insist_on_editing()
        SavedViews(here.volume).delete(name)
    except GoferError as error:
        st.session_state[_SAID] = str(error)
