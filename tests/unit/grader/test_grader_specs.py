from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gofer_ingest.grader.harness.grading import as_json
from gofer_ingest.grader.results import read_spec
from shared.errors import ResultsUnreadable
from shared.model import AutograderSpec, QuestionSpec
from tests.unit.grader.harness_answers import SHA256

FOUND: dict[str, Any] = {
    "questions": [
        {"name": "q1", "points": 2.0, "hidden": False},
        {"name": "q2", "points": 0.5, "hidden": True},
    ],
    "points_possible": 2.5,
    "score_threshold": None,
    "plugins": ["course.plugins.Dates"],
    "requirements": ["numpy", "gofer-demo>=2"],
    "missing": ["gofer-demo>=2"],
    "problems": [],
    "notes": ["conda's git is ignored."],
    "otter_version": "7.0.0",
}


def test_what_the_harness_found_becomes_the_spec() -> None:
    assert read_spec(as_json(FOUND), SHA256) == AutograderSpec(
        sha256=SHA256,
        questions=(QuestionSpec("q1", 2.0, hidden=False), QuestionSpec("q2", 0.5, hidden=True)),
        points_possible=2.5,
        score_threshold=None,
        plugins=("course.plugins.Dates",),
        requirements=("numpy", "gofer-demo>=2"),
        missing=("gofer-demo>=2",),
        problems=(),
        notes=("conda's git is ignored.",),
        otter_version="7.0.0",
    )


@pytest.mark.parametrize(
    ("changes", "is_usable"),
    [
        ({"missing": []}, True),
        ({}, False),
        ({"missing": [], "problems": ["tests/q1.py cannot be loaded"]}, False),
    ],
)
def test_only_a_zip_without_problems_and_missing_packages_is_usable(
    changes: dict[str, Any], *, is_usable: bool
) -> None:
    assert read_spec(as_json({**FOUND, **changes}), SHA256).is_usable is is_usable


@pytest.mark.parametrize(
    "changes",
    [
        {"points_possible": -1.0},
        {"points_possible": math.nan},
        {"points_possible": math.inf},
        {"points_possible": "10"},
        {"score_threshold": math.nan},
        {"score_threshold": "0.5"},
        {"questions": [{"name": "", "points": 1.0, "hidden": False}]},
        {"questions": [{"name": "q1", "points": -1.0, "hidden": False}]},
        {"questions": [{"name": "q1", "points": math.nan, "hidden": False}]},
        {"questions": [{"name": "q1", "points": True, "hidden": False}]},
        {"questions": [{"name": "q1", "points": 1.0, "hidden": 0}]},
        {"questions": [{"name": "q1", "points": 1.0, "hidden": False, "solution": 42}]},
        {"requirements": "numpy"},
        {"otter_version": None},
        {"grade": 100},
    ],
    ids=repr,
)
def test_a_spec_in_another_shape_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ResultsUnreadable):
        read_spec(json.dumps({**FOUND, **changes}).encode(), SHA256)


def test_what_a_test_file_says_of_itself_reaches_no_terminal_as_it_is() -> None:
    found = {**FOUND, "problems": ["q1.py: \x1b[2Jall\nwell\u202e"], "notes": ["\x07"]}
    spec = read_spec(json.dumps(found).encode(), SHA256)
    assert spec.problems == ("q1.py: \ufffd[2Jall well\ufffd",)
    assert spec.notes == ("\ufffd",)


@pytest.mark.parametrize("key", sorted(FOUND))
def test_a_spec_without_one_of_its_parts_is_refused(key: str) -> None:
    found = {name: value for name, value in FOUND.items() if name != key}
    with pytest.raises(ResultsUnreadable, match=key):
        read_spec(json.dumps(found).encode(), SHA256)


@settings(max_examples=50, deadline=None)
@given(content=st.binary())
def test_bytes_that_are_no_spec_are_refused(content: bytes) -> None:
    with pytest.raises(ResultsUnreadable):
        read_spec(content, SHA256)
