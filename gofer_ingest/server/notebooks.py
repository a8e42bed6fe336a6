"""Pure: the bytes of a request → which assignment it is for and what to store, or a rejection.

This checks a notebook's shape only, which takes a fraction of a millisecond; validating it against
the notebook format is the grader's. Nothing here touches disk, network or clock.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gofer_ingest.server.errors import too_many_bytes
from gofer_ingest.server.json_text import Parsed, depth_of, parse
from shared.errors import NotANotebook, TooLarge
from shared.notebook_metadata import assignment_key

if TYPE_CHECKING:
    from shared.model import AssignmentKey

_FORMAT: Final = 4
_OTHER_FORMATS: Final = frozenset({1, 2, 3, 5, 6})
_BOM: Final = b"\xef\xbb\xbf"
_WHITE: Final = b" \t\n\r"
_WRAPPING: Final = re.compile(rb'[ \t\n\r]*\{[ \t\n\r]*"nb"[ \t\n\r]*:[ \t\n\r]*')
_CELL_TYPES: Final = ("code", "markdown", "raw")  # no set: what is compared may have no hash
_TEXT: Final = frozenset({str})


@dataclass(frozen=True, slots=True)
class ShapeLimits:
    """How large a notebook may be.

    Attributes:
        max_bytes: how long its JSON may be where it is written again. It can be longer than what
            was sent: 1e15 becomes 1000000000000000.0. Bytes as they are sent are for who reads them
            to count.
        max_cells: how many cells it may have.
        max_depth: how deeply lists and objects may be nested in it; the notebook itself is the
            first. Python's own parser gives up at about a thousand.
    """

    max_bytes: int = 10 << 20
    max_cells: int = 5000
    max_depth: int = 100


_USUAL_LIMITS: Final = ShapeLimits()


@dataclass(frozen=True, slots=True)
class ReadNotebook:
    """A notebook that can be stored.

    Attributes:
        key: the assignment its metadata names; whether there is one, the catalogue knows.
        content: the bytes to store: those sent, without a byte order mark and without the
            wrapping. Where more than the notebook is wrapped, its JSON is written again in UTF-8.
    """

    key: AssignmentKey
    content: bytes


def read_notebook(body: bytes, limits: ShapeLimits = _USUAL_LIMITS) -> ReadNotebook:
    """Read what a submit button sends, `{"nb": <notebook>}`, or a bare notebook.

    Args:
        body: the whole body of the request.
        limits: how large the notebook may be.

    Raises:
        NotANotebook: it is no JSON, no notebook of format 4, or nested too deeply.
        TooLarge: it has too many cells, or too many bytes once it is written again.
        MissingMetadata: the notebook does not say which assignment it is.
        MalformedMetadata: what it says cannot be the name of one.
    """
    body = body.removeprefix(_BOM)
    try:
        sent, content = _unwrapped(body, limits)
        return ReadNotebook(assignment_key(_metadata_of(sent, limits)), content)
    except RecursionError:
        raise _nested_too_deeply() from None


def _unwrapped(body: bytes, limits: ShapeLimits) -> tuple[Parsed, bytes]:
    """Return the notebook that was sent, parsed, and its bytes without what is around it.

    A button's wrapping is taken off as text: what is stored is what was sent, and parsed once.
    """
    if around := _WRAPPING.match(body):
        inner = body[around.end() :].rstrip(_WHITE)
        if inner.endswith(b"}"):
            inner = inner[:-1].rstrip(_WHITE)
            with suppress(NotANotebook, RecursionError):
                return parse(inner), inner  # one value, so there is nothing beside it
    sent = parse(body)
    around_it = sent.value
    if isinstance(around_it, dict) and "nb" in around_it and "cells" not in around_it:
        notebook = around_it["nb"]
        written = _written(notebook)
        if len(written) > limits.max_bytes:
            raise too_many_bytes(limits.max_bytes)
        return Parsed(notebook, depth_of(notebook) or 0), written
    return sent, body


def _metadata_of(parsed: Parsed, limits: ShapeLimits) -> dict[str, Any]:
    sent = parsed.value
    if not isinstance(sent, dict):
        raise NotANotebook
    version = sent.get("nbformat")
    if type(version) is int and version in _OTHER_FORMATS:
        if version < _FORMAT:
            raise NotANotebook(
                f"This notebook has the old format {version}. Open it in Jupyter, save it there, "
                "and submit it again."
            )
        raise NotANotebook(
            f"This notebook has the format {version}, which is newer than this server knows."
        )
    cells = sent.get("cells")
    if isinstance(cells, list) and len(cells) > limits.max_cells:
        raise TooLarge(
            f"This notebook has {len(cells)} cells, and {limits.max_cells} are the most that can "
            "be taken. Delete the cells that you do not need, save, and submit again."
        )
    if parsed.depth > limits.max_depth:
        raise _nested_too_deeply()
    metadata = sent.get("metadata")
    if type(version) is not int or version != _FORMAT or not isinstance(metadata, dict):
        raise NotANotebook
    if not isinstance(cells, list) or not all(map(_is_cell, cells)):
        raise NotANotebook
    return metadata


def _is_cell(cell: object) -> bool:
    """Tell whether this has what every cell has.

    By hand, since a model would copy it all. The rest of the notebook format is the grader's to
    check.
    """
    if not isinstance(cell, dict) or cell.get("cell_type") not in _CELL_TYPES:
        return False
    source = cell.get("source")
    return isinstance(source, str) or (
        isinstance(source, list) and _TEXT.issuperset(map(type, source))
    )


def _nested_too_deeply() -> NotANotebook:
    return NotANotebook("This file is nested too deeply to be a Jupyter notebook.")


def _written(notebook: object) -> bytes:
    """Write a notebook as compact JSON; what UTF-8 cannot hold (lone surrogates) is escaped."""
    # Python escapes them as JSON does, and they stand in strings alone.
    text = json.dumps(notebook, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")
