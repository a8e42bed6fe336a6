"""What the grader's own checks say is read strictly."""

from __future__ import annotations

import pytest

from gofer_console.grader_side import Check, Health, read_answer
from shared.errors import GraderError


def test_checks_are_read_and_what_a_newer_grader_adds_is_ignored() -> None:
    answer = (
        b'{"checks": [{"name": "engine", "status": "ok", "message": "It answers.", "more": 1},'
        b' {"name": "image", "status": "problem", "message": "None.", "advice": "Build it."}],'
        b' "version": 2}'
    )
    assert read_answer(answer) == (
        Check(name="engine", status=Health.OK, message="It answers."),
        Check(name="image", status=Health.PROBLEM, message="None.", advice="Build it."),
    )


@pytest.mark.parametrize(
    "answer",
    [b"", b"[]", b"{}", b"Traceback", b'{"checks": [{"name": "x", "status": "?", "message": ""}]}'],
)
def test_anything_else_is_an_error_in_plain_words(answer: bytes) -> None:
    with pytest.raises(GraderError, match="cannot be read"):
        read_answer(answer)
