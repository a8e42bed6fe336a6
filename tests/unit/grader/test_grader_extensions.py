"""Zips that ask for more than the image has: an image with it is made off the loop."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from gofer_ingest.grader import extensions
from gofer_ingest.grader.runs import grade_entry
from gofer_ingest.grader.sandbox import ImageId
from shared.errors import AssignmentBlocked, SandboxUnavailable
from tests.support.processes import wait_until

if TYPE_CHECKING:
    from tests.unit.grader.grading_room import Room

EXTENDED = "grader with numpy, sympy"


@pytest.fixture
def demanding(room: Room) -> Room:
    """A room whose zip needs two packages that can be had."""
    room.sandbox.found["missing"] = ["sympy", "numpy"]
    room.sandbox.can_extend = True
    return room


def blocked(room: Room) -> str:
    with pytest.raises(AssignmentBlocked) as caught:
        room.autograders.ready(room.assignment)
    return str(caught.value)


def test_a_notebook_is_graded_in_the_extended_image(demanding: Room) -> None:
    entry = demanding.submitted()
    grade_entry(demanding.tools, entry)
    assert demanding.sandbox.prepared_in == [EXTENDED]
    assert demanding.runs(entry)[0].image_id == f"id of {EXTENDED}"
    assert demanding.sandbox.extended == [(None, ("numpy", "sympy"))]


def test_an_image_is_extended_once(demanding: Room) -> None:
    for _ in range(3):
        demanding.autograders.ready(demanding.assignment)
    assert len(demanding.sandbox.extended) == 1


def test_a_new_image_is_extended_anew(demanding: Room) -> None:
    demanding.autograders.ready(demanding.assignment)
    demanding.sandbox.images[None] = ImageId("image-2")
    demanding.autograders.ready(demanding.assignment)
    assert len(demanding.sandbox.extended) == 2


def test_an_assignments_own_image_is_what_is_extended(demanding: Room) -> None:
    demanding.image = "course-image"
    demanding.sandbox.images["course-image"] = ImageId("image-9")
    autograder = demanding.autograders.ready(demanding.assignment)
    assert autograder.image == "course-image with numpy, sympy"


def test_a_zip_with_problems_has_nothing_built_for_it(demanding: Room) -> None:
    demanding.sandbox.found["problems"] = ["It is broken."]
    assert "It is broken." in blocked(demanding)
    assert demanding.sandbox.extended == []


def test_while_an_image_is_built_its_assignment_waits_and_says_so(
    demanding: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extensions, "AT_ONCE_WITHIN_S", 0.01)
    demanding.sandbox.build_gate.clear()
    for _ in range(3):
        assert "numpy, sympy is being built" in blocked(demanding)
    demanding.sandbox.build_gate.set()
    monkeypatch.setattr(extensions, "AT_ONCE_WITHIN_S", 30.0)
    assert demanding.autograders.ready(demanding.assignment).image == EXTENDED
    assert len(demanding.sandbox.extended) == 1


def test_entries_wait_for_the_build_and_are_graded_after_it(
    demanding: Room, monkeypatch: pytest.MonkeyPatch, short_waits: None
) -> None:
    monkeypatch.setattr(extensions, "AT_ONCE_WITHIN_S", 0.01)
    demanding.sandbox.build_gate.clear()
    entries = [demanding.submitted() for _ in range(3)]
    with demanding.working():
        wait_until(lambda: demanding.sandbox.extended != [])
        assert [demanding.spool.tries(entry) for entry in entries] == [0, 0, 0]
        demanding.sandbox.build_gate.set()
        wait_until(lambda: demanding.is_settled(*entries))
    assert len(demanding.sandbox.extended) == 1


def test_packages_that_cannot_be_had_are_named_and_not_asked_for_over_and_over(
    demanding: Room,
) -> None:
    demanding.sandbox.can_extend = False
    for _ in range(3):
        assert "numpy, sympy cannot be had" in blocked(demanding)
    assert len(demanding.sandbox.extended) == 1


def test_after_a_while_a_failed_build_is_tried_again(
    demanding: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extensions, "TRY_AGAIN_AFTER_S", -1.0)
    demanding.sandbox.can_extend = False
    blocked(demanding)
    demanding.sandbox.can_extend = True
    assert demanding.autograders.ready(demanding.assignment).image == EXTENDED


def test_an_engine_out_of_order_is_no_failed_build(demanding: Room) -> None:
    demanding.sandbox.will_fail("extend", SandboxUnavailable())
    with pytest.raises(SandboxUnavailable):
        demanding.autograders.ready(demanding.assignment)
    assert demanding.autograders.ready(demanding.assignment).image == EXTENDED


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_mistake_in_a_build_blocks_the_assignment_and_is_told(demanding: Room) -> None:
    demanding.sandbox.will_fail("extend", ZeroDivisionError("a mistake"))
    assert "a mistake" in blocked(demanding)
    for thread in threading.enumerate():  # its last words belong to this test, not to the next
        if thread.name == "extend-image":
            thread.join(10)
