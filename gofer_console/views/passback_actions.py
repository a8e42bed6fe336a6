"""What staff can do about the grades on their way to the LMS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn

import streamlit as st

from gofer_console.views import requesting
from gofer_console.views.requesting import Wish
from gofer_console.views.scores import counted
from shared.errors import GoferError
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
    from collections.abc import Sequence

    from gofer_console.views.desk import Desk
    from shared.gradebook.outbox_list import Posting
    from shared.model import AssignmentKey


STUCK: Final = frozenset({State.FAILED, State.PARKED})


@dataclass(frozen=True, slots=True)
class Meant:
    """The grades that a button is about.

    Attributes:
        count: how many there are.
        found: each of them, where a search or a state chose them: they are asked for by name. Fewer
            than there are where those would be too many. None where all of the assignment, or of
            all assignments, are meant.
    """

    count: int
    found: Sequence[Posting] | None = None


def show(
    here: Desk,
    key: AssignmentKey | None,
    chosen: Sequence[Posting],
    to_post: Meant,
    to_retry: Meant,
    *,
    held: int,
) -> None:
    """Show the buttons.

    Args:
        here: the desk.
        key: of the assignment that the page is narrowed to; None for all.
        chosen: what is selected.
        to_post: what the search and the state leave.
        to_retry: those of it that were refused, or have no address.
        held: how many grades of the assignment are held.
    """
    place = _place(key)
    whose = "all assignments" if key is None else str(key)
    whole = "all" if to_post.found is None else "found"
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
            f"Post {whole} ({to_post.count:,})",
            _wish(PostSendPayload, to_post, key, "will be sent now, held or sent before."),
            key="post_all",
            icon=":material/send:",
        )
        requesting.ask_button(
            here,
            f"Retry refused ({to_retry.count:,})",
            _wish(
                PostRetryPayload,
                to_retry,
                key,
                "that were refused, or have no address, will be tried again.",
            ),
            key="post_retry",
            icon=":material/replay:",
        )
        left = [one for one in chosen if one.state in STUCK]
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
                touches=held,
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


def _wish(
    payload: type[PostSendPayload | PostRetryPayload],
    meant: Meant,
    key: AssignmentKey | None,
    what_happens: str,
) -> Wish:
    whose = "all assignments" if key is None else str(key)
    grades = f"{counted(meant.count, 'grade')} of {whose}"
    if meant.found is None:
        whole = [payload(**_place(key))] if meant.count else []
        return Wish(whole, f"{grades} {what_happens}", touches=meant.count)
    if len(meant.found) < meant.count:
        too_many = (
            f"The search and the state find {grades}; at most {requesting.MOST_AT_ONCE} are asked "
            "for by name. Find fewer, or clear the search and choose All to ask for all there are."
        )
        return Wish([], too_many, made=lambda _turn: _refuse(too_many))
    return Wish(
        [payload(**_place(one.key), student=one.student) for one in meant.found],
        f"Only those that the search and the state find: {grades} {what_happens}",
        touches=meant.count,
    )


def _refuse(why: str) -> NoReturn:
    raise GoferError(why)


def _place(key: AssignmentKey | None) -> dict[str, Any]:
    if key is None:
        return {"every": True}
    return {"course": key.course, "section": key.section, "assignment": key.assignment}
