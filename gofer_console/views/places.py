"""Where the console's pages are: their files, their paths, and links to them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Mapping

ICON: Final = Path(__file__).with_name("icon.png")
"""A file of ours: Material icons of pages are fetched from elsewhere by the browser."""

LOGO: Final = Path(__file__).with_name("logo.png")
"""The icon with the name beside it, readable on light and on dark."""


@dataclass(frozen=True, slots=True)
class Place:
    """A page.

    Attributes:
        name: of its file without `.py`, and of its path.
        title: as the navigation has it.
        icon: a Material icon; those of the navigation come with Streamlit.
        is_hidden: whether the navigation leaves it out; it is reached by links alone.
    """

    name: str
    title: str
    icon: str
    is_hidden: bool = False


PLACES: Final[dict[str, tuple[Place, ...]]] = {
    "Grading": (
        Place("overview", "Overview", ":material/dashboard:"),
        Place("grades", "Grades", ":material/table_chart:"),
        Place("submission", "Submission", ":material/description:", is_hidden=True),
        Place("assignments", "Assignments", ":material/assignment:"),
    ),
    "Changes": (
        Place("regrades", "Regrades", ":material/autorenew:"),
        Place("passback", "Passback", ":material/send:"),
        Place("failed", "Failed", ":material/report:"),
    ),
    "In and out": (
        Place("batch", "Batch", ":material/upload_file:"),
        Place("export", "Export", ":material/download:"),
        Place("audit", "Audit", ":material/history:"),
    ),
}


GRADES_QUERY: Final = "grades_query"
"""In a session: the parameters of the list of grades that was looked at last."""


def title_of(name: str) -> str:
    """Return the title of a page; `KeyError` where there is none of this name."""
    return _BY_NAME[name].title


def page_of(place: Place) -> st.Page:
    """Return a page as Streamlit's navigation takes it; the first one is where people land."""
    visibility: Literal["visible", "hidden"] = "hidden" if place.is_hidden else "visible"
    return st.Page(
        file_of(place.name),
        title=place.title,
        icon=place.icon,
        url_path=place.name,
        default=place.name == "overview",
        visibility=visibility,
    )


def file_of(name: str) -> str:
    """Return a page's file, as Streamlit's `switch_page` takes it."""
    return f"{name}.py"


def link(
    name: str, label: str, *, icon: str | None = None, query: Mapping[str, str] | None = None
) -> None:
    """Show a link to a page.

    Unlike the browser's own way back, it keeps what filters of a page stand in the URL.

    Args:
        name: of the page.
        label: what it says; Markdown, so it is ours alone.
        icon: a Material icon; None for none.
        query: parameters of the page's URL.
    """
    st.page_link(file_of(name), label=label, icon=icon, query_params=dict(query or {}))


_BY_NAME: Final = {place.name: place for places in PLACES.values() for place in places}
