from __future__ import annotations

import copy
import json
import tracemalloc
from importlib.resources import files
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gofer_ingest.grader.notebooks import (
    CELL_METADATA,
    NOTEBOOK_METADATA,
    InvalidNotebook,
    without_outputs,
)
from tests.support.processor_time import within_processor_time
from tests.support.zips import notebook

PICTURE = {
    "output_type": "display_data",
    "data": {"image/png": "iVBORw0KGgo=" * 100},
    "metadata": {},
}
NOTEBOOK: dict[str, Any] = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {
        "assignment": "lab01",
        "kernelspec": {"name": "python3", "display_name": "Python 3"},
        "otter": {"assignment_name": "lab01"},
    },
    "cells": [
        {
            "cell_type": "markdown",
            "id": "a",
            "metadata": {},
            "source": ["# José\n", "writes"],
            "attachments": {"tree.png": {"image/png": "iVBORw0KGgo="}},
        },
        {
            "cell_type": "code",
            "id": "b",
            "metadata": {"tags": ["otter_answer"]},
            "source": "total = 2 + 3",
            "execution_count": None,
            "outputs": [],
        },
        {"cell_type": "raw", "id": "c", "metadata": {}, "source": "raw"},
    ],
}
PATHS = [
    ("nbformat",),
    ("nbformat_minor",),
    ("metadata",),
    ("metadata", "kernelspec"),
    ("cells",),
    ("cells", 0),
    ("cells", 0, "cell_type"),
    ("cells", 0, "attachments"),
    ("cells", 1, "id"),
    ("cells", 1, "metadata"),
    ("cells", 1, "source"),
    ("cells", 1, "outputs"),
    ("cells", 1, "execution_count"),
    ("cells", 2, "source"),
]
SMALL_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 6) | st.floats() | st.text(max_size=5),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3)
    ),
    max_leaves=4,
)


def graded(content: object) -> Any:
    """The notebook that goes to the sandbox for this one."""
    return json.loads(without_outputs(json.dumps(content).encode()))


def changed(path: tuple[str | int, ...], value: object) -> dict[str, Any]:
    content: Any = copy.deepcopy(NOTEBOOK)
    target = content
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    return dict(content)


def test_a_valid_notebook_without_outputs_is_left_as_it_is() -> None:
    assert graded(NOTEBOOK) == NOTEBOOK


def test_outputs_and_execution_counts_are_left_out() -> None:
    content = changed(("cells", 1, "outputs"), [PICTURE])
    content["cells"][1]["execution_count"] = 17
    assert graded(content) == NOTEBOOK


def test_outputs_that_are_no_outputs_do_not_matter() -> None:
    assert graded(changed(("cells", 1, "outputs"), ["damaged by an editor"])) == NOTEBOOK


def test_missing_ids_are_mended() -> None:
    content = copy.deepcopy(NOTEBOOK)
    for cell in content["cells"]:
        del cell["id"]
    result = graded(content)
    nbformat.validate(result)
    assert len({cell["id"] for cell in result["cells"]}) == 3


def test_ids_that_stand_twice_are_mended() -> None:
    result = graded(changed(("cells", 2, "id"), "a"))
    assert len({cell["id"] for cell in result["cells"]}) == 3


MIXED = [number if number % 2 else str(number) for number in range(20_000)]


@pytest.mark.parametrize(
    "tags",
    [MIXED, [","] * 50_000, [{"a": [number]} for number in range(10_000)], "no list", ["a", "a"]],
    ids=["numbers among them", "commas", "objects", "no list", "twice the same"],
)
def test_odd_tags_are_left_out_and_keep_nobody_waiting(tags: object) -> None:
    with within_processor_time(20):
        result = graded(changed(("cells", 1, "metadata"), {"tags": tags, "mine": 5}))
    assert result["cells"][1]["metadata"] == {"mine": 5}


def test_odd_metadata_of_a_notebook_is_left_out() -> None:
    odd = {"kernelspec": 5, "authors": "me", "title": ["x"], "assignment": "lab01"}
    assert graded(changed(("metadata",), odd))["metadata"] == {"assignment": "lab01"}


def test_what_has_a_form_in_metadata_is_what_the_format_says() -> None:
    of_cells, of_notebooks = set(), set()
    schemas = [path for path in files("nbformat.v4").iterdir() if ".schema.json" in path.name]
    assert len(schemas) >= 6
    for path in schemas:
        schema = json.loads(path.read_text())
        of_notebooks |= schema["properties"]["metadata"]["properties"].keys()
        for name, definition in schema["definitions"].items():
            if name.endswith("_cell"):
                of_cells |= definition["properties"]["metadata"].get("properties", {}).keys()
    assert of_notebooks == NOTEBOOK_METADATA
    assert of_cells == CELL_METADATA


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("metadata",), {"mine": [{}] * 100_000}),
        (("cells", 1, "metadata"), {"tags": [","] * 100_000}),
        (("cells", 0, "attachments"), {"a": {"b": [1] * 100_000}}),
    ],
    ids=["objects", "odd tags", "odd attachments"],
)
def test_a_notebook_made_for_it_takes_little_memory(
    path: tuple[str | int, ...], value: object
) -> None:
    stored = json.dumps(changed(path, value)).encode()
    tracemalloc.start()
    try:
        without_outputs(stored)
    except InvalidNotebook:
        pass
    finally:
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak_bytes < 20 << 20


def test_an_older_notebook_without_ids_stays_without() -> None:
    content = changed(("nbformat_minor",), 4)
    for cell in content["cells"]:
        del cell["id"]
    assert graded(content) == content


def test_a_notebook_of_a_newer_minor_version_is_taken() -> None:
    assert graded(changed(("nbformat_minor",), 9))["cells"][1]["source"] == "total = 2 + 3"


@pytest.mark.parametrize("source", ["x = '\ud800'", "x = '\x00'", "x = '\U0001f600'"], ids=ascii)
def test_any_character_in_a_cell_comes_through(source: str) -> None:
    assert json.loads(without_outputs(notebook(source)))["cells"][0]["source"] == source


def test_what_goes_to_the_sandbox_is_ascii() -> None:
    assert without_outputs(json.dumps(NOTEBOOK, ensure_ascii=False).encode()).isascii()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "JSONDecodeError"),
        (b"\xff\xfe\x00", "UnicodeDecodeError"),
        (b"[" * 100_000, "RecursionError"),
        (b"9" * 10_000, "digits"),
        (b"[]", "TypeError"),
        (b"null", "TypeError"),
        (b'{"cells": []}', "nbformat"),
        (b'{"nbformat": 4}', "nbformat_minor"),
        (b'{"nbformat": 4, "nbformat_minor": 5}', "cells"),
        (b'{"nbformat": 4, "nbformat_minor": 5, "cells": null}', "TypeError"),
        (b'{"nbformat": 4, "nbformat_minor": 5, "cells": [null]}', "TypeError"),
        (b'{"nbformat": 4, "nbformat_minor": 5, "cells": [{}]}', "cell_type"),
        (b'{"nbformat": 4, "nbformat_minor": 5, "cells": []}', "required"),
    ],
    ids=lambda value: ascii(value)[-30:],
)
def test_bytes_that_are_no_notebook_are_invalid_and_say_why(content: bytes, reason: str) -> None:
    with pytest.raises(InvalidNotebook, match=reason):
        without_outputs(content)


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (("nbformat",), 3, "format 4"),
        (("nbformat",), 5, "format 4"),
        (("nbformat",), "4", "format 4"),
        (("nbformat",), 4.0, "format 4"),
        (("nbformat",), True, "format 4"),
        (("nbformat_minor",), "5", "format 4"),
        (("nbformat_minor",), 5.0, "format 4"),
        (("nbformat_minor",), -1, "."),
        (("cells", 0, "cell_type"), "heading", "heading"),
        (("cells", 1, "source"), 42, "42"),
        (("cells", 1, "metadata"), None, "."),
        (("cells", 2, "metadata"), [], "."),
        (("metadata",), "none", "."),
    ],
    ids=repr,
)
def test_a_notebook_that_does_not_validate_is_invalid_and_says_why(
    path: tuple[str | int, ...], value: object, reason: str
) -> None:
    with pytest.raises(InvalidNotebook, match=reason):
        graded(changed(path, value))


def test_a_cell_without_its_source_is_invalid() -> None:
    content = copy.deepcopy(NOTEBOOK)
    del content["cells"][1]["source"]
    with pytest.raises(InvalidNotebook, match="source"):
        graded(content)


def test_the_reason_is_short_however_large_the_notebook() -> None:
    with pytest.raises(InvalidNotebook) as caught:
        graded(changed(("cells", 0, "source"), {"x": "y" * 100_000}))
    assert len(str(caught.value)) <= 500


def assert_a_notebook_or_a_reason(content: object) -> None:
    try:
        result = graded(content)
    except InvalidNotebook:
        return
    nbformat.validate(result)
    assert not any(cell.get("outputs") for cell in result["cells"])


@settings(max_examples=50, deadline=None)
@given(path=st.sampled_from(PATHS), value=SMALL_JSON)
def test_any_change_gives_a_notebook_or_is_invalid(
    path: tuple[str | int, ...], value: object
) -> None:
    assert_a_notebook_or_a_reason(changed(path, value))


@pytest.mark.parametrize("path", PATHS, ids=repr)
def test_any_part_left_out_gives_a_notebook_or_is_invalid(path: tuple[str | int, ...]) -> None:
    content: Any = copy.deepcopy(NOTEBOOK)
    target = content
    for step in path[:-1]:
        target = target[step]
    del target[path[-1]]
    assert_a_notebook_or_a_reason(content)


@settings(max_examples=50, deadline=None)
@given(content=st.binary())
def test_any_bytes_are_invalid(content: bytes) -> None:
    with pytest.raises(InvalidNotebook):
        without_outputs(content)
