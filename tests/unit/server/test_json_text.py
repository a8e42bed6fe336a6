from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gofer_ingest.server.json_text import parse
from shared.errors import NotANotebook

if TYPE_CHECKING:
    from collections.abc import Iterator

json_texts = st.recursive(
    st.sampled_from(
        [
            *("null", "true", "1e5", "-0", "1e999", "-1E400", "NaN", "Infinity", "1.", "01"),
            *('"\\ud83d"', '"\\ud83d\\ude00"', '"\\u00e9é😀"', '"\\x"', '"a\tb"', '"'),
        ]
    )
    | st.sampled_from([4300, 4400]).map(lambda digits: "9" * digits)  # around Python's own limit
    | st.floats().map(json.dumps)
    | st.integers().map(json.dumps)
    | st.text().map(json.dumps),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda parts: f"[{','.join(parts)}]")
        # Of a key that is there twice the first value is nowhere: whether it is looked at, each
        # parser decides for itself.
        | st.lists(
            st.tuples(st.sampled_from(['"a"', '"b"', "3"]), inner),
            max_size=3,
            unique_by=lambda pair: pair[0],
        ).map(lambda pairs: "{" + " ,".join(f"{key}: {value}" for key, value in pairs) + "}")
    ),
    max_leaves=8,
)


def as_the_standard_library_does(text: bytes) -> object:
    """The value, or None where it is no JSON as a notebook may be."""
    try:
        value: object = json.loads(text.decode("utf-8"))
    except ValueError:
        return None
    if any(not math.isfinite(number) for number in floats_in(value)):
        return None
    return value


def floats_in(value: object) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from floats_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from floats_in(inner)


def check(text: bytes) -> None:
    try:
        value = parse(text).value
    except NotANotebook:
        value = None
    assert repr(value) == repr(as_the_standard_library_does(text))  # which tells 1 from 1.0


@settings(max_examples=500, deadline=None)
@given(json_texts)
@example('{"a": 1, "a": 2}')
@example("[1e999]")
@example(" [] \r\n\t")
@example("[] x")
def test_it_reads_what_the_standard_library_reads_and_nothing_else(text: str) -> None:
    check(text.encode("utf-8", "surrogatepass"))


@settings(max_examples=300, deadline=None)
@given(st.binary() | st.binary().map(lambda inner: b'["%b"]' % inner))
def test_bytes_that_are_no_text_are_refused(text: bytes) -> None:
    check(text)


@pytest.mark.parametrize("depth", [150, 199, 200, 201, 250, 900])
def test_depth_makes_no_difference(depth: int) -> None:
    check(b"[" * depth + b"]" * depth)


@pytest.mark.parametrize("number", [b"1e999", b"-1E400", b"NaN", b"Infinity"])
def test_a_number_that_json_does_not_have_is_named_wherever_it_stands(number: bytes) -> None:
    for text in (number, b"[%b]" % number, b'{"a": [[{"b": %b}]]}' % number):
        with pytest.raises(NotANotebook, match="Clear the outputs"):
            parse(text)
