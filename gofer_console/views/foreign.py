"""Text that students or notebooks chose: shown as it is, and never read as Markdown.

In Streamlit, titles, labels, metrics, toasts, captions and buttons are all Markdown: an image in a
student's name would have the staff's browsers fetch it. Such text goes here, or in a table's cell.
"""

from __future__ import annotations

import re
from typing import Final

import streamlit as st

from gofer_console.terminal import plain

_BACKTICKS: Final = re.compile(r"`+")
_MARK: Final = "\u02cb"  # looks like a backtick, and is none
_SHOWN: Final = 200
_CONTROLS: Final = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])|\r(?=\n)|\x08"
)
LOG_CHARACTERS: Final = 60_000
"""That are shown of a log: its last ones, which say how it ended."""


def line(text: str) -> None:
    """Show one line or a few."""
    st.text(plain(text))


def block(text: str, *, height: int | None = None) -> None:
    """Show a log or an output, in a box that scrolls.

    Args:
        text: any; control characters are shown as �.
        height: of the box, pixels; None takes what it needs.
    """
    st.code(plain(text), language=None, wrap_lines=True, height=height or "content")


def log(text: str, *, height: int | None = None) -> None:
    """Show the end of what a program printed, without a terminal's colours.

    Args:
        text: any.
        height: of the box, pixels; None takes what it needs.
    """
    shown = _CONTROLS.sub("", text)
    if len(shown) > LOG_CHARACTERS:
        shown = f"…\n{shown[-LOG_CHARACTERS:]}"
    block(shown, height=height)


def span(text: str) -> str:
    """Return Markdown that shows a short text as it is, for labels that are Markdown alone.

    It is a span of code, in which nothing is read; its own backticks are turned into another mark.
    """
    flat = " ".join(plain(text).split()) or " "
    if len(flat) > _SHOWN:
        flat = f"{flat[:_SHOWN]}…"
    return f"`{_BACKTICKS.sub(_MARK, flat)}`"
