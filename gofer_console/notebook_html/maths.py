"""TeX as MathML, which browsers draw without a script."""

from __future__ import annotations

from html import escape
from typing import Final

from latex2mathml import exceptions
from latex2mathml.converter import convert

from gofer_console.notebook_html.limits import MATHS_CHARACTERS

_NOT_UNDERSTOOD: Final[tuple[type[Exception], ...]] = (
    *(
        kind
        for kind in vars(exceptions).values()
        if isinstance(kind, type) and issubclass(kind, Exception)
    ),
    # What it fails with on TeX that it does not foresee, beside errors of its own.
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    StopIteration,
    TypeError,
    ValueError,
)
_DELIMITERS: Final = (("$$", "$$"), ("$", "$"), ("\\[", "\\]"), ("\\(", "\\)"))


def mathml(tex: str, *, is_block: bool) -> str:
    """Return a formula as MathML, not cleaned yet; or as it was written where that fails.

    Args:
        tex: without its delimiters.
        is_block: whether it stands on a line of its own.
    """
    if tex.strip() and len(tex) <= MATHS_CHARACTERS:
        try:
            return convert(tex, display="block" if is_block else "inline")
        except _NOT_UNDERSTOOD:
            pass
    mark = "$$" if is_block else "$"
    return f'<code class="tex">{escape(f"{mark}{tex}{mark}")}</code>'


def undelimited(tex: str) -> str:
    """Return what stands between a formula's delimiters, if it has any."""
    text = tex.strip()
    for begin, end in _DELIMITERS:
        if len(text) > len(begin + end) and text.startswith(begin) and text.endswith(end):
            return text[len(begin) : -len(end)]
    return text
