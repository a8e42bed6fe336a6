"""The script that Streamlit runs for every session: the navigation, and the page asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from gofer_console.views import parameters, states
from gofer_console.views.desk import desk
from gofer_console.views.places import ICON, LOGO, PLACES, page_of
from gofer_console.web.local_sign_in import LOCAL
from gofer_console.web.oauth_sign_in import SIGN_OUT

if TYPE_CHECKING:
    from gofer_console.views.desk import Desk


def main() -> None:
    """Show the page."""
    # Before the navigation: it would have the browser fetch the page's own icon from elsewhere.
    st.set_page_config(page_title="Gofer", page_icon=str(ICON), layout="wide")
    pages = {group: [page_of(place) for place in places] for group, places in PLACES.items()}
    page = st.navigation(pages)
    st.set_page_config(page_title=f"{page.title} \u00b7 Gofer")
    st.logo(str(LOGO), size="large", icon_image=str(ICON))
    parameters.begin(page.url_path)
    with states.telling_trouble():
        here = desk()
        with st.sidebar:
            _who(here)
        page.run()


def _who(here: Desk) -> None:
    with st.container(gap="xxsmall"):
        st.caption(":material/person: Signed in as")
        st.text(here.person.name)
        if not here.person.may_edit:
            st.caption("You may look at everything here, and change nothing.")
        if here.visit.id != LOCAL:
            st.caption(f"[Sign out]({here.settings.console_prefix}{SIGN_OUT})")


main()
