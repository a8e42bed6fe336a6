"""What students and staff are told of cells and tests that were stopped."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gofer_ingest.grader.stops import (
    Stop,
    flags_of,
    staff_sentences,
    students_place,
    students_sentences,
)
from shared.model import Limits

LIMITS = Limits(time_s=60.0, cell_time_s=5.0)
QUESTIONS = ("q1", "q2")


def stop(how: str, cell: int | None = None, check: str | None = None) -> Stop:
    return Stop.model_validate({"cell": cell, "check": check, "how": how})


def for_students(*stops: Stop, ran_out: bool = False) -> str:
    return students_sentences(stops, LIMITS, QUESTIONS, ran_out_of_memory=ran_out)


def for_staff(*stops: Stop, ran_out: bool = False) -> str:
    return staff_sentences(stops, LIMITS, ran_out_of_memory=ran_out)


@pytest.mark.parametrize(
    ("hows", "ran_out", "flags"),
    [
        (["interrupted"], False, {"cell_timeout"}),
        (["out_of_time"], False, {"cell_timeout"}),
        (["killed"], False, {"cell_timeout", "kernel_died"}),
        (["died"], False, {"kernel_died"}),
        (["died"], True, {"kernel_died", "out_of_memory"}),
        (["interrupted", "died"], False, {"cell_timeout", "kernel_died"}),
        (["interrupted"], True, {"cell_timeout"}),
        (["killed"], True, {"cell_timeout", "kernel_died"}),
        ([], True, set()),
    ],
)
def test_flags_say_what_kind_of_stop_there_was(
    *, hows: list[str], ran_out: bool, flags: set[str]
) -> None:
    stops = [stop(how, cell=1) for how in hows]
    assert flags_of(stops, ran_out_of_memory=ran_out) == flags


def test_a_student_learns_which_cell_and_what_to_do() -> None:
    assert for_students(stop("interrupted", cell=8)) == (
        "Cell 8 took longer than 5 s and was stopped. What was not tested, or needs what was "
        "stopped, counted 0. Look for a loop that never ends, restart and run all cells, and "
        "submit again. (Cells are counted from the top, text included.)"
    )


def test_several_are_told_in_one_sentence_and_many_are_counted() -> None:
    some = [stop("interrupted", cell=2), stop("interrupted", check="q1")]
    assert for_students(*some).startswith("Cell 2 and the test of q1 took longer than 5 s each and")
    many = [stop("interrupted", cell=number) for number in range(1, 10)]
    assert "Cell 1, cell 2, cell 3, cell 4, cell 5 and 4 more took" in for_students(*many)


def test_a_test_by_a_name_that_no_question_has_is_not_named_to_students() -> None:
    assert for_students(stop("interrupted", check="<b>secret")).startswith("A test took longer")
    assert "<b>secret" in for_staff(stop("interrupted", check="<b>secret"))


@pytest.mark.parametrize(
    ("how", "ran_out", "said"),
    [
        ("killed", False, "Cell 4 took longer than 5 s and would not be stopped, so nothing"),
        ("out_of_time", False, "The 60 s for the whole notebook were over in cell 4, so nothing"),
        ("died", False, "Your notebook stopped working in cell 4, so nothing"),
        ("died", True, "Your notebook used more memory than it has in cell 4, so nothing"),
    ],
)
def test_a_student_learns_what_ended_the_run(*, how: str, ran_out: bool, said: str) -> None:
    assert for_students(stop(how, cell=4), ran_out=ran_out).startswith(said)


def test_advice_fits_what_happened() -> None:
    assert "loop" not in for_students(stop("died", cell=4))
    assert "data that grows" in for_students(stop("died", cell=4), ran_out=True)


def test_staff_learn_every_stop_in_order() -> None:
    stops = (stop("interrupted", cell=8), stop("interrupted", check="q2"), stop("killed", cell=9))
    assert for_staff(*stops) == (
        "Cell 8 was interrupted after 5 s. The test of q2 was interrupted after 5 s. "
        "Cell 9 ignored the interrupt after 5 s; its kernel was killed."
    )
    assert for_staff(stop("out_of_time", cell=3)) == "The run's 60 s were over in cell 3."
    assert for_staff(stop("died", check="q1")) == "The kernel ended in the test of q1."
    assert "for want of memory" in for_staff(stop("died", cell=1), ran_out=True)
    assert for_staff() == ""


def test_where_a_run_without_a_score_ended_is_told_if_it_is_known() -> None:
    assert "ended in cell 5," in students_place([stop("killed", cell=5)], QUESTIONS)
    assert "ended in the test of q1," in students_place([stop("died", check="q1")], QUESTIONS)
    assert students_place([], QUESTIONS) == ""
    assert students_place([stop("out_of_time")], QUESTIONS) == ""


@pytest.mark.parametrize(
    "content",
    [
        {"cell": 0, "check": None, "how": "died"},
        {"cell": -1, "check": None, "how": "died"},
        {"cell": 1 << 40, "check": None, "how": "died"},
        {"cell": "1", "check": None, "how": "died"},
        {"cell": True, "check": None, "how": "died"},
        {"cell": 1.5, "check": None, "how": "died"},
        {"cell": 1, "check": 1, "how": "died"},
        {"cell": 1, "check": "q" * 1_001, "how": "died"},
        {"cell": 1, "check": None, "how": "vanished"},
        {"cell": 1, "check": None},
        {"cell": 1, "check": None, "how": "died", "score": 10},
        [],
    ],
)
def test_a_stop_in_another_shape_is_refused(content: Any) -> None:
    with pytest.raises(ValidationError):
        Stop.model_validate(content)
