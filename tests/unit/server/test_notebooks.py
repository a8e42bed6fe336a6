from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gofer_ingest.server.notebooks import ReadNotebook, ShapeLimits, read_notebook
from shared.errors import (
    MalformedMetadata,
    MissingMetadata,
    NotANotebook,
    SubmissionRejected,
    TooLarge,
)
from shared.model import AssignmentKey
from shared.notebook_metadata import assignment_key

WORDS = {"course": "demo101", "section": "1", "assignment": "lab01"}
KEY = AssignmentKey("demo101", "1", "lab01")
NOTEBOOK: dict[str, Any] = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": WORDS,
    "cells": [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["# Hé\n", "llo"]},
        {
            "cell_type": "code",
            "id": "b",
            "metadata": {},
            "source": "1 + 1",
            "execution_count": None,
            "outputs": [],
        },
    ],
}


def encoded(content: object) -> bytes:
    return json.dumps(content).encode()


def changed(**parts: object) -> dict[str, Any]:
    return {**copy.deepcopy(NOTEBOOK), **parts}


# --- what is taken ------------------------------------------------------------------------------


def test_a_bare_notebook_is_stored_as_sent() -> None:
    body = json.dumps(NOTEBOOK, indent=1).encode()
    assert read_notebook(body) == ReadNotebook(KEY, body)


def test_a_byte_order_mark_is_left_out() -> None:
    body = encoded(NOTEBOOK)
    assert read_notebook(b"\xef\xbb\xbf" + body).content == body


@pytest.mark.parametrize("wrapping", [b'{"nb":%b}', b' {\n"nb" :\t%b\r\n } \n'])
@pytest.mark.parametrize("indent", [None, 1])
def test_a_wrapped_notebook_is_stored_as_sent_without_its_wrapping(
    wrapping: bytes, indent: int | None
) -> None:
    sent = json.dumps(NOTEBOOK, indent=indent).encode()
    assert read_notebook(wrapping % sent) == ReadNotebook(KEY, sent)


def test_of_a_wrapping_with_more_in_it_the_notebook_is_stored_in_utf_8() -> None:
    for body in (
        encoded({"nb": NOTEBOOK, "assignment": "test"}),
        encoded({"assignment": "test", "nb": NOTEBOOK}),
        b'{"nb": 3, "nb": %b}' % encoded(NOTEBOOK),
        b'{"n\\u0062": %b}' % encoded(NOTEBOOK),
    ):
        found = read_notebook(body)
        assert found.key == KEY
        assert json.loads(found.content) == NOTEBOOK
        assert "Hé".encode() in found.content


def test_a_notebook_that_has_a_key_of_the_wrapping_s_name_is_not_unwrapped() -> None:
    body = encoded({"nb": 3, **NOTEBOOK})
    assert read_notebook(body) == ReadNotebook(KEY, body)


@pytest.mark.parametrize("beside", [{}, {"assignment": "test"}])
def test_half_a_character_survives_the_unwrapping(beside: dict[str, str]) -> None:
    notebook = changed(cells=[{"cell_type": "raw", "source": "Hé\ud83d"}])
    found = read_notebook(encoded({"nb": notebook, **beside}))
    assert json.loads(found.content) == notebook


def test_a_notebook_that_grows_as_it_is_written_again_may_not_be_too_large_either() -> None:
    notebook = encoded(changed(x=[0])).replace(b"[0]", b"[%b]" % b",".join([b"1e15"] * 1000))
    limits = ShapeLimits(max_bytes=10_000)
    assert read_notebook(b'{"nb": %b}' % notebook, limits).content == notebook
    with pytest.raises(TooLarge, match=r"more than 0\.00954 MB cannot be taken"):
        read_notebook(b'{"nb": %b, "assignment": "test"}' % notebook, limits)


# --- which assignment ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "metadata",
    [
        WORDS,
        {"course": "demo101", "section": "1", "lab": "lab01"},
        {"course": "demo101", "section": 1, "lab": "lab01"},
        {"otter_service": WORDS},
        {"otter_service": {"course": "demo101", "section": 1, "lab": "lab01"}},
        {"gofer": WORDS},
        {"kernelspec": {"name": "python3"}, "otter": {"tests": True}, "gofer": WORDS},
        {**WORDS, "lab": "lab99"},
        {**WORDS, "assignment": None, "lab": "lab01"},
        {"course": "jose\u0301", "gofer": WORDS},
        {"otter_service": "on", "gofer": 5, **WORDS},
    ],
)
def test_metadata_name_the_assignment_in_one_of_three_places(metadata: dict[str, Any]) -> None:
    assert assignment_key(metadata) == KEY


def test_a_complete_place_wins_as_a_whole_over_one_that_is_not() -> None:
    assert assignment_key({"gofer": {"course": "other"}, **WORDS}) == KEY


def test_of_two_complete_places_the_more_particular_one_wins() -> None:
    other = {"course": "a", "section": "b", "assignment": "c"}
    assert assignment_key({**other, "otter_service": WORDS}) == KEY
    assert assignment_key({"otter_service": other, "gofer": WORDS}) == KEY


def test_words_that_are_scattered_are_put_together() -> None:
    metadata = {
        "course": "demo101",
        "section": "9",
        "otter_service": {"section": 1},
        "gofer": {"lab": "lab01"},
    }
    assert assignment_key(metadata) == KEY


def test_names_are_composed_before_they_are_compared() -> None:
    assert assignment_key({**WORDS, "course": "jose\u0301"}).course == "jos\u00e9"


@pytest.mark.parametrize("missing", ["course", "section", "assignment"])
@pytest.mark.parametrize("null", [True, False])
def test_a_word_that_is_not_there_is_named(missing: str, *, null: bool) -> None:
    metadata: dict[str, Any] = dict(WORDS)
    del metadata[missing]
    if null:
        metadata[missing] = None
    with pytest.raises(MissingMetadata, match=missing):
        assignment_key(metadata)


@pytest.mark.parametrize("word", ["course", "section", "assignment"])
@pytest.mark.parametrize(
    "value",
    ["", " ", "../lab01", "a\x00b", "x" * 4096, "a\u202eb", "a\tb", "\ud800", 1.5, True, [], {}],
)
def test_a_word_that_cannot_be_a_name_is_named(word: str, value: object) -> None:
    with pytest.raises(MalformedMetadata, match=word) as caught:
        assignment_key({**WORDS, word: value})
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("word", ["course", "assignment"])
def test_only_a_section_may_be_a_number(word: str) -> None:
    with pytest.raises(MalformedMetadata):
        assignment_key({**WORDS, word: 3})


# --- what is no notebook ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"{",
        b"null",
        b"[]",
        b"3",
        b'"nb"',
        b"{}",
        b'{"nb": null}',
        b'{"nb": {}}',
        b'{"nb": "{}"}',
        b'{"nb": []}',
        b"\xff\xfe{\x00}\x00",
        b'{"a": "\xff"}',
        b"\x1f\x8b\x08",
        b"%PDF-1.7",
        encoded(NOTEBOOK).decode().encode("utf-16"),
        encoded(NOTEBOOK) + b"x",
        encoded([NOTEBOOK]),
        encoded({"nb": {"nb": NOTEBOOK}}),
        encoded(changed(nbformat="4")),
        encoded(changed(nbformat=4.0)),
        encoded(changed(nbformat=True)),
        encoded(changed(nbformat=0)),
        encoded(changed(nbformat=-4)),
        encoded(changed(nbformat=10**4000)),
        encoded(changed(metadata=[])),
        encoded(changed(metadata=None)),
        encoded(changed(cells={})),
        encoded(changed(cells=["1 + 1"])),
        encoded(changed(cells=[{"cell_type": "sql", "source": ""}])),
        encoded(changed(cells=[{"cell_type": ["code"], "source": ""}])),
        encoded(changed(cells=[{"cell_type": {}, "source": ""}])),
        encoded(changed(cells=["code"])),
        encoded(changed(cells=[{"cell_type": "code", "source": {}}])),
        encoded(changed(cells=[{"cell_type": "code"}])),
        encoded(changed(cells=[{"cell_type": "code", "source": 5}])),
        encoded(changed(cells=[{"cell_type": "code", "source": [5]}])),
    ],
)
def test_what_is_no_notebook_is_refused(body: bytes) -> None:
    with pytest.raises(NotANotebook):
        read_notebook(body)


def test_old_notebooks_are_told_how_to_become_new() -> None:
    with pytest.raises(NotANotebook, match=r"old format 3\. Open it in Jupyter"):
        read_notebook(encoded({"nbformat": 3, "metadata": {}, "worksheets": []}))


def test_notebooks_of_a_later_format_are_told_so() -> None:
    with pytest.raises(NotANotebook, match="newer"):
        read_notebook(encoded(changed(nbformat=5)))


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999"])
@pytest.mark.parametrize("wrapped", [True, False])
def test_numbers_that_json_does_not_have_are_refused(number: bytes, *, wrapped: bool) -> None:
    body = encoded(changed(x=0.5)).replace(b"0.5", number)
    with pytest.raises(NotANotebook, match="Clear the outputs"):
        read_notebook(b'{"nb": %b}' % body if wrapped else body)


@pytest.mark.parametrize("opened", [b"[", b'{"a":', b'{"nb":'])
def test_a_depth_bomb_is_refused(opened: bytes) -> None:
    with pytest.raises(NotANotebook):
        read_notebook(opened * 200_000)


def test_a_notebook_nested_too_deeply_is_refused() -> None:
    deep = b"[" * 50_000 + b"]" * 50_000
    body = encoded(changed(x=0)).replace(b'"x": 0', b'"x": ' + deep)
    for sent in (body, b'{"nb": %b}' % body):
        with pytest.raises(NotANotebook, match="nested too deeply"):
            read_notebook(sent)


def nested(depth: int, opened: str = "[", closed: str = "]") -> bytes:
    """A notebook whose deepest container is so many deep, itself being the first."""
    inner = opened * (depth - 1) + "0" * (opened != "[") + closed * (depth - 1)
    return encoded(changed(x="@")).replace(b'"@"', inner.encode())


@pytest.mark.parametrize("kind", [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize("wrapped", [True, False])
def test_depth_is_counted_to_the_very_level(kind: tuple[str, str], *, wrapped: bool) -> None:
    limits = ShapeLimits(max_depth=50)
    for depth, is_taken in ((49, True), (50, True), (51, False), (400, False)):
        body = nested(depth, *kind)
        sent = b'{"nb": %b}' % body if wrapped else body
        if is_taken:
            assert read_notebook(sent, limits).key == KEY
        else:
            with pytest.raises(NotANotebook, match="nested too deeply"):
                read_notebook(sent, limits)


def test_brackets_in_strings_nest_nothing() -> None:
    text = "[" * 5000 + '{"a":' * 5000
    assert read_notebook(encoded(changed(x=text, **{text: [text]}))).key == KEY


def test_deep_and_wide_at_once_is_measured_without_recursion() -> None:
    inner: list[Any] = []
    for _ in range(90):
        inner = [inner, [], {}, [[]], {"a": {}}]
    assert read_notebook(encoded(changed(x=inner))).key == KEY


def test_more_cells_than_allowed_are_told_with_both_numbers() -> None:
    cell = {"cell_type": "raw", "source": ""}
    limits = ShapeLimits(max_cells=3)
    assert read_notebook(encoded(changed(cells=[cell] * 3)), limits).key == KEY
    with pytest.raises(TooLarge, match=r"has 4 cells, and 3 are the most"):
        read_notebook(encoded(changed(cells=[cell] * 4)), limits)


def test_an_endless_number_is_refused() -> None:
    with pytest.raises(NotANotebook):
        read_notebook(encoded(changed(x=0)).replace(b'"x": 0', b'"x": ' + b"9" * 100_000))


# --- anything at all ----------------------------------------------------------------------------

NOTED_KEYS = [
    "nb",
    "cells",
    "metadata",
    "nbformat",
    "course",
    "section",
    "assignment",
    "lab",
    "gofer",
    "otter_service",
    "cell_type",
    "source",
    "x",
]
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None, exclude_categories=())),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(NOTED_KEYS),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)
near_notebooks = st.fixed_dictionaries(
    {"nbformat": st.just(4) | anything, "cells": st.just([]) | anything, "metadata": anything},
    optional={"nb": anything, "x": anything},
)
near_metadata = st.dictionaries(
    st.sampled_from(["course", "section", "assignment", "lab", "gofer", "otter_service"]),
    st.just("a") | anything | st.fixed_dictionaries({}, optional={"course": st.text()}),
)


def check(body: bytes) -> None:
    """Either a rejection that a student can read, or something that can be stored and read."""
    try:
        found = read_notebook(body)
    except SubmissionRejected as rejection:
        text = rejection.public_message
        assert text.isprintable()
        assert len(text) < 250
        return
    assert all(found.key.__getattribute__(word) for word in ("course", "section", "assignment"))
    assert read_notebook(found.content) == found


@given(st.binary())
def test_any_bytes_are_read_or_rejected(body: bytes) -> None:
    check(body)


@settings(max_examples=200, deadline=None)
@given(anything)
def test_any_json_is_read_or_rejected(sent: object) -> None:
    check(json.dumps(sent).encode())


@settings(max_examples=200, deadline=None)
@given(near_notebooks, st.booleans())
def test_anything_like_a_notebook_is_read_or_rejected(
    sent: dict[str, Any],
    wrapped: bool,  # noqa: FBT001 - hypothesis hands it over by position
) -> None:
    check(json.dumps({"nb": sent} if wrapped else sent).encode())


@settings(max_examples=300, deadline=None)
@given(near_metadata)
def test_any_metadata_name_an_assignment_or_are_rejected(metadata: dict[str, Any]) -> None:
    check(json.dumps(changed(metadata=metadata)).encode())


@given(st.data())
def test_a_notebook_with_damaged_bytes_is_read_or_rejected(data: st.DataObject) -> None:
    body = bytearray(encoded({"nb": NOTEBOOK}))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    check(bytes(body[: data.draw(st.integers(0, len(body)))]))
