"""What a page says where it has nothing to show, or not everything is well."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import streamlit as st

from gofer_console.views import moments
from shared.errors import GoferError
from shared.queue_snapshot import STOPPED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gofer_console.views.desk import Desk


def empty(title: str, text: str = "", *, icon: str = ":material/inbox:") -> None:
    """Say that there is nothing here, and what would bring something.

    Args:
        title: a few words of ours, such as `No grades yet`.
        text: one sentence of ours on what to do, or when there will be some.
        icon: a Material icon.
    """
    with st.container(border=True, horizontal_alignment="center"):
        st.markdown(f"{icon} **{title}**", text_alignment="center")
        if text:
            st.caption(text, text_alignment="center")


def trouble(text: str, *, title: str = "This cannot be shown just now") -> None:
    """Say what went wrong.

    Args:
        text: may quote others: nothing in it is Markdown.
        title: a few words of ours.
    """
    with st.container(border=True):
        st.markdown(f":material/error: **{title}**")
        st.text(text)


@contextmanager
def telling_trouble() -> Iterator[None]:
    """Say in the page what goes wrong inside the block, where it is known what that is.

    A fragment needs one of its own: what it raises never reaches the router.
    """
    try:
        yield
    except GoferError as error:
        trouble(str(error))


def grader_banner(desk: Desk) -> None:
    """Say so where no grader is at work: what is asked for is kept, and done later."""
    if desk.is_grader_at_work:
        return
    snapshot = desk.snapshot
    if snapshot is None:
        since = "It has not been started here yet."
    elif snapshot.paused == STOPPED:
        since = f"It was stopped {moments.ago(snapshot.written_at)}."
    else:
        since = f"It was last heard of {moments.ago(snapshot.written_at)}."
    st.warning(
        f"The grader is not running. {since} Submissions are still taken, and what you ask for is "
        "kept and done once it runs again.",
        icon=":material/pause_circle:",
    )


def pending_banner(desk: Desk) -> None:
    """Say how many requests of staff wait to be carried out; nothing where none does."""
    count = len(desk.pending())
    if count:
        what = "1 request waits" if count == 1 else f"{count} requests wait"
        st.caption(f":material/hourglass_top: {what} for the grader.")
