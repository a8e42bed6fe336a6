"""The receipt audit of the chaos test sees every kind of broken promise."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.chaos.audit import Evidence, Expected, Notebook, Run, audit

GRADED = Expected("graded", 3.0)
ADA = Notebook("ada", 1, frozenset({"a"}), GRADED, "sha-a")
BEN = Notebook("ben", 2, frozenset({"b"}), Expected("graded", 0.0), "sha-b")
KEPT = Evidence(
    notebooks=[ADA, BEN],
    runs=[Run("a", "ada", "graded", 3.0), Run("b", "ben", "graded", 0.0)],
    archived={"a": "sha-a", "b": "sha-b"},
)


def kinds(evidence: Evidence) -> list[str]:
    return [finding.kind for finding in audit(evidence)]


def test_promises_that_were_kept_are_no_finding() -> None:
    assert audit(KEPT) == []


def test_a_lost_submission_is_found() -> None:
    assert kinds(replace(KEPT, runs=KEPT.runs[:1], archived={"a": "sha-a"})) == ["lost"]


def test_two_runs_of_one_submission_are_found() -> None:
    assert kinds(replace(KEPT, runs=[*KEPT.runs, KEPT.runs[0]])) == ["doubled"]


def test_more_submissions_than_were_sent_are_found() -> None:
    another = Run("a2", "ada", "graded", 3.0)
    archived = {**KEPT.archived, "a2": "sha-a"}
    assert kinds(replace(KEPT, runs=[*KEPT.runs, another], archived=archived)) == ["doubled"]


def test_a_send_that_got_no_receipt_may_have_arrived_or_not() -> None:
    arrived = Run("b2", "ben", "graded", 0.0)
    archived = {**KEPT.archived, "b2": "sha-b"}
    assert audit(replace(KEPT, runs=[*KEPT.runs, arrived], archived=archived)) == []


def test_one_receipt_given_again_for_the_same_notebook_is_one_promise() -> None:
    assert audit(replace(KEPT, notebooks=[replace(ADA, sends=3), BEN])) == []


@pytest.mark.parametrize(
    ("run", "kind"),
    [
        (Run("a", "ada", "graded", 0.0), "wrong score"),
        (Run("a", "ada", "graded", 2.0), "wrong score"),
        (Run("a", "ada", "graded", None), "wrong score"),
        (Run("a", "ada", "crashed", None), "wrong verdict"),
        (Run("a", "ada", "crashed", 0.0), "wrong verdict"),
        (Run("a", "ada", "timed_out", None), "wrong verdict"),
    ],
)
def test_an_invented_zero_and_a_kill_made_a_verdict_are_found(run: Run, kind: str) -> None:
    assert kinds(replace(KEPT, runs=[run, KEPT.runs[1]])) == [kind]


def test_a_run_of_somebody_who_sent_nothing_is_found() -> None:
    archived = {**KEPT.archived, "x": "sha-x"}
    runs = [*KEPT.runs, Run("x", "eve", "graded", 3.0)]
    assert kinds(replace(KEPT, runs=runs, archived=archived)) == ["invented"]


def test_what_is_stuck_set_aside_or_left_behind_is_found() -> None:
    evidence = replace(
        KEPT,
        new=frozenset({"n"}),
        failed={"f": "a reason"},
        containers=frozenset({"c" * 64}),
        odd_names=frozenset({"odd"}),
    )
    assert kinds(evidence) == ["stuck", "set aside", "orphan container", "odd name"]


@pytest.mark.parametrize(
    ("archived", "kind"),
    [
        ({"a": "sha-a"}, "not archived"),
        ({**KEPT.archived, "x": "sha-x"}, "archived without a run"),
        ({**KEPT.archived, "a": "other"}, "damaged"),
    ],
)
def test_an_archive_that_does_not_fit_is_found(archived: dict[str, str], kind: str) -> None:
    assert kinds(replace(KEPT, archived=archived)) == [kind]


def test_an_entry_in_two_places_is_found() -> None:
    assert kinds(replace(KEPT, failed={"a": "why"})) == ["set aside", "doubled"]
    assert kinds(replace(KEPT, new=frozenset({"a"}))) == ["stuck", "doubled"]
