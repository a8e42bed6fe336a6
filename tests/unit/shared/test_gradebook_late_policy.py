"""Due dates, penalties, attempts, points: what a run is worth as a grade."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import AlreadyRecorded
from shared.grade_policy import GradePolicy, LateRule, LateUnit
from shared.gradebook.lateness import penalty
from shared.gradebook.policy import (
    Autograde,
    CountedRun,
    Grade,
    NotCounted,
    Override,
    autograde_of,
    grade_of_record,
    weighed,
)
from shared.gradebook.record import record_run
from shared.model import AttemptsPolicy, RunId, Score, SubmissionId
from tests.unit.shared.gradebook_samples import (
    NOON,
    ended,
    fresh_gradebook,
    graded,
    sql,
    submitted,
    ungraded,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

DUE = datetime(2026, 9, 1, 12, tzinfo=UTC)
DAY_S, HOUR_S = 86_400, 3600
RULE = LateRule(grace_s=900, percent=10, per=LateUnit.DAY, floor=50, cutoff_s=7 * DAY_S)


def run(
    late_s: float, points: float | None = 8, name: str = "s", *, held: bool = False
) -> CountedRun:
    return CountedRun(
        RunId(f"run of {name}"),
        SubmissionId(name),
        DUE + timedelta(seconds=late_s),
        None if points is None else Score(points, 10),
        held,
    )


def worth(one: CountedRun, policy: GradePolicy, until: datetime | None = None) -> Autograde:
    found = autograde_of([one], policy, until)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("late_s", "points", "told_late_s"),
    [
        (-1, 8.0, 0),
        (0, 8.0, 0),
        (900, 8.0, 0),  # the last moment of grace
        (901, 7.2, 901),  # late since the due date
        (DAY_S, 7.2, DAY_S),
        (DAY_S + 0.000001, 6.4, DAY_S + 0.000001),  # the second day has begun
        (4 * DAY_S + 1, 4.0, 4 * DAY_S + 1),  # half is never taken off
        (7 * DAY_S, 4.0, 7 * DAY_S),
    ],
)
def test_each_day_begun_takes_its_part_off(
    late_s: float, points: float, told_late_s: float
) -> None:
    found = worth(run(late_s), GradePolicy(due_at=DUE, late=RULE))
    assert found.score.points == pytest.approx(points)
    assert found.score.possible == 10
    assert found.earned == Score(8, 10)
    assert found.late_s == told_late_s
    assert found.due_at == DUE


def test_after_the_cut_off_it_counts_nothing() -> None:
    policy = GradePolicy(due_at=DUE, late=RULE)
    late = run(7 * DAY_S + 1)
    assert autograde_of([late], policy) is None
    assert weighed([late], policy) == [(late, NotCounted.CUT_OFF)]
    assert autograde_of([late, run(5, 3, "early")], policy) == worth(run(5, 3, "early"), policy)


def test_a_penalty_by_the_hour() -> None:
    rule = LateRule(percent=5, per=LateUnit.HOUR)
    assert penalty(0, rule) == 0
    assert penalty(1, rule) == 0.05
    assert penalty(2 * HOUR_S + 1, rule) == 0.15
    assert penalty(1000 * HOUR_S, rule) == 1.0  # never below nothing


def test_without_a_due_date_nothing_is_late() -> None:
    for until in (None, DUE - timedelta(days=3)):
        found = worth(run(30 * DAY_S), GradePolicy(late=RULE), until)
        assert (found.penalty, found.late_s, found.due_at) == (0.0, None, None)


def test_a_late_submission_without_a_rule_is_only_noted() -> None:
    found = worth(run(3600), GradePolicy(due_at=DUE))
    assert (found.score, found.late_s) == (Score(8, 10), 3600)


def test_an_extension_takes_the_place_of_the_due_date() -> None:
    policy = GradePolicy(due_at=DUE, late=RULE)
    until = DUE + timedelta(days=30)
    assert worth(run(30 * DAY_S), policy, until).score == Score(8, 10)
    assert worth(run(31 * DAY_S), policy, until).penalty == 0.1
    assert worth(run(31 * DAY_S), policy, until).due_at == until
    assert autograde_of([run(38 * DAY_S)], policy, until) is None
    assert worth(run(-DAY_S), policy, DUE - timedelta(days=2)).penalty == 0.1  # earlier is possible


def test_attempts_beyond_the_limit_do_not_count() -> None:
    policy = GradePolicy(max_attempts=2)
    runs = [run(3, 10, "third"), run(1, None, "first"), run(2, 4, "second")]
    assert [worth for _, worth in weighed(runs, policy)][::2] == [
        NotCounted.NO_SCORE,
        NotCounted.TOO_MANY,
    ]
    found = autograde_of(runs, policy)
    assert found is not None
    assert found.score.points == 4


def test_a_held_run_takes_up_an_attempt_and_counts_once_accepted() -> None:
    policy = GradePolicy(max_attempts=1)
    runs = [run(1, 9, "first", held=True), run(2, 4, "second")]
    assert [found for _, found in weighed(runs, policy)] == [NotCounted.HELD, NotCounted.TOO_MANY]
    accepted = autograde_of([run(1, 9, "first"), runs[1]], policy)
    assert accepted is not None
    assert accepted.score.points == 9


def test_best_is_best_after_the_penalty() -> None:
    policy = GradePolicy(due_at=DUE, late=RULE)
    in_time, late = run(0, 7.5, "a"), run(DAY_S, 8, "b")
    found = autograde_of([in_time, late], policy)
    assert found is not None
    assert found.run is in_time


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (GradePolicy(), Score(8, 10)),
        (GradePolicy(points=100), Score(80, 100)),
        (GradePolicy(bonus=2), Score(8, 8)),
        (GradePolicy(bonus=4), Score(8, 6)),
        (GradePolicy(bonus=2, points=100), Score(100, 100)),
        (GradePolicy(bonus=10), Score(8, 10)),  # of nothing but extra points nothing can be said
        (GradePolicy(bonus=10, points=5), Score(8, 10)),
    ],
)
def test_points_are_scaled_and_extra_ones_are_on_top(policy: GradePolicy, expected: Score) -> None:
    assert worth(run(0), policy).score == expected


def test_a_zip_of_nothing_is_out_of_nothing() -> None:
    nothing = CountedRun(RunId("r"), SubmissionId("s"), DUE, Score(0, 0))
    assert worth(nothing, GradePolicy(points=100)).score == Score(0, 0)


def test_an_override_stands_above_and_the_autograde_beneath() -> None:
    autograde = worth(run(0), GradePolicy())
    override = Override(1, Score(10, 10))
    assert grade_of_record(None, None) is None
    assert grade_of_record(autograde, override) == Grade(autograde, override)
    assert Grade(autograde, override).score == Score(10, 10)
    assert Grade(autograde, None).score == Score(8, 10)
    assert Grade(None, override).score == Score(10, 10)


policies = st.builds(
    GradePolicy,
    attempts=st.sampled_from(AttemptsPolicy),
    due_at=st.sampled_from([None, DUE]),
    late=st.builds(
        LateRule,
        grace_s=st.sampled_from([0.0, 1800.0]),
        percent=st.sampled_from([0.0, 10.0, 60.0]),
        per=st.sampled_from(LateUnit),
        floor=st.sampled_from([0.0, 30.0]),
        cutoff_s=st.sampled_from([None, 7200.0, 3.0 * DAY_S]),
    ),
    max_attempts=st.sampled_from([None, 1, 2, 3]),
    points=st.sampled_from([None, 100.0]),
    bonus=st.sampled_from([0.0, 2.0]),
)
sent = st.tuples(
    st.sampled_from([-60, 0, 60, 3000, 3601, DAY_S, 2 * DAY_S + 1, 9 * DAY_S]),
    st.one_of(st.none(), st.integers(0, 10).map(float)),
    st.booleans(),
)


@settings(deadline=None)  # a busy machine is no failure
@given(
    made=st.lists(sent, max_size=6),
    policy=policies,
    until=st.sampled_from([None, DUE + timedelta(hours=1), DUE + timedelta(days=5)]),
    data=st.data(),
)
def test_the_order_of_arrival_changes_nothing(
    made: list[tuple[int, float | None, bool]],
    policy: GradePolicy,
    until: datetime | None,
    data: st.DataObject,
) -> None:
    runs = [run(s, points, f"s{n}", held=held) for n, (s, points, held) in enumerate(made)]
    shuffled = data.draw(st.permutations(runs))
    chosen = autograde_of(runs, policy, until)
    assert autograde_of(shuffled, policy, until) == chosen
    counted = [found for _, found in weighed(runs, policy, until) if isinstance(found, Autograde)]
    assert (chosen is None) == (not counted)
    assert policy.max_attempts is None or len(counted) <= policy.max_attempts
    for found in counted:
        assert 0 <= found.penalty <= 1
        assert found.penalty <= 1 - policy.late.floor / 100 + 1e-12
        assert found.score.points <= found.earned.points
        assert found.run.score is not None
        assert not found.run.is_held
    if chosen is not None and policy.attempts is AttemptsPolicy.BEST:
        assert all(chosen.score.fraction >= found.score.fraction for found in counted)


@settings(deadline=None)
@given(
    made=st.lists(sent, min_size=1, max_size=5),
    policy=policies,
    late_s=st.integers(0, 2 * DAY_S),
    attempts=st.sampled_from([AttemptsPolicy.BEST, AttemptsPolicy.FIRST]),
)
def test_a_run_without_a_score_lowers_no_grade(
    made: list[tuple[int, float | None, bool]],
    policy: GradePolicy,
    late_s: int,
    attempts: AttemptsPolicy,
) -> None:
    runs = [run(s, points, f"s{n}", held=held) for n, (s, points, held) in enumerate(made)]
    last = max(one.received_at for one in runs) + timedelta(seconds=late_s + 1)
    without = CountedRun(RunId("r"), SubmissionId("t"), last, None)
    assert autograde_of([*runs, without], policy) == autograde_of(runs, policy)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    volume: Path = tmp_path_factory.mktemp("volume")
    opened = fresh_gradebook(volume)
    yield opened
    opened.dispose()


numbers = itertools.count(1)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(made=st.lists(sent, min_size=1, max_size=4), policy=policies, data=st.data())
def test_recorded_in_any_order_and_tried_again_the_grade_of_record_is_the_same(
    engine: Engine,
    made: list[tuple[int, float | None, bool]],
    policy: GradePolicy,
    data: st.DataObject,
) -> None:
    """Two students send the same at the same moments; of one, runs end in another order."""
    shift = DUE - NOON
    found = []
    for order in (range(len(made)), data.draw(st.permutations(range(len(made))))):
        student = f"student {next(numbers)}"
        envelopes = [
            submitted(student, minutes=(shift + timedelta(seconds=late_s)).total_seconds() / 60)
            for late_s, _, _ in made
        ]
        for number in order:
            points = made[number][1]
            ending = ended(ungraded() if points is None else graded(points))
            record_run(engine, envelopes[number], ending, policy)
            with pytest.raises(AlreadyRecorded):
                record_run(engine, envelopes[number], ending, policy)
        found.append(
            sql(
                engine,
                "SELECT score, points_possible, earned, penalty, late_s, received_at FROM grades"
                " JOIN submissions AS s ON s.id = submission_id"
                f" WHERE superseded_at IS NULL AND s.student = '{student}'",
            )
        )
    assert found[0] == found[1]
