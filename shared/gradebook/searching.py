"""Searching for a part of a text without regard to case, on either database.

PostgreSQL folds letters as the locale of its database has it: all of them, unless that is `C`.
SQLite's own `lower` and `LIKE` know those of ASCII alone, and are quick. So connections to a file
have a function that folds all, and it is called only where more than ASCII is searched for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import String, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from shared.model import storable_text

if TYPE_CHECKING:
    import sqlite3

    from sqlalchemy import ColumnElement
    from sqlalchemy.sql.compiler import SQLCompiler

_FOLDED: Final = "gofer_folded"
"""The function's name on SQLite's connections."""
_ESCAPE: Final = "\\"


def fold_letters(connection: sqlite3.Connection) -> None:
    """Give a connection the function that searches call for."""
    connection.create_function(_FOLDED, 1, _folded, deterministic=True)


def contains(text: ColumnElement[str], words: str) -> ColumnElement[bool]:
    """Return the condition that a text holds words, whatever the case of its letters.

    Args:
        text: a column, or what is made of some.
        words: as people typed them; nothing in them is a pattern.
    """
    wanted = storable_text(words)
    if wanted.isascii():
        return text.icontains(wanted, autoescape=True, escape=_ESCAPE)
    for special in (_ESCAPE, "%", "_"):
        wanted = wanted.replace(special, f"{_ESCAPE}{special}")
    return _Folded(text).contains(_Folded(literal(wanted, String)), escape=_ESCAPE)


class _Folded(FunctionElement[str]):
    """A text of which the case of the letters no longer tells anything."""

    name = "folded"
    type = String()
    inherit_cache = True


@compiles(_Folded)
def _by_the_database(element: _Folded, compiler: SQLCompiler, **more: Any) -> str:
    return f"lower({compiler.process(element.clauses, **more)})"


@compiles(_Folded, "sqlite")
def _by_our_function(element: _Folded, compiler: SQLCompiler, **more: Any) -> str:
    return f"{_FOLDED}({compiler.process(element.clauses, **more)})"


def _folded(text: str | None) -> str | None:
    return None if text is None else text.casefold()
