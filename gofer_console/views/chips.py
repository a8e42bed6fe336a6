"""States as small coloured words, the same on every page.

A chip always says its state in words; the colour only repeats it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import streamlit as st

from shared.model import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

Colour = Literal["green", "gray", "blue", "orange", "red"]
"""Green: well. Grey: nothing to say. Blue: on its way. Orange: look at it. Red: do something."""


@dataclass(frozen=True, slots=True)
class Chip:
    """One state.

    Attributes:
        label: one to three words, sentence case. Ours, never anybody else's text.
        colour: what it means for staff.
    """

    label: str
    colour: Colour


VERDICTS: Final[dict[str, Chip]] = {
    Verdict.GRADED: Chip("Graded", "green"),
    Verdict.TIMED_OUT: Chip("Timed out", "orange"),
    Verdict.OUT_OF_MEMORY: Chip("Out of memory", "orange"),
    Verdict.CRASHED: Chip("Crashed", "orange"),
    Verdict.INVALID: Chip("Invalid", "orange"),
}
WAITING: Final = Chip("Waiting", "blue")
RUNNING: Final = Chip("Running", "blue")
FAILED: Final = Chip("Could not be graded", "red")
HELD: Final = Chip("Held", "orange")
PASSBACKS: Final[dict[str, Chip]] = {
    "queued": Chip("Queued", "blue"),
    "sent": Chip("Posted", "green"),
    "held": Chip("Held", "gray"),
    "parked": Chip("No address", "orange"),
    "failed": Chip("Refused", "red"),
    "superseded": Chip("Superseded", "gray"),
}
REQUESTS: Final[dict[str, Chip]] = {
    "pending": Chip("Waiting", "blue"),
    "done": Chip("Done", "green"),
    "refused": Chip("Refused", "red"),
    "failed": Chip("Failed", "red"),
}
REGRADES: Final[dict[str, Chip]] = {
    "running": Chip("Running", "blue"),
    "ready": Chip("Ready to apply", "orange"),
    "applied": Chip("Applied", "green"),
    "cancelled": Chip("Cancelled", "gray"),
}


def chip(state: Chip) -> None:
    """Show a state beside other elements."""
    st.badge(state.label, color=state.colour)


def chip_column(
    states: Iterable[Chip],
    label: str = "State",
    *,
    help: str | None = None,  # noqa: A002 - its name in Streamlit
) -> object:
    """Return the configuration of a table's column of chips; a cell is a list of labels.

    Args:
        states: all that may be in it.
        label: of the column.
        help: said when its header is pointed at.
    """
    chips = list(dict.fromkeys(states))
    return st.column_config.MultiselectColumn(
        label,
        help=help,
        options=[one.label for one in chips],
        color=[one.colour for one in chips],
        disabled=True,
    )
