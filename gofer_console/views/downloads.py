"""Links that download things. They go to routes of ours; a page holds no file."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import streamlit as st

from gofer_console.exports.url_query import to_query

if TYPE_CHECKING:
    from gofer_console.exports.url_query import Wanted
    from shared.model import SubmissionId

_STYLE: Final = (
    "display:inline-block;padding:0.45rem 0.9rem;border:1px solid rgba(128,137,150,0.4);"
    "border-radius:0.4rem;color:inherit;text-decoration:none;font-size:0.9rem"
)


def export_link(wanted: Wanted, label: str) -> None:
    """Show a link that downloads an export.

    Args:
        wanted: what is exported, and how.
        label: ours.
    """
    _link(f"download/grades?{urlencode(to_query(wanted))}", label)


def notebook_link(submission_id: SubmissionId, label: str) -> None:
    """Show a link that downloads a notebook as it was handed in.

    Args:
        submission_id: of a submission that there is: its id has no characters but those of one.
        label: ours.
    """
    _link(f"nb/{submission_id}/download", label)


def _link(address: str, label: str) -> None:
    # Relative, so that it goes through whatever stands in front of the console.
    st.html(
        f'<a href="{html.escape(address, quote=True)}" download style="{_STYLE}" role="button">'
        f"{html.escape(label)}</a>",
        width="content",
    )
