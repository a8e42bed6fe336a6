"""Pure: the bytes of a request → which assignment it is for and what to store, or a rejection.

This checks a notebook's shape only, which takes a fraction of a millisecond; validating it against
the notebook format is the grader's. Nothing here touches disk, network or clock.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.errors import NotANotebook
from shared.notebook_metadata import assignment_key

if TYPE_CHECKING:
    from shared.model import AssignmentKey

_FORMAT: Final = 4
_OTHER_FORMATS: Final = frozenset({1, 2, 3, 5, 6})
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class ReadNotebook:
    """A notebook that can be stored.

    Attributes:
        key: the assignment its metadata names; whether there is one, the catalogue knows.
        content: the bytes to store. Of a bare notebook these are the bytes sent, without a byte
            order mark; of a wrapped one its JSON written again in UTF-8.
    """

    key: AssignmentKey
    content: bytes


class _Cell(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)

    cell_type: Literal["code", "markdown", "raw"]
    source: str | list[str]


class _Shape(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)

    nbformat: int
    metadata: dict[str, Any]
    cells: list[_Cell]


def read_notebook(body: bytes) -> ReadNotebook:
    """Read what a submit button sends, `{"nb": <notebook>}`, or a bare notebook.

    Args:
        body: the whole body of the request.

    Raises:
        NotANotebook: it is no JSON, or no notebook of format 4.
        MissingMetadata: the notebook does not say which assignment it is.
        MalformedMetadata: what it says cannot be the name of one.
    """
    body = body.removeprefix(_BOM)
    try:
        sent = _parse(body)
        if not isinstance(sent, dict):
            raise NotANotebook
        if is_wrapped := "nb" in sent and "cells" not in sent:
            sent = sent["nb"]
        metadata = _metadata_of(sent)
        key = assignment_key(metadata)
        return ReadNotebook(key, _written(sent) if is_wrapped else body)
    except RecursionError:
        raise NotANotebook("This file is nested too deeply to be a Jupyter notebook.") from None


def _parse(body: bytes) -> object:
    try:
        sent: object = json.loads(
            body.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_finite
        )
    except ValueError:
        # Not UTF-8, not JSON, or a number of thousands of digits.
        raise NotANotebook from None
    return sent


def _refuse_constant(constant: str) -> NoReturn:
    raise NotANotebook(
        f"This notebook holds the value {constant}, which JSON does not have. Clear the outputs of "
        "your cells, save, and submit again."
    )


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        _refuse_constant("Infinity")
    return number


def _metadata_of(sent: object) -> dict[str, Any]:
    version = sent.get("nbformat") if isinstance(sent, dict) else None
    if type(version) is int and version in _OTHER_FORMATS:
        if version < _FORMAT:
            raise NotANotebook(
                f"This notebook has the old format {version}. Open it in Jupyter, save it there, "
                "and submit it again."
            )
        raise NotANotebook(
            f"This notebook has the format {version}, which is newer than this server knows."
        )
    try:
        shape = _Shape.model_validate(sent)
    except ValidationError:
        raise NotANotebook from None
    if shape.nbformat != _FORMAT:
        raise NotANotebook
    return shape.metadata


def _written(notebook: object) -> bytes:
    """Write a notebook as compact JSON; what UTF-8 cannot hold (lone surrogates) is escaped."""
    try:
        return json.dumps(notebook, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(notebook, separators=(",", ":")).encode("ascii")
