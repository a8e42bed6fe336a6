"""Pure: JSON as bytes → Python values, fast, and just as strict as JSON is.

A notebook is mostly long strings, which pydantic's parser reads several times faster than the
standard library's. Where it has anything to object, the standard library's decides: it also knows
half characters, takes what is nested more deeply, and says what is wrong in our own words.
"""

from __future__ import annotations

import json
from math import isfinite, isinf
from typing import Any, Final, NamedTuple, NoReturn

from pydantic_core import from_json

from shared.errors import NotANotebook

_MORE_FOLLOWS: Final = "trailing characters"
"""What pydantic's parser says where a whole value is followed by something else."""


class Parsed(NamedTuple):
    """What a JSON text stands for.

    Attributes:
        value: as Python has it.
        depth: how deeply lists and objects are nested in it; 0 where it is neither.
    """

    value: object
    depth: int


def parse(text: bytes) -> Parsed:
    """Return the value that a JSON text stands for.

    Raises:
        NotANotebook: it is no JSON in UTF-8, or holds a number that JSON does not have.
        RecursionError: it is nested too deeply.
    """
    try:
        value: object = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        if _MORE_FOLLOWS in str(error):
            raise NotANotebook from None  # nobody's JSON; 10 MB of it need not be read twice
        return _parse_slowly(text)
    depth = depth_of(value)
    # A number such as 1e999 is well-formed and still none that JSON's readers agree about.
    return _parse_slowly(text) if depth is None else Parsed(value, depth)


def depth_of(value: object) -> int | None:
    """Return how deeply a value is nested; None where a number in it is infinite.

    Both in one walk, level by level, since the walk is what takes time. To count the brackets
    outside strings takes longer, and has to find the strings.
    """
    depth = 0
    level: list[Any] = [[value]]
    while level:
        below: list[Any] = []
        for container in level:
            for inner in container.values() if type(container) is dict else container:
                kind = type(inner)
                if kind is str:
                    continue
                if kind is dict or kind is list:
                    below.append(inner)
                elif kind is float and isinf(inner):
                    return None
        level = below
        depth += 1
    return depth - 1


def _parse_slowly(text: bytes) -> Parsed:
    try:
        value: object = json.loads(
            text.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_finite
        )
    except ValueError:
        # Not UTF-8, not JSON, or a number of thousands of digits.
        raise NotANotebook from None
    return Parsed(value, depth_of(value) or 0)  # it lets no infinite number through


def _refuse_constant(constant: str) -> NoReturn:
    raise NotANotebook(
        f"This notebook holds the value {constant}, which JSON does not have. Clear the outputs of "
        "your cells, save, and submit again."
    )


def _finite(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        _refuse_constant("Infinity")
    return number
