"""Which submissions a regrade takes."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.gradebook.regrades.selection import Candidate, selected
from shared.model import Score, Sha256, SubmissionId
from shared.requests import Choice, RegradeStartPayload
from tests.unit.shared.gradebook_samples import NOON

NEW, OLD = Sha256("a" * 64), Sha256("b" * 64)


def candidate(
    number: int,
    student: str = "ada",
    points: float | None = 5.0,
    *,
    zip_sha256: Sha256 | None = NEW,
    is_held: bool = False,
    full: tuple[str, ...] = (),
) -> Candidate:
    """The nth submission received, out of 10."""
    return Candidate(
        submission_id=SubmissionId(f"{number:06}"),
        student=student,
        received_at=NOON + timedelta(minutes=number),
        score=None if points is None else Score(points, 10.0),
        is_held=is_held,
        autograder_sha256=zip_sha256,
        full_questions=frozenset(full),
    )


def asked(**filters: Any) -> RegradeStartPayload:
    return RegradeStartPayload(course="demo101", section="fa26", assignment="lab01", **filters)


def numbers(*candidates: Candidate, **filters: Any) -> list[int]:
    return [int(one.submission_id) for one in selected(candidates, asked(**filters), NEW)]


def test_without_a_filter_everything_is_taken_in_the_order_it_was_received() -> None:
    assert numbers(candidate(3), candidate(1, "bob", None), candidate(2)) == [1, 2, 3]


def test_latest_takes_what_each_student_sent_last_whatever_it_earned() -> None:
    found = [candidate(1), candidate(2, points=None), candidate(3, "bob"), candidate(0, "bob")]
    assert numbers(*found, choice="latest") == [2, 3]


def test_best_takes_the_highest_percent_the_earliest_of_equals_and_nothing_held() -> None:
    found = [
        candidate(1, points=4),
        candidate(2, points=7),
        candidate(3, points=7),
        candidate(4, points=9, is_held=True),
        candidate(5, "bob", None),
    ]
    assert numbers(*found, choice="best") == [2]


def test_failed_takes_what_ended_without_a_score() -> None:
    assert numbers(candidate(1), candidate(2, points=None), choice="failed") == [2]


def test_filters_narrow_what_was_chosen_and_never_choose_another() -> None:
    found = [candidate(1, zip_sha256=OLD), candidate(2), candidate(3, "bob", zip_sha256=OLD)]
    assert numbers(*found, choice="latest", old_zip=True) == [3]
    assert numbers(*found, students=("ada",)) == [1, 2]
    assert numbers(*found, students=("ada",), old_zip=True) == [1]


def test_a_question_takes_those_who_lack_points_on_any_that_is_named() -> None:
    found = [candidate(1, full=("q1", "q2")), candidate(2, full=("q1",)), candidate(3)]
    assert numbers(*found, questions=("q2",)) == [2, 3]
    assert numbers(*found, questions=("q1", "q2")) == [2, 3]
    assert numbers(*found, questions=("q1",)) == [3]


CANDIDATES = st.lists(
    st.tuples(
        st.sampled_from(["ada", "bob", "cyd"]),
        st.none() | st.floats(0, 10),
        st.sampled_from([OLD, NEW]),
        st.booleans(),
    ),
    max_size=20,
).map(
    lambda rows: [
        candidate(number, student, points, zip_sha256=zip_sha256, is_held=is_held)
        for number, (student, points, zip_sha256, is_held) in enumerate(rows)
    ]
)


@given(
    CANDIDATES,
    st.builds(asked, choice=st.sampled_from(Choice), old_zip=st.booleans()),
    st.randoms(),
)
def test_the_order_of_the_candidates_changes_nothing(
    candidates: list[Candidate], request: RegradeStartPayload, chance: Any
) -> None:
    expected = selected(candidates, request, NEW)
    chance.shuffle(candidates)
    assert selected(candidates, request, NEW) == expected
    assert set(expected) <= set(candidates)


@pytest.mark.parametrize("choice", [Choice.LATEST, Choice.BEST])
@given(candidates=CANDIDATES)
def test_these_take_one_submission_of_a_student_at_most(
    candidates: list[Candidate], choice: Choice
) -> None:
    taken = Counter(one.student for one in selected(candidates, asked(choice=choice), NEW))
    assert set(taken.values()) <= {1}
    if choice is Choice.LATEST:
        assert taken.keys() == {one.student for one in candidates}
