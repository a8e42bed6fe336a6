"""Tabs whose names can be read in the dark as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamlit.delta_generator import DeltaGenerator


def tabs(names: Sequence[str]) -> Sequence[DeltaGenerator]:
    """Show tabs; return what each holds.

    Streamlit writes the name of the chosen one in the accent. In the dark no accent will do: it
    would have to be lighter to be read on the page, and darker for the white names of buttons that
    stand on it. So names have a colour of their own, and the line beneath says which is chosen.

    Args:
        names: of the tabs; ours alone, they are Markdown.
    """
    return st.tabs([f":blue[{name}]" for name in names])
