from __future__ import annotations

import hashlib
import os
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from gofer_ingest.grader import autograders
from gofer_ingest.grader.autograders import Autograders
from gofer_ingest.grader.sandbox import Ending, ImageId
from shared.catalogue import zip_sha256
from shared.catalogue.zips import ZIP_MAX_BYTES
from shared.errors import (
    AssignmentBlocked,
    HarnessNotReady,
    ImageMissing,
    InspectionFailed,
    SandboxUnavailable,
)
from tests.support.processes import wait_until
from tests.support.zips import notebook
from tests.unit.grader.harness_answers import answer, answered, ended, question, stop

if TYPE_CHECKING:
    from tests.unit.grader.grading_room import Room

FULL = answer(questions=[question("q1", 2.0, 2.0), question("q2", 3.0, 3.0)])


def blocked(room: Room) -> str:
    with pytest.raises(AssignmentBlocked) as caught:
        room.autograders.ready(room.assignment)
    return str(caught.value)


# --- the zip --------------------------------------------------------------------------------------


def test_a_zip_is_inspected_and_known_by_its_bytes(room: Room) -> None:
    autograder = room.autograders.ready(room.assignment)
    assert autograder.data == b"zip 1"
    assert autograder.image_id == "image-1"
    assert autograder.spec.sha256 == hashlib.sha256(b"zip 1").hexdigest()
    assert [question.name for question in autograder.spec.questions] == ["q1", "q2"]


def test_the_same_zip_is_inspected_once(room: Room) -> None:
    for _ in range(3):
        room.autograders.ready(room.assignment)
    assert room.sandbox.inspected == [b"zip 1"]


def test_what_an_earlier_grader_found_is_in_the_gradebook(room: Room) -> None:
    before = room.autograders.ready(room.assignment)
    after = Autograders(room.sandbox, room.gradebook).ready(room.assignment)
    assert after.spec == before.spec
    assert room.sandbox.inspected == [b"zip 1"]


def test_a_zip_that_was_replaced_is_inspected_again(room: Room) -> None:
    room.autograders.ready(room.assignment)
    room.zip_path.write_bytes(b"zip 2 is longer")
    assert room.autograders.ready(room.assignment).data == b"zip 2 is longer"
    assert room.sandbox.inspected == [b"zip 1", b"zip 2 is longer"]


def test_a_zip_of_the_same_size_and_time_that_was_moved_in_place_is_seen(room: Room) -> None:
    room.autograders.ready(room.assignment)
    stamp = room.zip_path.stat()
    fresh = room.volume / "fresh.zip"
    fresh.write_bytes(b"zip 2")
    os.utime(fresh, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    fresh.replace(room.zip_path)
    assert room.autograders.ready(room.assignment).data == b"zip 2"


def test_a_zip_put_back_is_known_already(room: Room) -> None:
    for data in (b"zip 1", b"zip two", b"zip 1"):
        room.zip_path.write_bytes(data)
        assert room.autograders.ready(room.assignment).data == data
    assert room.sandbox.inspected == [b"zip 1", b"zip two"]


def test_a_new_image_has_the_zip_inspected_again(room: Room) -> None:
    room.autograders.ready(room.assignment)
    room.sandbox.images[None] = ImageId("image-2")
    assert room.autograders.ready(room.assignment).image_id == "image-2"
    assert len(room.sandbox.inspected) == 2


def test_a_burst_has_a_zip_inspected_once(room: Room) -> None:
    threads = [
        threading.Thread(target=room.autograders.ready, args=(room.assignment,)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert room.sandbox.inspected == [b"zip 1"]


# --- blocked --------------------------------------------------------------------------------------


def test_a_zip_that_is_not_there_is_named(room: Room) -> None:
    room.zip_path.unlink()
    assert "autograder.zip cannot be read: No such file" in blocked(room)


def test_problems_of_the_zip_are_told(room: Room) -> None:
    room.sandbox.found["problems"] = ["tests/q1.py cannot be loaded: SyntaxError"]
    assert "tests/q1.py cannot be loaded" in blocked(room)


def test_missing_packages_are_named(room: Room) -> None:
    room.sandbox.found["missing"] = ["gofer-demo>=2", "sympy"]
    assert "gofer-demo>=2, sympy" in blocked(room)


def test_what_is_missing_is_had_from_an_extended_image_and_graded_there(room: Room) -> None:
    room.sandbox.found["missing"] = ["sympy"]
    room.sandbox.can_extend = True
    autograder = room.autograders.ready(room.assignment)
    assert autograder.image == "grader with sympy"
    assert autograder.image_id == "id of grader with sympy"
    assert autograder.spec.is_usable


def test_a_blocked_zip_is_not_inspected_over_and_over(room: Room) -> None:
    room.sandbox.found["problems"] = ["It is broken."]
    assert blocked(room) == blocked(room)
    assert len(room.sandbox.inspected) == 1


def test_a_mended_zip_is_taken(room: Room) -> None:
    room.sandbox.found["problems"] = ["It is broken."]
    blocked(room)
    room.zip_path.write_bytes(b"mended zip")
    room.sandbox.found["problems"] = []
    assert room.autograders.ready(room.assignment).spec.is_usable


def test_an_inspection_that_cannot_be_read_blocks_the_assignment(room: Room) -> None:
    """Its submissions must wait for staff to mend the zip; none of them is at fault."""
    room.sandbox.found = {"questions": "none"}
    assert "autograder.zip cannot be used" in blocked(room)


def test_an_inspection_that_comes_to_no_end_blocks_the_assignment_and_is_not_begun_again(
    room: Room,
) -> None:
    """It takes minutes, and each entry that waits would have it begun again."""
    room.sandbox.will_fail("inspect", InspectionFailed("It did not end within 120 s."))
    assert "autograder.zip cannot be used. It did not end within 120 s." in blocked(room)
    assert "It did not end within 120 s." in blocked(room)
    assert room.sandbox.inspected == [b"zip 1"]
    room.zip_path.write_bytes(b"mended zip")
    assert room.autograders.ready(room.assignment).data == b"mended zip"


def test_an_inspection_that_came_to_no_end_is_tried_again_later(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autograders, "INSPECT_AGAIN_AFTER_S", 0.0)
    room.sandbox.will_fail("inspect", InspectionFailed())
    blocked(room)
    assert room.autograders.ready(room.assignment).spec.is_usable


def test_a_pipe_in_a_zips_place_keeps_nobody_waiting(room: Room) -> None:
    room.zip_path.unlink()
    os.mkfifo(room.zip_path)
    assert "autograder.zip cannot be read: it is not a file." in blocked(room)
    assert zip_sha256(room.assignment) is None


def test_a_file_far_larger_than_any_zip_is_not_read(room: Room) -> None:
    os.truncate(room.zip_path, ZIP_MAX_BYTES + 1)  # it takes no room on the disk
    assert "autograder.zip cannot be read: it is larger than 512 MiB." in blocked(room)
    assert zip_sha256(room.assignment) is None


def test_an_image_of_its_own_that_is_missing_blocks_this_assignment_alone(room: Room) -> None:
    room.image = "course-image"
    assert "course-image" in blocked(room)
    room.sandbox.images["course-image"] = ImageId("image-9")
    assert room.autograders.ready(room.assignment).image_id == "image-9"


@pytest.mark.parametrize(
    ("method", "error"),
    [
        ("image_id", SandboxUnavailable()),
        ("image_id", ImageMissing()),
        ("inspect", SandboxUnavailable()),
        ("inspect", HarnessNotReady()),
    ],
)
def test_our_failures_are_not_remembered_against_the_zip(
    room: Room, method: str, error: Exception
) -> None:
    room.sandbox.will_fail(method, error)
    with pytest.raises(type(error)):
        room.autograders.ready(room.assignment)
    assert room.autograders.ready(room.assignment).spec.is_usable


# --- the solution ---------------------------------------------------------------------------------


@pytest.fixture
def solved(room: Room) -> Room:
    """A room whose assignment names a solution that earns full points."""
    room.solution = room.volume / "solution.ipynb"
    room.solution.write_bytes(notebook("total = 5"))
    room.sandbox.grade = lambda _: answered(FULL)
    return room


def test_a_solution_with_full_points_proves_the_zip_once(solved: Room) -> None:
    for _ in range(3):
        solved.autograders.ready(solved.assignment)
    assert len(solved.sandbox.jobs) == 1
    assert b"total = 5" in solved.sandbox.jobs[0].notebook


def test_a_zip_that_gives_its_solution_less_is_blocked_and_the_question_named(solved: Room) -> None:
    solved.sandbox.grade = lambda _: answered(answer(questions=[question("q1", 2.0, 2.0)]))
    reason = blocked(solved)
    assert "2 of 5 points" in reason
    assert "q2" in reason
    assert blocked(solved) == reason
    assert len(solved.sandbox.jobs) == 1


def test_where_a_cell_of_the_solution_takes_too_long_staff_are_told_which(solved: Room) -> None:
    content = answer(stops=[stop("interrupted", cell=3)])
    solved.sandbox.grade = lambda _: answered(content)
    with pytest.raises(AssignmentBlocked, match=r"loses some on q1, q2\. Cell 3 was interrupted"):
        solved.autograders.ready(solved.assignment)


def test_a_solution_that_does_not_end_blocks_the_assignment(solved: Room) -> None:
    solved.sandbox.grade = lambda _: ended(Ending.TIMED_OUT)
    assert "timed_out" in blocked(solved)


@pytest.mark.parametrize("changed", ["zip", "solution"])
def test_a_change_of_either_is_proven_again(solved: Room, changed: str) -> None:
    solved.sandbox.grade = lambda _: ended(Ending.DIED)
    blocked(solved)
    assert solved.solution is not None
    if changed == "zip":
        solved.zip_path.write_bytes(b"mended zip")
    else:
        solved.solution.write_bytes(notebook("total = 2 + 3"))
    solved.sandbox.grade = lambda _: answered(FULL)
    solved.autograders.ready(solved.assignment)
    assert len(solved.sandbox.jobs) == 2


def test_a_solution_that_is_not_there_or_no_notebook_is_named(solved: Room) -> None:
    assert solved.solution is not None
    solved.solution.write_bytes(b"{}")
    assert "solution.ipynb is not a valid notebook" in blocked(solved)
    solved.solution.unlink()
    assert "solution.ipynb cannot be read" in blocked(solved)
    assert solved.sandbox.jobs == []


def test_our_failure_proves_nothing_either_way(solved: Room) -> None:
    solved.sandbox.will_fail("run", SandboxUnavailable())
    with pytest.raises(SandboxUnavailable):
        solved.autograders.ready(solved.assignment)
    solved.autograders.ready(solved.assignment)
    assert len(solved.sandbox.jobs) == 2


def test_one_assignments_solution_keeps_no_other_waiting(solved: Room) -> None:
    solved.sandbox.gate.clear()
    proving = threading.Thread(target=solved.autograders.ready, args=(solved.assignment,))
    proving.start()
    wait_until(lambda: len(solved.sandbox.jobs) == 1)
    solved.solution = None
    solved.zip_path = solved.volume / "another.zip"
    solved.zip_path.write_bytes(b"another zip")
    assert solved.autograders.ready(solved.assignment).data == b"another zip"
    solved.sandbox.gate.set()
    proving.join(30)


def test_a_zip_that_is_looked_through_for_long_keeps_one_place_and_no_more(
    solved: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(autograders, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(autograders, "LOOKED_THROUGH_WITHIN_S", 10_000.0)
    solved.sandbox.gate.clear()
    proving = threading.Thread(target=solved.autograders.ready, args=(solved.assignment,))
    proving.start()
    wait_until(lambda: len(solved.sandbox.jobs) == 1)
    now[0] = 10_000.0  # and those who come now wait for it no more, not even for a moment
    for _ in range(3):
        assert blocked(solved) == "The zip autograder.zip is being looked through."
    solved.sandbox.gate.set()
    proving.join(30)
    assert solved.autograders.ready(solved.assignment).data == b"zip 1"
