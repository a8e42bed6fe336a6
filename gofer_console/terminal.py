"""What the terminal commands print with: one console for results, one for everything said beside.

Results go to stdout and nothing else does, so that they can be piped; progress, errors and advice
go to stderr. Text that others wrote is printed through `plain`: it may hold the terminal's own
control sequences.
"""

from __future__ import annotations

import sys
from typing import Final, TextIO

from rich.console import Console

_PIPE_WIDTH: Final = 1000
"""Columns where no terminal sets a width: wide enough that no cell is cut and no line wrapped."""


def out() -> Console:
    """Return the console for results."""
    return _console(sys.stdout)


def err() -> Console:
    """Return the console for what is said beside the results."""
    return _console(sys.stderr)


def plain(text: str) -> str:
    """Return foreign text with everything that is not printable replaced, line breaks kept."""
    return "\n".join(
        "".join(character if character.isprintable() else "�" for character in line)
        for line in text.splitlines()
    )


def short_id(entry_id: str) -> str:
    """Return the part of an id that people compare: its last eight characters.

    The first ones of a UUIDv7 are the clock's, and are equal for ids of the same minute.
    """
    return entry_id[-8:]


def _console(stream: TextIO) -> Console:
    # Markup, highlighting and emoji codes are off: a student may be called "[red]" or ":smile:".
    return Console(
        file=stream,
        width=None if stream.isatty() else _PIPE_WIDTH,
        markup=False,
        highlight=False,
        emoji=False,
    )
