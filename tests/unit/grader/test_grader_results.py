from __future__ import annotations

import pytest

from gofer_ingest.grader.results import (
    FLAG_IMPLAUSIBLE,
    FLAG_OUTPUT_TRUNCATED,
    FLAG_POINTS_DIFFER,
    FLAG_QUESTIONS_MISSING,
    FLAG_QUESTIONS_UNKNOWN,
    FLAG_TOO_MUCH_OUTPUT,
    conclude,
    invalid_notebook,
)
from gofer_ingest.grader.sandbox import Ending
from gofer_ingest.grader.stops import FLAG_CELL_TIMEOUT, FLAG_KERNEL_DIED, FLAG_OUT_OF_MEMORY
from shared.model import GradingResult, Limits, QuestionScore, Score, Verdict
from tests.unit.grader.harness_answers import (
    TWO_QUESTIONS,
    answer,
    answered,
    ended,
    question,
    stop,
)

LIMITS = Limits(time_s=30.0, memory_bytes=512 << 20)
FULL = [question("q1", 2.0, 2.0), question("q2", 3.0, 3.0)]


def concluded(content: object, *, oom_killed: bool = False) -> GradingResult:
    return conclude(answered(content, oom_killed=oom_killed), TWO_QUESTIONS, LIMITS)


# --- an answer with results -----------------------------------------------------------------------


def test_results_become_scores_in_the_order_of_the_spec() -> None:
    result = concluded(answer(questions=list(reversed(FULL))))
    assert result.verdict is Verdict.GRADED
    assert result.score == Score(5.0, 5.0)
    assert result.questions == (QuestionScore("q1", 2.0, 2.0), QuestionScore("q2", 3.0, 3.0))
    assert result.flags == frozenset()


def test_what_the_run_took_is_kept() -> None:
    result = concluded(answer())
    assert result.score == Score(1.5, 5.0)
    assert result.otter_version == "7.0.0"
    assert result.wall_s == 3.5
    assert result.peak_memory_bytes == 1 << 27


def test_a_question_without_a_result_counts_zero_of_its_points_and_is_flagged() -> None:
    result = concluded(answer(questions=[question("q1", 2.0, 2.0)]))
    assert result.score == Score(2.0, 5.0)
    assert result.questions[1] == QuestionScore("q2", 0.0, 3.0)
    assert result.flags == {FLAG_QUESTIONS_MISSING}


def test_no_questions_at_all_is_a_zero_that_is_flagged() -> None:
    result = concluded(answer(questions=[]))
    assert result.score == Score(0.0, 5.0)
    assert result.flags == {FLAG_QUESTIONS_MISSING}


def test_a_question_that_the_zip_does_not_have_earns_nothing_and_is_flagged() -> None:
    result = concluded(answer(questions=[*FULL, question("q99", 100.0, 100.0)]))
    assert result.score == Score(5.0, 5.0)
    assert [scored.question for scored in result.questions] == ["q1", "q2"]
    assert result.flags == {FLAG_QUESTIONS_UNKNOWN}


@pytest.mark.parametrize("possible", [1.0, 2000.0, -1.0, None])
def test_points_possible_come_from_the_spec_whatever_the_answer_says(
    possible: float | None,
) -> None:
    result = concluded(answer(questions=[question("q1", 1.0, possible), FULL[1]]))
    assert result.score == Score(4.0, 5.0)
    assert result.questions[0] == QuestionScore("q1", 1.0, 2.0)
    assert result.flags == {FLAG_POINTS_DIFFER}


@pytest.mark.parametrize("score", [2.001, 1e308, -0.001, -1e308, 10**300, None])
def test_a_score_that_its_question_cannot_give_is_a_crash_and_no_score(
    score: float | None,
) -> None:
    result = concluded(answer(questions=[question("q1", score, 2.0), FULL[1]]))
    assert result.verdict is Verdict.CRASHED
    assert result.score is None
    assert result.questions == ()
    assert result.flags == {FLAG_IMPLAUSIBLE}
    assert "q1" in result.staff_text


def test_a_score_over_its_points_by_a_rounding_error_is_cut_to_them() -> None:
    result = concluded(answer(questions=[question("q1", 2.0 + 1e-12, 2.0), FULL[1]]))
    assert result.score == Score(5.0, 5.0)


def test_the_last_of_two_results_for_one_question_is_bounded_like_any_other() -> None:
    twice = [question("q1", 2.0, 2.0), question("q1", 1.0, 2.0), FULL[1]]
    assert concluded(answer(questions=twice)).score == Score(4.0, 5.0)


def test_output_that_was_cut_is_flagged_and_graded() -> None:
    result = concluded(answer(output_truncated=True))
    assert result.verdict is Verdict.GRADED
    assert result.flags == {FLAG_OUTPUT_TRUNCATED}


def test_results_stand_although_something_ran_out_of_memory_on_the_way() -> None:
    result = concluded(answer(memory={"peak_bytes": 1, "oom_kills": 3}), oom_killed=True)
    assert result.verdict is Verdict.GRADED


def test_the_log_is_the_answers_then_the_containers() -> None:
    raw = answered(answer(log="otter's\n"), log_tail=b"the kernel's \xff\n")
    assert conclude(raw, TWO_QUESTIONS, LIMITS).log_tail == "otter's\nthe kernel's \ufffd\n"


# --- something was stopped ------------------------------------------------------------------------


def test_results_stand_although_a_cell_was_stopped_and_both_texts_say_where() -> None:
    result = concluded(answer(stops=[stop("interrupted", cell=4)]))
    assert result.verdict is Verdict.GRADED
    assert result.score == Score(1.5, 5.0)
    assert result.flags == {FLAG_CELL_TIMEOUT}
    assert result.student_text.startswith("Your notebook was graded, but")
    assert "Cell 4 took longer than 7.5 s" in result.student_text
    assert result.staff_text == "Cell 4 was interrupted after 7.5 s."


def test_what_has_no_result_after_a_dead_kernel_counts_zero_and_is_named_to_staff() -> None:
    content = answer(questions=[question("q1", 2.0, 2.0)], stops=[stop("died", check="q2")])
    result = concluded(content)
    assert result.score == Score(2.0, 5.0)
    assert result.flags == {FLAG_KERNEL_DIED, FLAG_QUESTIONS_MISSING}
    assert result.staff_text == "The kernel ended in the test of q2. Without a result: q2."


@pytest.mark.parametrize("seen_by", ["engine", "harness"])
def test_what_was_saved_before_the_kernel_ran_out_of_memory_counts(seen_by: str) -> None:
    kills = 1 if seen_by == "harness" else None
    content = answer(
        questions=[question("q1", 2.0, 2.0)],
        stops=[stop("died", cell=9)],
        memory={"peak_bytes": None, "oom_kills": kills},
    )
    result = concluded(content, oom_killed=seen_by == "engine")
    assert result.verdict is Verdict.GRADED
    assert result.flags == {FLAG_KERNEL_DIED, FLAG_OUT_OF_MEMORY, FLAG_QUESTIONS_MISSING}
    assert "more memory than it has in cell 9" in result.student_text


def test_a_run_stopped_for_its_time_with_nothing_saved_has_timed_out() -> None:
    content = answer(kind="timed_out", questions=[], stops=[stop("killed", cell=5)])
    result = concluded(content)
    assert result.verdict is Verdict.TIMED_OUT
    assert result.score is None
    assert "ended in cell 5" in result.student_text
    assert "Cell 5 ignored the interrupt after 7.5 s" in result.staff_text


def test_it_has_timed_out_although_something_else_in_it_ran_out_of_memory() -> None:
    content = answer(
        kind="timed_out",
        stops=[stop("out_of_time", cell=5)],
        memory={"peak_bytes": None, "oom_kills": 1},
    )
    assert concluded(content).verdict is Verdict.TIMED_OUT


@pytest.mark.parametrize("kind", ["kernel_died", "failed"])
def test_a_failure_tells_where_it_was(kind: str) -> None:
    result = concluded(answer(kind=kind, questions=[], stops=[stop("died", cell=2)]))
    assert result.verdict is Verdict.CRASHED
    assert "ended in cell 2" in result.student_text
    assert "The kernel ended in cell 2." in result.staff_text


# --- an answer without results --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [
        ("refused", Verdict.INVALID),
        ("kernel_died", Verdict.CRASHED),
        ("failed", Verdict.CRASHED),
    ],
)
def test_each_kind_of_failure_has_its_verdict(kind: str, verdict: Verdict) -> None:
    result = concluded(answer(kind=kind, error="ValueError: it says why"))
    assert result.verdict is verdict
    assert result.score is None
    assert "it says why" in result.staff_text
    assert "it says why" not in result.student_text
    assert result.otter_version == "7.0.0"


@pytest.mark.parametrize("kind", ["refused", "kernel_died", "failed"])
@pytest.mark.parametrize("seen_by", ["engine", "harness"])
def test_a_failure_with_an_out_of_memory_kill_is_out_of_memory(kind: str, seen_by: str) -> None:
    kills = 1 if seen_by == "harness" else None
    content = answer(kind=kind, memory={"peak_bytes": None, "oom_kills": kills})
    result = concluded(content, oom_killed=seen_by == "engine")
    assert result.verdict is Verdict.OUT_OF_MEMORY
    assert "512 MiB" in result.staff_text


@pytest.mark.parametrize("questions", [FULL, []])
def test_questions_beside_a_failure_earn_nothing(questions: list[object]) -> None:
    result = concluded(answer(kind="failed", questions=questions))
    assert result.score is None
    assert result.questions == ()


# --- no answer ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ending", "verdict"),
    [
        (Ending.TIMED_OUT, Verdict.TIMED_OUT),
        (Ending.OUT_OF_MEMORY, Verdict.OUT_OF_MEMORY),
        (Ending.DIED, Verdict.CRASHED),
        (Ending.TOO_MUCH_OUTPUT, Verdict.CRASHED),
        (Ending.ANSWERED, Verdict.CRASHED),
    ],
)
def test_each_ending_without_an_answer_has_its_verdict(ending: Ending, verdict: Verdict) -> None:
    result = conclude(ended(ending), TWO_QUESTIONS, LIMITS)
    assert result.verdict is verdict
    assert result.score is None
    assert result.student_text
    assert result.staff_text


def test_an_answer_that_came_with_another_ending_is_not_looked_at() -> None:
    raw = ended(Ending.TIMED_OUT, answer=b'{"kind": "results"}')
    assert conclude(raw, TWO_QUESTIONS, LIMITS).verdict is Verdict.TIMED_OUT


def test_a_run_that_died_after_an_out_of_memory_kill_is_out_of_memory() -> None:
    raw = ended(Ending.DIED, oom_killed=True, exit_code=137)
    assert conclude(raw, TWO_QUESTIONS, LIMITS).verdict is Verdict.OUT_OF_MEMORY


def test_endless_printing_is_flagged() -> None:
    result = conclude(ended(Ending.TOO_MUCH_OUTPUT), TWO_QUESTIONS, LIMITS)
    assert result.flags == {FLAG_TOO_MUCH_OUTPUT}


def test_staff_learn_the_limit_and_the_exit_code() -> None:
    assert "30 s" in conclude(ended(Ending.TIMED_OUT), TWO_QUESTIONS, LIMITS).staff_text
    died = conclude(ended(Ending.DIED, exit_code=70), TWO_QUESTIONS, LIMITS)
    assert "exit code 70" in died.staff_text


def test_an_invalid_notebook_has_a_verdict_without_a_run() -> None:
    result = invalid_notebook("'cells' is a required property")
    assert result.verdict is Verdict.INVALID
    assert "'cells'" in result.staff_text
    assert "'cells'" not in result.student_text
