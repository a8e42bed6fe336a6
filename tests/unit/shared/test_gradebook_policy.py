from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.grade_policy import GradePolicy
from shared.gradebook.policy import CountedRun, autograde_of
from shared.model import AttemptsPolicy, RunId, Score, SubmissionId

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
BEST, LATEST, FIRST = AttemptsPolicy.BEST, AttemptsPolicy.LATEST, AttemptsPolicy.FIRST


def counted(name: str, minutes: int, points: float | None, possible: float = 10.0) -> CountedRun:
    return CountedRun(
        RunId(f"run of {name}"),
        SubmissionId(name),
        NOON + timedelta(minutes=minutes),
        None if points is None else Score(points, possible),
    )


def chosen_of(runs: list[CountedRun], attempts: AttemptsPolicy) -> CountedRun | None:
    autograde = autograde_of(runs, GradePolicy(attempts=attempts))
    return None if autograde is None else autograde.run


def test_each_policy_chooses_its_own() -> None:
    runs = [counted("a", 0, 5), counted("b", 1, 9), counted("c", 2, 7)]
    assert chosen_of(runs, FIRST) is runs[0]
    assert chosen_of(runs, BEST) is runs[1]
    assert chosen_of(runs, LATEST) is runs[2]


def test_a_run_without_a_score_makes_no_grade() -> None:
    timed_out = [counted("a", 0, None), counted("z", 9, None)]
    scored = counted("b", 1, 0)
    for policy in AttemptsPolicy:
        assert chosen_of(timed_out, policy) is None
        assert chosen_of([*timed_out, scored], policy) is scored
        assert chosen_of([], policy) is None


def test_best_goes_to_the_earliest_of_equals() -> None:
    runs = [counted("late", 5, 8), counted("early", 1, 8), counted("less", 0, 7)]
    assert chosen_of(runs, BEST) is runs[1]


def test_best_compares_fractions_when_the_points_possible_changed() -> None:
    of_ten, of_twenty = counted("a", 0, 9, 10), counted("b", 1, 12, 20)
    assert chosen_of([of_ten, of_twenty], BEST) is of_ten


def test_of_two_received_at_one_moment_the_id_decides() -> None:
    runs = [counted("b", 0, 5), counted("a", 0, 5)]
    assert chosen_of(runs, FIRST) is runs[1]
    assert chosen_of(runs, LATEST) is runs[0]
    assert chosen_of(runs, BEST) is runs[1]


scores = st.one_of(st.none(), st.integers(0, 3).map(float))


@settings(deadline=None)  # a busy machine is no failure
@given(
    made=st.lists(st.tuples(st.integers(0, 3), scores, st.sampled_from([3.0, 6.0])), max_size=8),
    policy=st.sampled_from(AttemptsPolicy),
    data=st.data(),
)
def test_the_order_in_which_runs_end_changes_nothing(
    made: list[tuple[int, float | None, float]], policy: AttemptsPolicy, data: st.DataObject
) -> None:
    runs = [
        counted(f"s{number}", minutes, points, possible)
        for number, (minutes, points, possible) in enumerate(made)
    ]
    shuffled = data.draw(st.permutations(runs))
    chosen = chosen_of(runs, policy)
    assert chosen_of(shuffled, policy) is chosen
    assert (chosen is None) == all(run.score is None for run in runs)


@settings(deadline=None)  # a busy machine is no failure
@given(
    points=st.lists(st.integers(0, 3), min_size=1, max_size=6),
    policy=st.sampled_from([BEST, FIRST]),
)
def test_best_and_first_chosen_one_by_one_are_chosen_all_at_once(
    points: list[int], policy: AttemptsPolicy
) -> None:
    runs = [counted(f"s{number}", number, earned) for number, earned in enumerate(points)]
    so_far = runs[0]
    for run in runs[1:]:
        so_far = chosen_of([run, so_far], policy) or run
    assert so_far is chosen_of(runs, policy)
