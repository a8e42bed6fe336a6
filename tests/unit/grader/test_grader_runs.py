from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from gofer_ingest.grader.runs import TriesUsedUp, grade_entry
from gofer_ingest.grader.sandbox import Ending
from shared.errors import (
    AssignmentBlocked,
    DamagedEntry,
    GradebookError,
    HarnessNotReady,
    ImageMissing,
    SandboxUnavailable,
    SpoolFull,
    UnknownEntry,
)
from shared.model import new_submission_id
from shared.spool import Place, Spool
from tests.unit.grader.grading_room import MAX_TRIES, NOTEBOOK
from tests.unit.grader.harness_answers import answer, answered, ended

if TYPE_CHECKING:
    from shared.model import SubmissionId
    from tests.unit.grader.grading_room import Room


def test_a_graded_notebook_is_recorded_and_settled(room: Room) -> None:
    entry = room.submitted()
    grade_entry(room.tools, entry)
    assert room.is_settled(entry)
    (run,) = room.runs(entry)
    assert (run.verdict, run.score, run.points_possible) == ("graded", 1.5, 5.0)
    assert (run.reason, run.tries, run.sandbox, run.image_id) == (
        "initial",
        1,
        "process",
        "image-1",
    )
    assert run.autograder_sha256 == hashlib.sha256(b"zip 1").hexdigest()
    assert run.wall_s == 3.5
    assert run.started_at <= run.finished_at


def test_the_sandbox_is_given_the_zip_the_limits_and_a_notebook_without_outputs(room: Room) -> None:
    content = json.loads(NOTEBOOK)
    content["cells"][0]["outputs"] = [
        {"output_type": "stream", "name": "stdout", "text": "x" * 1000}
    ]
    entry = room.submitted(json.dumps(content).encode())
    grade_entry(room.tools, entry)
    (job,) = room.sandbox.jobs
    assert json.loads(job.notebook)["cells"][0]["outputs"] == []
    assert job.autograder_zip == b"zip 1"
    assert job.limits == room.assignment.limits
    (run,) = room.runs(entry)
    assert run.id == job.run_id


@pytest.mark.parametrize(
    ("ending", "verdict"),
    [
        (Ending.TIMED_OUT, "timed_out"),
        (Ending.OUT_OF_MEMORY, "out_of_memory"),
        (Ending.DIED, "crashed"),
        (Ending.TOO_MUCH_OUTPUT, "crashed"),
    ],
)
def test_a_notebook_that_fails_is_a_verdict_and_is_settled(
    room: Room, ending: Ending, verdict: str
) -> None:
    room.sandbox.grade = lambda _: ended(ending)
    entry = room.submitted()
    grade_entry(room.tools, entry)
    (run,) = room.runs(entry)
    assert (run.verdict, run.score) == (verdict, None)
    assert room.is_settled(entry)


def test_an_invalid_notebook_is_a_verdict_without_a_run_in_the_sandbox(room: Room) -> None:
    entry = room.submitted(b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [7]}')
    grade_entry(room.tools, entry)
    (run,) = room.runs(entry)
    assert (run.verdict, run.tries) == ("invalid", 1)
    assert room.sandbox.jobs == []
    assert room.is_settled(entry)


def test_whatever_the_harness_answers_can_be_recorded(room: Room) -> None:
    odd = answer(
        log="\x00 \U0001f600" * 100,
        memory={"peak_bytes": (1 << 63) - 1, "oom_kills": 0},
        questions=[{"name": "\x00", "score": 1e308, "possible": -1e308}],
    )
    room.sandbox.grade = lambda _: answered(odd, log_tail=bytes(range(256)) * 200)
    entry = room.submitted()
    grade_entry(room.tools, entry)
    assert room.is_settled(entry)


# --- what was done before -------------------------------------------------------------------------


def test_an_entry_recorded_before_a_kill_is_only_moved(room: Room) -> None:
    entry = room.submitted()
    grade_entry(room.tools, entry)
    archived = room.volume / "submissions" / entry[-2:] / entry
    archived.rename(room.spool.new_dir / entry)
    grade_entry(room.tools, entry)
    assert room.is_settled(entry)
    assert len(room.sandbox.jobs) == 1
    assert len(room.runs(entry)) == 1


def test_an_entry_that_is_gone_is_unknown(room: Room) -> None:
    with pytest.raises(UnknownEntry):
        grade_entry(room.tools, new_submission_id())


def test_tries_that_never_came_to_an_end_are_not_gone_beyond(room: Room) -> None:
    entry = room.submitted()
    for _ in range(MAX_TRIES):
        room.spool.begin_try(entry)
    with pytest.raises(TriesUsedUp):
        grade_entry(room.tools, entry)
    assert room.sandbox.jobs == []


def test_the_number_of_the_try_is_recorded(room: Room) -> None:
    entry = room.submitted()
    room.spool.begin_try(entry)
    grade_entry(room.tools, entry)
    (run,) = room.runs(entry)
    assert run.tries == 2


# --- our failures ---------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["image_id", "inspect", "prepare"])
@pytest.mark.parametrize("error", [SandboxUnavailable, ImageMissing, HarnessNotReady])
def test_what_fails_before_the_run_uses_no_try_and_leaves_the_entry(
    room: Room, method: str, error: type[SandboxUnavailable]
) -> None:
    room.sandbox.will_fail(method, error())
    entry = room.submitted()
    with pytest.raises(error):
        grade_entry(room.tools, entry)
    assert room.spool.tries(entry) == 0
    assert room.spool.find(entry) is Place.NEW
    grade_entry(room.tools, entry)
    assert room.is_settled(entry)


@pytest.mark.parametrize("error", [SandboxUnavailable(), HarnessNotReady(), RuntimeError("odd")])
def test_a_run_that_our_machinery_fails_is_not_recorded_and_its_try_counts(
    room: Room, error: Exception
) -> None:
    room.sandbox.will_fail("run", error)
    entry = room.submitted()
    with pytest.raises(type(error)):
        grade_entry(room.tools, entry)
    assert room.runs(entry) == []
    assert room.spool.tries(entry) == 1
    assert room.sandbox.slots_in_use == set()


class FullSpool(Spool):
    """A spool on a disk with no room for one more try."""

    def begin_try(self, submission_id: SubmissionId) -> int:
        raise SpoolFull


def test_a_slot_is_given_back_when_the_try_cannot_be_counted(room: Room) -> None:
    entry = room.submitted()
    room.spool = FullSpool(room.volume)
    with pytest.raises(SpoolFull):
        grade_entry(room.tools, entry)
    assert room.sandbox.slots_in_use == set()
    assert room.sandbox.jobs == []


def test_a_notebook_that_is_not_what_was_received_is_a_damaged_entry(room: Room) -> None:
    entry = room.submitted()
    (room.spool.new_dir / entry / "submission.ipynb").write_bytes(NOTEBOOK[:-1] + b" ")
    with pytest.raises(DamagedEntry):
        grade_entry(room.tools, entry)
    assert room.sandbox.jobs == []
    assert room.spool.tries(entry) == 0


def test_an_assignment_that_left_the_catalogue_is_blocked_and_named(room: Room) -> None:
    entry = room.submitted(assignment="lab99")
    with pytest.raises(AssignmentBlocked, match="demo101/1/lab99"):
        grade_entry(room.tools, entry)
    assert room.spool.tries(entry) == 0


def test_a_gradebook_that_cannot_be_read_stops_the_run_before_it_starts(room: Room) -> None:
    entry = room.submitted()
    with room.gradebook.begin() as connection:
        connection.exec_driver_sql("DROP VIEW gradebook_csv")
        connection.exec_driver_sql("ALTER TABLE grading_runs RENAME TO elsewhere")
    with pytest.raises(GradebookError):
        grade_entry(room.tools, entry)
    assert room.sandbox.jobs == []


def test_a_notebook_that_names_what_no_exercise_needs_is_flagged_and_counts(room: Room) -> None:
    content = json.loads(NOTEBOOK)
    content["cells"][0]["source"] = "from otter.execute import Checker"
    entry = room.submitted(json.dumps(content).encode())
    grade_entry(room.tools, entry)
    (run,) = room.runs(entry)
    assert (run.verdict, run.score) == ("graded", 1.5)
    assert json.loads(run.flags) == ["suspicious_source"]
    assert run.staff_text == "Cell 1 names otter.execute, Checker."
    assert "otter" not in run.student_text
