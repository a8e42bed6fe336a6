"""From findings to entries in the spool: as whom, for what, in which order, and only once."""

from __future__ import annotations

import json
import threading
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from shared.batch.claims import Manifest
from shared.batch.finding import Problem
from shared.batch.intake import Known, Taken, deliver, one_at_a_time
from shared.batch.planning import Directions, Plan, make_plan
from shared.batch.sources import opened
from shared.catalogue import Assignment, Catalogue
from shared.errors import BatchRefused, NotANotebook
from shared.gradebook.known_notebooks import endings
from shared.model import AssignmentKey, Limits, SubmissionId, Verdict, utc_now
from shared.notebook_metadata import metadata_of
from shared.requests import Source
from shared.spool import Spool
from tests.support.zips import notebook
from tests.unit.shared.gradebook_samples import fresh_gradebook, graded, record
from tests.unit.shared.spool_entries import new_delivery, prepared_spool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LAB01 = AssignmentKey("demo101", "1", "lab01")
LAB02 = AssignmentKey("demo101", "1", "lab02")
WORDS = {"course": "demo101", "section": "1", "assignment": "lab01"}


def lab(text: str = "x", **metadata: Any) -> bytes:
    return notebook(f"a = {text!r}", metadata=metadata or WORDS)


def catalogue(tmp_path: Path) -> Catalogue:
    return Catalogue(
        Assignment(
            key=key,
            autograder_zip=tmp_path / "none.zip",
            solution=None,
            image=None,
            limits=Limits(),
            lms_id=None,
        )
        for key in (LAB01, LAB02)
    )


class Desk:
    """A volume, a folder of notebooks, and a batch of it."""

    def __init__(self, tmp_path: Path) -> None:
        self.tmp_path = tmp_path
        self.volume = tmp_path / "volume"
        self.spool = prepared_spool(self.volume)
        self.gradebook = fresh_gradebook(self.volume)
        self.labs = tmp_path / "labs"
        self.labs.mkdir()
        self.stack = ExitStack()

    def put(self, name: str, content: bytes) -> None:
        (self.labs / name).parent.mkdir(parents=True, exist_ok=True)
        (self.labs / name).write_bytes(content)

    def plan(self, directions: Directions | None = None, *paths: Path) -> Plan:
        findings = [self.stack.enter_context(opened(path)) for path in paths or (self.labs,)]
        return make_plan(
            findings, directions or Directions(), catalogue(self.tmp_path), now=utc_now()
        )

    def hand_in(self, plan: Plan) -> list[Taken | Problem]:
        known = Known(self.spool, self.gradebook)
        return list(
            deliver(plan.entries, self.spool, known, requested_by="staff", reason="A test.")
        )


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    with desk.stack:
        yield desk
    desk.gradebook.dispose()


def test_an_entry_of_a_batch_says_by_whom_when_and_why(desk: Desk) -> None:
    desk.put("ada/a.ipynb", b"\xef\xbb\xbf" + lab())
    (taken,) = desk.hand_in(desk.plan())
    assert isinstance(taken, Taken)
    envelope = desk.spool.envelope_of(taken.id)
    assert envelope.payload.source is Source.BATCH
    assert (envelope.payload.student, envelope.payload.key) == ("ada", LAB01)
    assert (envelope.requested_by, envelope.reason) == ("staff", "A test.")
    assert desk.spool.read(taken.id).notebook() == lab()


def test_handing_in_again_delivers_only_what_is_new(desk: Desk) -> None:
    desk.put("ada/a.ipynb", lab())
    (first,) = desk.hand_in(desk.plan())
    desk.put("ben/a.ipynb", lab())
    desk.put("ada/copy of a.ipynb", lab())
    again = desk.hand_in(desk.plan())
    assert [(one.entry.student, one.is_new) for one in again if isinstance(one, Taken)] == [
        ("ada", False),
        ("ada", False),
        ("ben", True),
    ]
    assert isinstance(first, Taken)
    assert isinstance(again[0], Taken)
    assert again[0].id == first.id
    assert len(desk.spool.pending()) == 2


def test_what_was_buried_or_recorded_is_known_too(desk: Desk) -> None:
    desk.put("ada/a.ipynb", lab())
    desk.put("ben/a.ipynb", lab())
    taken = [one for one in desk.hand_in(desk.plan()) if isinstance(one, Taken)]
    ids = [one.id for one in taken]
    desk.spool.bury(ids[0], "The engine slept.")
    record(desk.gradebook, desk.spool.envelope_of(ids[1]), graded(3.0))
    desk.spool.settle(ids[1])
    again = [one for one in desk.hand_in(desk.plan()) if isinstance(one, Taken)]
    assert [(one.id, one.is_new) for one in again] == [(ids[0], False), (ids[1], False)]
    ended = endings(desk.gradebook, [*ids, SubmissionId("unknown")])
    assert {one: ending.verdict for one, ending in ended.items()} == {ids[1]: Verdict.GRADED}


def test_what_a_student_sent_themselves_is_a_duplicate(desk: Desk) -> None:
    words = {"course": "demo101", "section": "fa26", "assignment": "lab01"}
    sent = new_delivery(lab(**words), "ada")
    desk.spool.deliver(sent.envelope, sent.notebook)
    known = Known(desk.spool, None)
    payload = sent.envelope.payload
    assert known.submission_of("ada", payload.key, payload.sha256) == sent.id
    assert known.submission_of("ben", payload.key, payload.sha256) is None
    assert known.submission_of("ada", LAB01, payload.sha256) is None


def test_what_staff_gave_up_can_be_handed_in_again(desk: Desk) -> None:
    desk.put("ada/a.ipynb", lab())
    (taken,) = desk.hand_in(desk.plan())
    assert isinstance(taken, Taken)
    desk.spool.bury(taken.id, "x")
    desk.spool.discard(taken.id, requested_by="staff", reason="x")
    (again,) = desk.hand_in(desk.plan())
    assert isinstance(again, Taken)
    assert again.is_new


def test_the_assignment_comes_from_the_manifest_the_notebook_or_the_command(desk: Desk) -> None:
    desk.put("a.ipynb", lab())
    desk.put("b.ipynb", lab())
    desk.put("c.ipynb", notebook("1"))
    desk.put("manifest.csv", b"file,student,assignment\na.ipynb,a,lab02\nb.ipynb,b,\nc.ipynb,c,\n")
    plan = desk.plan(Directions(assignment=LAB02))
    assert {entry.student: entry.key for entry in plan.entries} == {
        "a": LAB02,
        "b": LAB01,
        "c": LAB02,
    }
    plan = desk.plan()
    assert [problem.file for problem in plan.problems] == ["labs/c.ipynb"]
    assert "--assignment" in plan.problems[0].reason


def test_attempts_are_delivered_in_the_order_in_which_they_were_received(desk: Desk) -> None:
    desk.put("first.ipynb", lab("1"))
    desk.put("second.ipynb", lab("2"))
    desk.put("third.ipynb", lab("3"))
    desk.put(
        "manifest.csv",
        b"file,student,received_at\nsecond.ipynb,ada,2026-09-02T00:00:00Z\n"
        b"third.ipynb,ada,\nfirst.ipynb,ada,2026-09-01T00:00:00+02:00\n",
    )
    taken = [one for one in desk.hand_in(desk.plan()) if isinstance(one, Taken)]
    assert [one.entry.file for one in taken] == [
        "labs/first.ipynb",
        "labs/second.ipynb",
        "labs/third.ipynb",
    ]
    received = [desk.spool.envelope_of(one.id).received_at for one in taken]
    assert received[0] == datetime(2026, 8, 31, 22, tzinfo=UTC)
    assert received == sorted(received)
    assert [one.id for one in taken] == sorted(one.id for one in taken)


def test_as_of_is_for_what_the_manifest_gives_no_time(desk: Desk) -> None:
    noon = datetime(2026, 9, 3, 12, tzinfo=UTC)
    desk.put("ada/a.ipynb", lab())
    (taken,) = desk.hand_in(desk.plan(Directions(as_of=noon)))
    assert isinstance(taken, Taken)
    assert desk.spool.envelope_of(taken.id).received_at == noon


def test_a_notebook_of_two_students_is_delivered_for_both(desk: Desk) -> None:
    desk.put("a.ipynb", lab())
    desk.put("manifest.csv", b"file,student\na.ipynb,ada\na.ipynb,ben\n")
    taken = [one for one in desk.hand_in(desk.plan()) if isinstance(one, Taken)]
    assert [(one.entry.student, one.is_new) for one in taken] == [("ada", True), ("ben", True)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a Jupyter notebook"),
        (b"{", "not a Jupyter notebook"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"nbformat": 3, "metadata": {}, "worksheets": []}', "format 3"),
        (b'{"nbformat": 4, "metadata": [], "cells": []}', "not a Jupyter notebook"),
        (lab(course="demo101", section="1", assignment="lab99"), "no assignment demo101/1/lab99"),
        (lab(course="demo101"), "which assignment"),
    ],
)
def test_what_cannot_be_taken_is_told_and_costs_only_itself(
    desk: Desk, content: bytes, reason: str
) -> None:
    desk.put("ada/a.ipynb", content)
    desk.put("ben/b.ipynb", lab())
    plan = desk.plan()
    assert [entry.student for entry in plan.entries] == ["ben"]
    (problem,) = plan.problems
    assert problem.file == "labs/ada/a.ipynb"
    assert reason in problem.reason


@pytest.mark.parametrize(
    "content", [b"1", b"\xff", b'{"nbformat": true}', b"9" * 5000, b'{"nbformat": 4}']
)
def test_what_is_no_notebook_has_no_metadata(content: bytes) -> None:
    with pytest.raises(NotANotebook):
        metadata_of(content)


def test_a_wrong_manifest_lets_nothing_be_taken(desk: Desk) -> None:
    desk.put("a.ipynb", lab())
    desk.put("manifest.csv", b"file,student,assignment\na.ipynb,ada,lab01\nb.ipynb,ben,lab99\n")
    with pytest.raises(BatchRefused, match=r"labs/manifest.csv, line 3, column assignment"):
        desk.plan()
    desk.put("manifest.csv", b"file,student,assignment\na.ipynb,ada,lab01\nb.ipynb,ben,lab01\n")
    with pytest.raises(BatchRefused, match=r"line 3, column file: there is no notebook b.ipynb"):
        desk.plan()


def test_a_notebook_that_the_manifest_does_not_list_is_told(desk: Desk) -> None:
    desk.put("a.ipynb", lab())
    desk.put("ben/b.ipynb", lab())
    desk.put("manifest.csv", b"file,student\na.ipynb,ada\n")
    plan = desk.plan()
    assert [entry.student for entry in plan.entries] == ["ada"]
    assert plan.problems == [Problem("labs/ben/b.ipynb", "labs/manifest.csv does not list it.")]


def test_one_manifest_for_several_paths_names_them_with_their_folders(desk: Desk) -> None:
    for folder in ("one", "two"):
        desk.put(f"{folder}/a.ipynb", lab())
    content = b"file,student\none/a.ipynb,ada\ntwo/a.ipynb,ben\n"
    paths = (desk.labs / "one", desk.labs / "two")
    plan = desk.plan(Directions(manifest=Manifest("m.csv", content)), *paths)
    assert sorted(entry.student for entry in plan.entries) == ["ada", "ben"]
    doubtful = Manifest("m.csv", b"file,student\na.ipynb,ada\n")
    with pytest.raises(BatchRefused, match=r"m.csv, line 2, column file: a.ipynb may be one/a"):
        desk.plan(Directions(manifest=doubtful), *paths)


def test_a_manifest_inside_a_students_folder_says_nothing(desk: Desk) -> None:
    desk.put("ada/a.ipynb", lab())
    desk.put("ada/manifest.csv", b"file,student\na.ipynb,ben\n")
    desk.put("ada/submission_metadata.yml", b"[")
    assert [entry.student for entry in desk.plan().entries] == ["ada"]


def test_a_file_that_changes_between_plan_and_delivery_is_told(desk: Desk) -> None:
    desk.put("ada/a.ipynb", lab("1"))
    desk.put("ben/b.ipynb", lab("1"))
    plan = desk.plan()
    desk.put("ada/a.ipynb", lab("2"))
    (desk.labs / "ben" / "b.ipynb").unlink()
    found = desk.hand_in(plan)
    reasons = [one.reason for one in found if isinstance(one, Problem)]
    assert len(reasons) == 2
    assert "changed" in reasons[0]
    assert "cannot be read" in reasons[1]


def test_two_batches_at_once_deliver_each_notebook_once(desk: Desk) -> None:
    for number in range(10):
        desk.put(f"s{number}/a.ipynb", lab())
    plan = desk.plan()

    def hand_in() -> None:
        with one_at_a_time(desk.volume):
            desk.hand_in(plan)

    threads = [threading.Thread(target=hand_in) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Spool(desk.volume).pending()) == 10


def test_the_samples_of_notebooks_here_are_notebooks() -> None:
    assert metadata_of(lab()) == WORDS
    assert json.loads(lab())["nbformat"] == 4
