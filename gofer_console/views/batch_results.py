"""How a batch that was handed in stands: progress, then what became of each notebook."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from gofer_console.batch.waiting import Standing, State, Waiting
from gofer_console.terminal import short_id
from gofer_console.views import chips, states
from gofer_console.views.desk import desk
from gofer_console.views.scores import NONE, counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gofer_console.views.desk import Desk
    from shared.batch.finding import Problem
    from shared.batch.intake import Taken

_KEPT: Final = "batch handed in"
_SHOWN: Final = 1000
_LOOK_EVERY_S: Final = 2.0
_SLOWER_EVERY_S: Final = 10.0
_MANY: Final = 500
_SET_ASIDE: Final = chips.Chip("Set aside", "red")
_GIVEN_UP: Final = chips.Chip("Given up", "gray")
_STATES: Final = {
    State.WAITING: chips.WAITING,
    State.SET_ASIDE: _SET_ASIDE,
    State.DISCARDED: _GIVEN_UP,
}


@dataclass(frozen=True, slots=True)
class _Kept:
    taken: Sequence[Taken]
    problems: Sequence[Problem]


def keep(taken: Sequence[Taken], problems: Sequence[Problem]) -> None:
    """Remember, for this session, what was handed in."""
    st.session_state[_KEPT] = _Kept(taken, problems)


def show(here: Desk) -> None:
    """Show what was handed in last; nothing where nothing was."""
    kept: _Kept | None = st.session_state.get(_KEPT)
    if kept is None:
        return
    del here
    every = _LOOK_EVERY_S if len(kept.taken) < _MANY else _SLOWER_EVERY_S
    st.fragment(_panel, run_every=every)()


@states.telling_trouble()
def _panel() -> None:
    kept: _Kept | None = st.session_state.get(_KEPT)
    if kept is None:
        return
    standings = _standings(desk(), kept)
    ended = sum(one.state is not State.WAITING for one in standings)
    new = sum(one.is_new for one in kept.taken)
    with st.container(border=True, key="batch_results"):
        st.markdown("**Handed in**")
        st.caption(
            f"{counted(new, 'notebook')} taken, {len(kept.taken) - new} there already, "
            f"{len(kept.problems)} not taken. It is safe to leave this page."
        )
        if kept.taken:
            st.progress(ended / len(kept.taken), text=f"{ended:,} of {len(kept.taken):,} graded")
            pairs = zip(kept.taken, standings, strict=True)
            st.dataframe(
                [_row(one, standing) for one, standing in list(pairs)[:_SHOWN]],
                hide_index=True,
                column_config=_COLUMNS,
                alt="What became of each notebook",
            )
        show_problems(kept.problems)
        st.button("Clear", key="clear_batch", on_click=st.session_state.pop, args=(_KEPT, None))


def _standings(here: Desk, kept: _Kept) -> list[Standing]:
    waiting = Waiting(here.spool, here.volume, here.settings.database_url)
    with closing(waiting):
        found = waiting.look(one.id for one in kept.taken)
    return [found[one.id] for one in kept.taken]


def _row(one: Taken, standing: Standing) -> dict[str, Any]:
    ending = standing.ending
    chip = _STATES.get(standing.state) or chips.VERDICTS[ending.verdict if ending else ""]
    score = NONE
    if ending is not None and ending.score is not None:
        score = f"{ending.score:g} of {ending.points_possible:g}"
    return {
        "State": [chip.label],
        "Student": one.entry.student,
        "Assignment": str(one.entry.key),
        "Score": score,
        "File": one.entry.file,
        "Why": " ".join(standing.reason.split()),
        "Id": short_id(one.id),
    }


def show_problems(problems: Sequence[Problem]) -> None:
    """Show what could not be taken, and why; nothing where all could."""
    if not problems:
        return
    st.caption(f":material/error: {counted(len(problems), 'file')} cannot be taken:")
    st.dataframe(
        [{"File": one.file, "Reason": one.reason} for one in problems[:_SHOWN]],
        hide_index=True,
        alt="What cannot be taken, and why",
    )


_COLUMNS: dict[str, Any] = {
    "State": chips.chip_column((*chips.VERDICTS.values(), *_STATES.values())),
    "Student": st.column_config.TextColumn(width="small"),
    "Assignment": st.column_config.TextColumn(width="medium"),
    "Score": st.column_config.TextColumn(width="small"),
    "File": st.column_config.TextColumn(width="medium"),
    "Why": st.column_config.TextColumn(width="medium"),
    "Id": st.column_config.TextColumn(width="small"),
}
