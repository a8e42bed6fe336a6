"""What stands in a cell, and text that no spreadsheet takes for a formula.

A student chooses their own name, and a spreadsheet runs what looks like a formula: so text that a
spreadsheet would read as one gets an apostrophe in front (OWASP, CSV Injection; ASVS 1.2.10, which
asks it of XLSX too). Numbers are numbers, and are left alone.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import Final

Cell = str | float | None

FORMULA_STARTS: Final = frozenset("=+-@＝＋－＠﹦﹢﹣﹫⁼⁺⁻₌₊₋⩵⩶﬩−")  # noqa: RUF001 - what they look like is the point
"""What begins a formula, and all that Unicode says is the same as one of these (NFKC).

Spreadsheets in East Asian locales read the full-width forms as the plain ones.
"""

_CONTROL_STARTS: Final = ("\t", "\r", "\n", "\0")
_SEPARATORS: Final = re.compile(r"([;\t\r\n])")
"""Where a spreadsheet whose list separator is not the comma begins another cell."""

_POINT_DIGITS: Final = 5
"""As many as Moodle keeps of a grade (`grade_grades.finalgrade` is NUMERIC(10,5))."""


@functools.lru_cache(maxsize=8192)
def neutralised(text: str) -> str:
    """Return text that no spreadsheet takes for a formula; most text is returned as it is.

    White space and characters that do not show are looked through, and text after a separator of
    another locale is treated as a cell of its own, since OWASP's advice covers both.
    """
    if text[:1].isalnum() and _SEPARATORS.search(text) is None:
        return text
    parts = _SEPARATORS.split(text)
    safe = "".join(f"'{part}" if begins_formula(part) else part for part in parts)
    return f"'{safe}" if safe.startswith(_CONTROL_STARTS) else safe


def begins_formula(text: str) -> bool:
    """Whether the first character of `text` that shows begins a formula."""
    for character in text:
        if character in FORMULA_STARTS:
            return True
        is_seen = not character.isspace() and unicodedata.category(character) not in {"Cc", "Cf"}
        if is_seen:
            return False
    return False


def points(score: float) -> str:
    """Return a score as LMS importers read it: plain digits, no exponent, no zeros at the end.

    Args:
        score: in points, ≥ 0; rounded to five decimals.
    """
    return f"{score:.{_POINT_DIGITS}f}".rstrip("0").rstrip(".")
