"""What staff can do about the grades on their way to the LMS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from gofer_console.views import requesting
from gofer_console.views.requesting import Wish
from gofer_console.views.scores import counted
from shared.gradebook.outbox import State
from shared.requests import (
    PostDismissPayload,
    PostHoldPayload,
    PostReconcilePayload,
    PostReleasePayload,
    PostRetryPayload,
    PostSendPayload,
    PostTestPayload,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gofer_console.views.desk import Desk
    from shared.gradebook.outbox_list import Posting
    from shared.model import AssignmentKey


_STUCK: Final = frozenset({State.FAILED, State.PARKED})


def show(
    here: Desk,
    key: AssignmentKey | None,
    figures: Mapping[State | None, int],
    chosen: Sequence[Posting],
) -> None:
    """Show the buttons.

    Args:
        here: the desk.
        key: of the assignment that the page is narrowed to; None for all.
        figures: how many of its grades are in each state.
        chosen: what is selected.
    """
    place = _place(key)
    whose = "all assignments" if key is None else str(key)
    every = sum(figures.values())
    stuck = figures.get(State.FAILED, 0) + figures.get(State.PARKED, 0)
    with st.container(horizontal=True):
        requesting.ask_button(
            here,
            f"Post selected ({len(chosen)})",
            Wish(
                [PostSendPayload(**_place(one.key), student=one.student) for one in chosen],
                f"{counted(len(chosen), 'grade')} will be sent now, held or sent before.",
                touches=len(chosen),
            ),
            key="post_selected",
            icon=":material/send:",
            is_primary=bool(chosen),
        )
        requesting.ask_button(
            here,
            f"Post all ({every})",
            Wish(
                [PostSendPayload(**place)] if every else [],
                f"{counted(every, 'grade')} of {whose} will be sent now, held or sent before.",
                touches=every,
            ),
            key="post_all",
            icon=":material/send:",
        )
        requesting.ask_button(
            here,
            f"Retry refused ({stuck})",
            Wish(
                [PostRetryPayload(**place)] if stuck else [],
                f"{counted(stuck, 'grade')} of {whose} that were refused, or have no address, "
                "will be tried again.",
                touches=stuck,
            ),
            key="post_retry",
            icon=":material/replay:",
        )
        left = [one for one in chosen if one.state in _STUCK]
        requesting.ask_button(
            here,
            f"Dismiss selected ({len(left)})",
            Wish(
                [PostDismissPayload(**_place(one.key), student=one.student) for one in left],
                f"{counted(len(left), 'grade')} that were refused, or have no address, will not "
                "be sent. A later change of the grade will.",
                touches=len(left),
                needs_reason=True,
            ),
            key="post_dismiss",
            icon=":material/done_all:",
        )
        requesting.ask_button(
            here,
            "Hold",
            Wish([PostHoldPayload(**place)], f"New grades of {whose} stay here until released."),
            key="post_hold",
            icon=":material/pause:",
        )
        requesting.ask_button(
            here,
            "Release",
            Wish(
                [PostReleasePayload(**place)],
                f"Grades of {whose} that are held go to the LMS, and new ones from now on.",
                touches=figures.get(State.HELD, 0),
            ),
            key="post_release",
            icon=":material/play_arrow:",
        )
        requesting.ask_button(
            here,
            "Test connection",
            Wish([PostTestPayload(**place)], f"Signs in at the LMS of {whose}. No grade changes."),
            key="post_test",
            icon=":material/network_check:",
        )
        requesting.ask_button(
            here,
            "Compare",
            Wish(
                [PostReconcilePayload(**place)],
                f"Asks the LMS what it holds for {whose}, and marks what differs.",
            ),
            key="post_compare",
            icon=":material/compare_arrows:",
        )


def _place(key: AssignmentKey | None) -> dict[str, Any]:
    if key is None:
        return {"every": True}
    return {"course": key.course, "section": key.section, "assignment": key.assignment}
