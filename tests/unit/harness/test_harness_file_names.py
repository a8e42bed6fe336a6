"""The name a notebook is graded under comes out of student code and becomes a file's name."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gofer_ingest.grader.harness.grading import DEFAULT_NAME, NAME_MAX_BYTES, _file_name
from tests.support.zips import notebook


@pytest.mark.parametrize(
    "source",
    [
        'grader = otter.Notebook("lab01.ipynb")',
        "grader = otter.Notebook('lab01.ipynb')",
        'import otter\ngrader = otter.Notebook(nb_path="lab01.ipynb")',
        'grader = otter.Notebook( "lab01.ipynb", tests_dir="tests")',
    ],
)
def test_a_notebook_is_graded_under_the_name_it_looks_for(source: str) -> None:
    assert _file_name(notebook("x = 1", source)) == "lab01.ipynb"


def test_a_name_of_other_letters_is_taken() -> None:
    assert _file_name(notebook('otter.Notebook("Übung 1 (neu).ipynb")')) == "Übung 1 (neu).ipynb"


@pytest.mark.parametrize(
    "source",
    [
        "x = 1",
        "grader = otter.Notebook()",
        "grader = otter.Notebook(name)",
        'otter.Notebook("../lab01.ipynb")',
        'otter.Notebook("/etc/lab01.ipynb")',
        'otter.Notebook("folder/lab01.ipynb")',
        'otter.Notebook("..\\\\lab01.ipynb")',
        'otter.Notebook(".ipynb")',
        'otter.Notebook("lab\x0001.ipynb")',
        'otter.Notebook("lab01.py")',
        f'otter.Notebook("{"é" * NAME_MAX_BYTES}.ipynb")',
    ],
    ids=lambda source: ascii(source)[:50],
)
def test_any_other_notebook_has_the_usual_name(source: str) -> None:
    assert _file_name(notebook(source)) == DEFAULT_NAME


def test_a_name_in_a_text_cell_is_not_taken() -> None:
    content = json.loads(notebook('otter.Notebook("lab01.ipynb")'))
    content["cells"][0]["cell_type"] = "markdown"
    assert _file_name(json.dumps(content).encode()) == DEFAULT_NAME


def test_a_cell_of_lines_is_read_like_one_of_text() -> None:
    content = json.loads(notebook(""))
    content["cells"][0]["source"] = ["grader = otter.", 'Notebook("lab01.ipynb")']
    assert _file_name(json.dumps(content).encode()) == "lab01.ipynb"


@settings(max_examples=50, deadline=None)
@given(name=st.text(st.characters(exclude_categories=())))
def test_no_name_leaves_its_folder(name: str) -> None:
    found = _file_name(notebook(f'otter.Notebook("{name}.ipynb")'))
    assert "/" not in found
    assert "\0" not in found
    assert found not in {".", ".."}
    assert len(found.encode()) <= NAME_MAX_BYTES


@settings(max_examples=50, deadline=None)
@given(content=st.binary())
def test_bytes_that_are_no_notebook_have_the_usual_name(content: bytes) -> None:
    assert _file_name(content) == DEFAULT_NAME
