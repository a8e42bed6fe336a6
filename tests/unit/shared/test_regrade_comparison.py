"""Who moves by a regrade, by how much, and what stands for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.gradebook.regrades.comparison import (
    Autograde,
    Change,
    Effect,
    Standing,
    compared,
    fingerprint,
)
from shared.model import QuestionScore, RegradeId, RunId, Score

REGRADE = RegradeId("r")


def grade(points: float, possible: float = 10.0, run: str = "run") -> Autograde:
    return Autograde(Score(points, possible), RunId(run))


def changes(*standings: Standing) -> tuple[Change, ...]:
    return compared(standings, {})


def test_the_biggest_moves_come_first_whichever_way_they_go() -> None:
    found = changes(
        Standing("up a bit", grade(5), grade(6)),
        Standing("down a lot", grade(9), grade(2)),
        Standing("stays", grade(3), grade(3, run="another run of the same score")),
        Standing("from nothing", None, grade(4)),
        Standing("to nothing", grade(3), None),
    )
    assert [one.student for one in found] == [
        "down a lot",
        "from nothing",
        "to nothing",
        "up a bit",
        "stays",
    ]
    assert [one.points for one in found] == [-7, 4, -3, 1, 0]


def test_a_grade_out_of_other_points_moves_also_where_its_percent_stays() -> None:
    (found,) = changes(Standing("ada", grade(5, 10), grade(6, 12)))
    assert (found.effect, found.points, found.fraction) == (Effect.MOVES, 1, 0)


def test_beneath_an_override_the_move_is_hidden_and_told() -> None:
    found = changes(
        Standing("ada", grade(5), grade(9), is_overridden=True),
        Standing("bob", grade(5), grade(5), is_overridden=True),
    )
    assert [one.effect for one in found] == [Effect.HIDDEN, Effect.STAYS]


def test_the_questions_that_move_are_named_in_the_zips_order() -> None:
    questions = {
        RunId("old"): [QuestionScore("q1", 1, 2), QuestionScore("q2", 3, 3)],
        RunId("new"): [
            QuestionScore("q0", 1, 1),
            QuestionScore("q1", 2, 2),
            QuestionScore("q2", 3, 3),
        ],
    }
    (found,) = compared([Standing("ada", grade(4, 5, "old"), grade(6, 6, "new"))], questions)
    assert [(move.question, move.points) for move in found.questions] == [("q0", 1), ("q1", 1)]
    assert found.questions[0].before is None


def test_the_fingerprint_leaves_out_who_stays_and_which_run_it_is() -> None:
    moves = Standing("ada", grade(5), grade(9))
    shown = fingerprint(REGRADE, changes(moves))
    stays = Standing("bob", grade(1), grade(1))
    other_run = replace(moves, before=grade(5, run="another"))
    assert fingerprint(REGRADE, changes(other_run, stays)) == shown
    assert fingerprint(RegradeId("s"), changes(moves)) != shown
    assert len(shown) == 12


GRADES = st.none() | st.builds(
    grade,
    st.integers(0, 12),
    st.sampled_from([10.0, 12.0]),
    st.sampled_from(["run a", "run b"]),
)
STANDINGS = st.dictionaries(st.text("abc", max_size=3), st.tuples(GRADES, GRADES, st.booleans()))


def of(rows: dict[str, Any]) -> list[Standing]:
    return [Standing(student, *row) for student, row in rows.items()]


def score_of(one: Autograde | None) -> Score | None:
    return None if one is None else one.score


@given(STANDINGS, st.randoms())
def test_every_student_comes_once_in_order_whatever_order_they_were_given_in(
    rows: dict[str, Any], chance: Any
) -> None:
    standings = of(rows)
    found = compared(standings, {})
    assert sorted(one.student for one in found) == sorted(rows)
    for one in found:
        before, after, is_overridden = rows[one.student]
        is_same = score_of(before) == score_of(after)
        assert (one.effect is Effect.STAYS) == is_same
        assert (one.effect is Effect.HIDDEN) == (is_overridden and not is_same)
    order = [(list(Effect).index(one.effect), -abs(one.fraction)) for one in found]
    assert order == sorted(order)
    chance.shuffle(standings)
    assert compared(standings, {}) == found
    assert fingerprint(REGRADE, compared(standings, {})) == fingerprint(REGRADE, found)


@given(STANDINGS)
def test_the_way_back_undoes_every_move(rows: dict[str, Any]) -> None:
    there = {one.student: one for one in compared(of(rows), {})}
    back = {
        student: (after, before, overridden)
        for student, (before, after, overridden) in rows.items()
    }
    for one in compared(of(back), {}):
        assert one.points == -there[one.student].points
        assert one.fraction == -there[one.student].fraction
        assert one.effect is there[one.student].effect


@given(STANDINGS, STANDINGS)
def test_the_fingerprint_is_the_same_exactly_where_the_same_students_move_the_same_way(
    rows: dict[str, Any], others: dict[str, Any]
) -> None:
    def moves(changed: tuple[Change, ...]) -> set[tuple[object, ...]]:
        return {
            (one.student, one.effect, score_of(one.before), score_of(one.after))
            for one in changed
            if one.effect is not Effect.STAYS
        }

    first, second = compared(of(rows), {}), compared(of(others), {})
    is_same = fingerprint(REGRADE, first) == fingerprint(REGRADE, second)
    assert is_same == (moves(first) == moves(second))


QUESTIONS = st.dictionaries(st.sampled_from(["q1", "q2", "q3", "q4"]), st.integers(0, 5))


@given(QUESTIONS, QUESTIONS)
def test_what_the_questions_move_is_what_the_grade_moves(
    before: dict[str, int], after: dict[str, int]
) -> None:
    runs = {
        RunId(name): [QuestionScore(question, points, 5) for question, points in scores.items()]
        for name, scores in (("before", before), ("after", after))
    }
    standing = Standing(
        "ada", grade(sum(before.values()), 20, "before"), grade(sum(after.values()), 20, "after")
    )
    (found,) = compared([standing], runs)
    if found.effect is Effect.MOVES:
        assert sum(move.points for move in found.questions) == found.points
        assert all(move.before != move.after for move in found.questions)
