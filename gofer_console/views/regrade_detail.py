"""One regrade: how far it has come, who would move and by how much, applying or cancelling it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from gofer_console.regrade.files import write_csv
from gofer_console.regrade.looking import preview
from gofer_console.regrade.pages import duration, points, question_move
from gofer_console.regrade.questions import by_question
from gofer_console.regrade.watching import time_left
from gofer_console.terminal import short_id
from gofer_console.views import chips, moments, paging, requesting, states
from gofer_console.views.desk import desk
from gofer_console.views.requesting import Wish
from gofer_console.views.scores import counted
from shared.gradebook.regrades.comparison import Effect
from shared.gradebook.regrades.progress import find_regrade
from shared.gradebook.transactions import reading
from shared.model import SubmissionId
from shared.requests import RegradeApplyPayload, RegradeCancelPayload

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

    from gofer_console.views.desk import Desk
    from shared.gradebook.regrades.comparison import Change
    from shared.gradebook.regrades.preview import KeptRun, Preview
    from shared.gradebook.regrades.progress import Regrade

_LOOK_EVERY_S: Final = 2.0
_UP: Final = chips.Chip("Up", "green")
_DOWN: Final = chips.Chip("Down", "orange")
_HIDDEN: Final = chips.Chip("Beneath an override", "gray")


def show(here: Desk, gradebook: Engine, regrade: Regrade) -> None:
    """Show it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        chips.chip(chips.REGRADES[regrade.state])
        st.text(f"{regrade.key}, {moments.moment(regrade.started_at, here.zone(regrade.key))}")
    st.text(f"{regrade.requested_by}: {regrade.reason}")
    if regrade.state == "running":
        st.fragment(_progress, run_every=_LOOK_EVERY_S)(regrade)
    if regrade.outcome is None and all(one.key != regrade.key for one in here.catalogue):
        states.trouble(
            f"The catalogue no longer has {regrade.key}, by whose rules grades are made. Put it "
            "back to apply this regrade, or cancel it.",
            title="Nobody can say who would move",
        )
        _cancel(here, regrade, is_asked=bool(_asked(here, regrade)))
        return
    found = preview(gradebook, here.catalogue, regrade.id)
    moves, hidden = found.of(Effect.MOVES), found.of(Effect.HIDDEN)
    with st.container(horizontal=True):
        st.metric("Up", f"{sum(one.fraction > 0 for one in moves):,}", border=True)
        st.metric("Down", f"{sum(one.fraction < 0 for one in moves):,}", border=True)
        st.metric("Beneath an override", f"{len(hidden):,}", border=True)
        st.metric("Stay", f"{len(found.of(Effect.STAYS)):,}", border=True)
        st.metric("Could not be regraded", f"{len(found.not_regraded):,}", border=True)
    _actions(here, found, len(moves))
    _changes([*moves, *hidden], has_more=regrade.state == "running")
    _questions(found)
    _kept("Could not be regraded; these grades stay", found.not_regraded)
    _kept("Ended without a score; these grades stay", found.without_score)
    _kept("Held until staff accept them", found.held)


@states.telling_trouble()
def _progress(regrade: Regrade) -> None:
    here = desk()
    if here.gradebook is None:
        return
    with reading(here.gradebook, "be read") as connection:
        now = find_regrade(connection, regrade.id) or regrade
    if now.state != "running":
        st.rerun()
    seconds = time_left(here.gradebook, here.volume, now)
    left = "nothing is being graded just now" if seconds is None else f"{duration(seconds)} left"
    done = now.submissions - now.left
    st.progress(
        done / now.submissions if now.submissions else 1.0,
        text=f"{done:,} of {counted(now.submissions, 'submission')}, {left}",
    )


def _actions(here: Desk, found: Preview, moves: int) -> None:
    regrade = found.regrade
    is_ready = regrade.state == "ready"
    is_open = regrade.outcome is None
    asked = _asked(here, regrade)
    with st.container(horizontal=True):
        if is_open:
            requesting.ask_button(
                here,
                f"Apply ({moves})",
                Wish(
                    [
                        RegradeApplyPayload(
                            regrade=SubmissionId(regrade.id), fingerprint=found.fingerprint
                        )
                    ]
                    if is_ready and not asked
                    else [],
                    f"{counted(moves, 'grade')} will move as shown below. Should anything else "
                    "have changed since, nothing is applied and you look again.",
                    touches=moves,
                    needs_reason=True,
                ),
                key="apply",
                icon=":material/check:",
                is_primary=is_ready,
            )
            _cancel(here, regrade, is_asked=bool(asked))
        st.download_button(
            "Who moves, as CSV",
            data=lambda: _csv(found),
            file_name=f"regrade-{short_id(regrade.id)}.csv",
            mime="text/csv",
            on_click="ignore",
            icon=":material/download:",
            key="csv",
        )
    if asked:
        st.caption(":material/hourglass_top: It was asked for, and waits for the grader.")


def _asked(here: Desk, regrade: Regrade) -> list[str]:
    """Return what was asked for of it and is not done yet."""
    return [
        request.action
        for request in here.pending()
        if isinstance(request.payload, RegradeApplyPayload | RegradeCancelPayload)
        and request.payload.regrade == SubmissionId(regrade.id)
    ]


def _cancel(here: Desk, regrade: Regrade, *, is_asked: bool) -> None:
    requesting.ask_button(
        here,
        "Cancel the regrade",
        Wish(
            [] if is_asked else [RegradeCancelPayload(regrade=SubmissionId(regrade.id))],
            "Its results are kept for the record, and every grade stays as it is.",
            needs_reason=True,
        ),
        key="cancel",
        icon=":material/close:",
    )


def _csv(found: Preview) -> bytes:
    file = io.StringIO(newline="")
    write_csv(file, found)
    return file.getvalue().encode("utf-8-sig")


def _changes(changes: Sequence[Change], *, has_more: bool) -> None:
    st.subheader("Who would move")
    if not changes:
        states.empty(
            "Nobody moves so far" if has_more else "Nobody moves",
            "Every grade comes out as it is on record.",
            icon=":material/check_circle:",
        )
        return
    before = paging.offset(len(changes))
    shown = changes[before : before + paging.ROWS]
    st.dataframe(
        [_row(one) for one in shown],
        hide_index=True,
        column_config=_COLUMNS,
        height=min(38 + 35 * len(shown), 480),
        alt="Students whose grades move, the biggest moves first",
    )
    paging.turner(len(changes), noun="student")


def _row(one: Change) -> dict[str, Any]:
    effect = _HIDDEN if one.effect is Effect.HIDDEN else _UP if one.fraction > 0 else _DOWN
    return {
        "": [effect.label],
        "Student": one.student,
        "Before": points(one.before),
        "After": points(one.after),
        "Change": one.points,
        "Questions": ", ".join(map(question_move, one.questions)),
    }


def _questions(found: Preview) -> None:
    rows = by_question(found.changes)
    if not rows:
        return
    st.subheader("By question")
    st.dataframe(
        [
            {"Question": one.question, "Up": one.up, "Down": one.down, "Points": one.points}
            for one in rows
        ],
        hide_index=True,
        column_config={"Points": st.column_config.NumberColumn(format="%+.2f")},
        alt="How many students move on each question",
    )


def _kept(title: str, runs: Sequence[KeptRun]) -> None:
    if not runs:
        return
    with st.expander(f"{title}: {len(runs)}"):
        st.dataframe(
            [
                {"Student": one.student, "Why": one.why, "Id": short_id(one.submission_id)}
                for one in runs[: paging.ROWS]
            ],
            hide_index=True,
            alt=title,
        )
        if len(runs) > paging.ROWS:
            st.caption(f"The first {paging.ROWS}; the CSV and `gofer regrade show` have all.")


_COLUMNS: dict[str, Any] = {
    "": chips.chip_column((_UP, _DOWN, _HIDDEN), ""),
    "Student": st.column_config.TextColumn(width="medium"),
    "Before": st.column_config.TextColumn(width="small"),
    "After": st.column_config.TextColumn(width="small"),
    "Change": st.column_config.NumberColumn(format="%+.2f", width="small"),
    "Questions": st.column_config.TextColumn(width="large"),
}
