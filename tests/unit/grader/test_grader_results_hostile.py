"""An answer may be any bytes at all: the worst it can do is to cost its notebook the score."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gofer_ingest.grader.results import conclude
from gofer_ingest.grader.sandbox import ANSWER_MAX_BYTES, LOG_TAIL_MAX_BYTES
from shared.model import GradingResult, Limits, Verdict
from tests.unit.grader.harness_answers import TWO_QUESTIONS, answer, answered, question, stop

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=())),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=10,
)
NAMES = st.sampled_from(["q1", "q2", "q3"]) | st.text()
NUMBERS = st.floats() | st.integers() | st.none() | st.booleans() | st.text()


def concluded(content: object, *, log_tail: bytes = b"") -> GradingResult:
    return conclude(answered(content, log_tail=log_tail), TWO_QUESTIONS, Limits())


def assert_harmless(result: GradingResult) -> None:
    assert result.student_text.isprintable()
    assert result.staff_text.isprintable()
    assert (result.score is None) == (result.verdict is not Verdict.GRADED)
    if result.score is not None:
        assert 0.0 <= result.score.points <= result.score.possible == 5.0
        assert [scored.points_possible for scored in result.questions] == [2.0, 3.0]
        assert all(0.0 <= scored.score <= scored.points_possible for scored in result.questions)


def assert_refused(result: GradingResult) -> None:
    assert result.verdict is Verdict.CRASHED
    assert result.score is None
    assert "not in the shape" in result.staff_text


TERMINAL_SEQUENCES = "\x1b]0;owned\x07\x1b[2J\x9b\u202e\x00line\r\n  another"


@pytest.mark.parametrize("kind", ["failed", "refused", "kernel_died"])
def test_what_a_notebook_had_otter_say_is_one_line_without_control_characters(kind: str) -> None:
    stops = [stop("died", check=TERMINAL_SEQUENCES)]
    result = concluded(answer(kind=kind, error=TERMINAL_SEQUENCES, stops=stops))
    assert "�]0;owned��[2J���line another" in result.staff_text
    assert_harmless(result)


def test_a_key_that_no_harness_writes_is_named_without_control_characters() -> None:
    result = concluded(answer(**{TERMINAL_SEQUENCES: 1}))
    assert_refused(result)
    assert "owned" in result.staff_text
    assert_harmless(result)


@settings(max_examples=50, deadline=None)
@given(content=st.binary())
def test_any_bytes_are_harmless(content: bytes) -> None:
    assert_harmless(concluded(content))


@settings(max_examples=50, deadline=None)
@given(content=JSON_VALUES, log_tail=st.binary())
def test_any_json_is_harmless(content: object, log_tail: bytes) -> None:
    assert_harmless(concluded(content, log_tail=log_tail))


@settings(max_examples=50, deadline=None)
@given(
    questions=st.lists(
        st.fixed_dictionaries({"name": NAMES, "score": NUMBERS, "possible": NUMBERS})
    )
)
def test_any_scores_are_harmless(questions: list[dict[str, Any]]) -> None:
    assert_harmless(concluded(answer(questions=questions)))


@settings(max_examples=50, deadline=None)
@given(field=st.sampled_from(sorted(answer())), value=JSON_VALUES)
def test_any_value_in_any_field_is_harmless(field: str, value: object) -> None:
    assert_harmless(concluded(answer(**{field: value})))


@pytest.mark.parametrize("score", [True, "2.0", [], {}, math.nan, math.inf, -math.inf])
def test_a_score_of_another_kind_is_refused(score: object) -> None:
    assert_refused(concluded(answer(questions=[question("q1", score, 2.0)])))


def test_a_score_of_more_digits_than_a_float_holds_is_no_score() -> None:
    digits = b"9" * 100_000
    content = json.dumps(answer()).encode().replace(b"1.5", digits)
    assert digits in content
    result = concluded(content)
    assert result.verdict is Verdict.CRASHED
    assert result.score is None


@pytest.mark.parametrize(
    "content",
    [
        {**answer(), "score": 100.0},
        answer(questions=[{**question("q1", 1.0, 2.0), "hidden": False}]),
        answer(memory={"peak_bytes": 1, "oom_kills": 0, "swap": 0}),
        answer(kind="graded"),
        answer(questions={"q1": 2.0}),
        answer(output_truncated=0),
        answer(stops=[stop("interrupted", cell=1)] * 101),
        answer(stops=[stop("interrupted", cell=0)]),
        answer(stops=[stop("paused", cell=1)]),
        answer(stops=None),
        answer(memory=None),
        answer(log="x" * 64_001),
        answer(questions=[question("q" * 1_001, 1.0, 2.0)]),
        answer(questions=[question("q", 1.0, 2.0)] * 10_001),
        {key: value for key, value in answer().items() if key != "kind"},
        [answer()],
    ],
    ids=lambda content: repr(content)[:60],
)
def test_an_answer_in_another_shape_is_refused(content: object) -> None:
    assert_refused(concluded(content))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * ANSWER_MAX_BYTES,
        b"[" * ANSWER_MAX_BYTES,
        b'{"kind":' * (ANSWER_MAX_BYTES // 8),
        b'{"questions": [' + b"[]," * (ANSWER_MAX_BYTES // 3 - 10),
        b"\xff\xfe" + json.dumps(answer()).encode("utf-16-le"),
        json.dumps(answer()).encode() + b"{}",
        json.dumps(answer()).encode().replace(b"7.0.0", b"\xff"),
    ],
    ids=["empty", "zeros", "brackets", "nested", "lists", "utf-16", "two", "not-utf-8"],
)
def test_rubbish_of_any_size_is_refused(content: bytes) -> None:
    assert_refused(concluded(content))


def test_what_staff_read_of_a_refused_answer_quotes_none_of_it() -> None:
    result = concluded(answer(kind="<script>", questions="<script>"))
    assert "<script>" not in result.staff_text


@pytest.mark.parametrize("peak_bytes", [-1, 1 << 63, 10**40])
def test_a_peak_that_no_machine_has_is_refused(peak_bytes: int) -> None:
    """The gradebook keeps it as an integer of 64 bits."""
    assert_refused(concluded(answer(memory={"peak_bytes": peak_bytes, "oom_kills": 0})))


def test_the_log_that_is_kept_is_bounded() -> None:
    result = concluded(answer(log="x" * 32_000), log_tail=b"y" * LOG_TAIL_MAX_BYTES)
    assert len(result.log_tail) <= 64_000
    assert result.log_tail.endswith("y")
