"""Words of the command line as a filter, and what cannot be one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gofer_console.exports.filters import listed, make_filter
from shared.errors import ConfigError
from shared.gradebook.grade_filter import GradeFilter
from shared.model import Verdict

NOTHING: dict[str, Any] = dict.fromkeys(
    (
        "courses",
        "sections",
        "assignments",
        "students",
        "verdicts",
        "flags",
        "min_score",
        "max_score",
        "min_percent",
        "max_percent",
        "received_from",
        "received_before",
    )
)


def made(**words: Any) -> GradeFilter:
    return make_filter(**{**NOTHING, **words})


def test_nothing_asked_for_wants_all() -> None:
    assert made() == GradeFilter()


def test_names_are_compared_in_the_form_in_which_they_are_kept() -> None:
    assert made(students=["jose\u0301"]).students == ("jos\u00e9",)


def test_a_day_begins_at_midnight_utc_and_a_time_needs_its_zone() -> None:
    wanted = made(received_from="2026-09-01", received_before="2026-09-02T02:00:00+02:00")
    assert wanted.received_from == datetime(2026, 9, 1, tzinfo=UTC)
    assert wanted.received_before == datetime(2026, 9, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ({"received_from": "2026-09-01T12:00:00"}, "--received-from"),
        ({"received_before": "tomorrow"}, "--received-before"),
        ({"received_before": "0001-01-01T00:00:00+14:00"}, "--received-before"),
        ({"received_from": "2026-09-02", "received_before": "2026-09-01"}, "--received-from"),
        ({"min_score": float("nan")}, "--min-score"),
        ({"max_percent": float("inf")}, "--max-percent"),
        ({"min_score": 2.0, "max_score": 1.0}, "--min-score"),
        ({"min_percent": 20.0, "max_percent": 10.0}, "--min-percent"),
    ],
)
def test_what_cannot_be_used_names_its_option(words: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        made(**words)


def test_several_of_a_kind_are_kept_in_order() -> None:
    wanted = made(assignments=["b", "a"], verdicts=[Verdict.CRASHED], flags=["cell_timeout"])
    assert wanted.assignments == ("b", "a")
    assert (wanted.verdicts, wanted.flags) == ((Verdict.CRASHED,), ("cell_timeout",))


def test_long_lists_are_cut_in_sentences() -> None:
    assert listed([f"lab{at}" for at in range(12)]).endswith("lab9 and 2 more")
    assert listed(["a", "b"]) == "a, b"
