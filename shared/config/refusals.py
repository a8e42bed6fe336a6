"""Why a setting cannot be used, in plain words: what is wrong with it, and what it may be.

pydantic's own words speak of inputs, strings and parsing to whoever wrote a line in a unit file.
"""

from __future__ import annotations

from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import ErrorDetails

_TOO_SMALL: Final = frozenset({"greater_than", "greater_than_equal"})
_TOO_LARGE: Final = frozenset({"less_than", "less_than_equal", "int_parsing_size"})


def refusal(problem: ErrorDetails, field: FieldInfo | None) -> str:
    """Return what is wrong with a setting, never its value.

    Args:
        problem: what pydantic found.
        field: of the setting; None where it is none.
    """
    if problem["type"] == "string_unicode":
        return "it holds bytes that are no UTF-8"
    if field is None or problem["type"] == "value_error":
        return problem["msg"].removeprefix("Value error, ")
    parts = list(_parts(field))
    if options := [option for part in parts for option in _options(part)]:
        return f"there is no such choice; write {_either(options)}"
    if bool in parts:
        return "write `on` or `off`"
    for kind, name in ((int, "whole number"), (float, "number")):
        if kind in parts:
            return _number(problem, name, parts)
    return problem["msg"]


def _number(problem: ErrorDetails, name: str, parts: list[Any]) -> str:
    if problem["type"] in _TOO_SMALL:
        wrong = "it is too small"
    elif problem["type"] in _TOO_LARGE:
        wrong = "it is too large"
    else:
        wrong = f"it is no {name}"
    return f"{wrong}; write a {name}{_bounds(parts)}"


def _bounds(parts: list[Any]) -> str:
    least, above, most, below = (
        next((getattr(part, name) for part in parts if hasattr(part, name)), None)
        for name in ("ge", "gt", "le", "lt")  # as pydantic's own bounds call them
    )
    if least is not None and most is not None:
        return f" from {least} to {most}"
    told = ((" of at least", least), (" above", above), (" of at most", most), (" below", below))
    return " and".join(f"{words} {bound}" for words, bound in told if bound is not None)


def _options(part: Any) -> tuple[Any, ...]:
    return get_args(part) if get_origin(part) is Literal else ()


def _either(options: list[Any]) -> str:
    *others, last = (f"`{option}`" for option in options)
    return f"{', '.join(others)} or {last}" if others else last


def _parts(of: Any) -> Iterator[Any]:
    """Yield the types that a field may have, and what bounds them, however they are wrapped."""
    if isinstance(of, FieldInfo):
        yield from _parts(of.annotation)
        for bound in of.metadata:
            yield from _parts(bound)
    elif get_origin(of) in {Annotated, Union, UnionType}:
        for part in get_args(of):
            yield from _parts(part)
    else:
        yield of
