"""Pure: JSON as bytes → Python values, fast, and just as strict as JSON is.

A notebook is mostly long strings, which pydantic's parser reads several times faster than the
standard library's. Where it has anything to object, the standard library's decides: it also knows
half characters, takes what is nested more deeply, and says what is wrong in our own words.
"""

from __future__ import annotations

import json
import math
from typing import NoReturn

from pydantic_core import from_json

from shared.errors import NotANotebook


def parse(text: bytes) -> object:
    """Return the value that a JSON text stands for.

    Raises:
        NotANotebook: it is no JSON in UTF-8, or holds a number that JSON does not have.
        RecursionError: it is nested too deeply.
    """
    try:
        value: object = from_json(text, allow_inf_nan=False)
    except ValueError:
        return _parse_slowly(text)
    # A number such as 1e999 is well-formed and still none that JSON's readers agree about.
    return _parse_slowly(text) if _has_infinity(value) else value


def _has_infinity(value: object) -> bool:
    rest = [value]
    while rest:
        one = rest.pop()
        if isinstance(one, dict):
            rest.extend(one.values())
        elif isinstance(one, list):
            rest.extend(one)
        elif isinstance(one, float) and math.isinf(one):
            return True
    return False


def _parse_slowly(text: bytes) -> object:
    try:
        value: object = json.loads(
            text.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_finite
        )
    except ValueError:
        # Not UTF-8, not JSON, or a number of thousands of digits.
        raise NotANotebook from None
    return value


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
