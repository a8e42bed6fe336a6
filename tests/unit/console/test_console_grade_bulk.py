"""Requests about many grades, and views that are kept."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gofer_console import actions
from gofer_console.grade_bulk import (
    MOST_POSTED,
    Bulk,
    Meant,
    means_whole_assignments,
    new_ids,
    payloads,
)
from gofer_console.saved_views import MOST_VIEWS, SavedView, SavedViews
from shared.errors import GoferError
from shared.gradebook.grade_filter import GradeFilter
from shared.model import AssignmentKey
from shared.spool import Spool

if TYPE_CHECKING:
    from pathlib import Path

LAB = AssignmentKey("demo101", "fa26", "lab01")
OTHER = AssignmentKey("demo101", "fa26", "lab02")


def test_one_regrade_for_each_assignment() -> None:
    meant = Meant((("bob", OTHER), ("ada", LAB), ("bob", LAB)), (), 3)
    found = [one.model_dump() for one in payloads(Bulk.REGRADE, meant)]
    assert [(one["assignment"], one["students"]) for one in found] == [
        ("lab01", ("ada", "bob")),
        ("lab02", ("bob",)),
    ]


def test_too_many_to_be_posted_one_by_one_are_refused() -> None:
    places = tuple((f"s{number}", LAB) for number in range(MOST_POSTED + 1))
    with pytest.raises(GoferError, match="whole assignments"):
        payloads(Bulk.POST, Meant(places, (), len(places)))
    assert len(payloads(Bulk.POST, Meant((), (LAB,), 9999))) == 1


def test_only_place_means_whole_assignments() -> None:
    wanted = GradeFilter(courses=("a",), sections=("b",), assignments=("c",))
    assert means_whole_assignments(wanted)
    for more in (
        {"search": "x"},
        {"students": ("x",)},
        {"score_to": 0.0},
        {"passbacks": ("sent",)},
    ):
        assert not means_whole_assignments(replace(wanted, **more))


def test_a_request_that_was_made_is_not_made_again(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.prepare()
    (payload,) = payloads(Bulk.HOLD, Meant((), (LAB,), 1))
    (request_id,) = new_ids(1)
    for _ in range(2):
        given = actions.deliver(spool, payload, by="ta1", why="", request_id=request_id)
        assert given == request_id
    assert spool.pending() == [request_id]


def test_views_of_two_people_at_once_are_both_kept(tmp_path: Path) -> None:
    threads = [
        threading.Thread(
            target=SavedViews(tmp_path).save, args=(SavedView(f"view {at}", {"q": ["x"]}, "ta1"),)
        )
        for at in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(SavedViews(tmp_path).all()) == 8


def test_a_view_of_the_same_name_is_replaced_and_a_spoilt_file_is_none(tmp_path: Path) -> None:
    views = SavedViews(tmp_path)
    views.save(SavedView("late", {"q": ["a"]}, "ta1"))
    views.save(SavedView("late", {"q": ["b"]}, "ta2"))
    assert [view.query for view in views.all()] == [{"q": ["b"]}]
    (tmp_path / "console" / "views.json").write_text('{"not": "views"}')
    assert views.all() == ()


def test_views_have_limits(tmp_path: Path) -> None:
    views = SavedViews(tmp_path)
    for bad in (SavedView(" ", {}, "x"), SavedView("n" * 61, {}, "x")):
        with pytest.raises(GoferError, match="name"):
            views.save(bad)
    with pytest.raises(GoferError, match="too much"):
        views.save(SavedView("big", {"q": ["x" * 5000]}, "x"))
    for at in range(MOST_VIEWS):
        views.save(SavedView(f"v{at}", {}, "x"))
    with pytest.raises(GoferError, match="Delete one"):
        views.save(SavedView("one more", {}, "x"))
