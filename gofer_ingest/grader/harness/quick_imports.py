"""Importing nbformat without the grammar that a package of another's compiles on the way.

nbformat imports jsonschema, which takes `rfc3987_syntax` where it is installed, to check formats of
URLs that no notebook's schema has. That compiles a grammar for more than a second, at every start.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMPILES_A_GRAMMAR = "rfc3987_syntax"


@contextmanager
def without_url_grammar() -> Iterator[None]:
    """Let jsonschema, imported in here, do without it; afterwards anybody may import it."""
    if _COMPILES_A_GRAMMAR in sys.modules:
        yield
        return
    sys.modules[_COMPILES_A_GRAMMAR] = None  # type: ignore[assignment] # how Python says: not there
    try:
        yield
    finally:
        del sys.modules[_COMPILES_A_GRAMMAR]
