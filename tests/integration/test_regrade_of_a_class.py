"""A class of five hundred, regraded after its zip was mended, in a sandbox that obeys."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

import pytest

from gofer_console import actions
from gofer_console.regrade import files, looking
from shared.catalogue import Catalogue
from shared.gradebook.queries import grades_of_record
from shared.gradebook.regrades.comparison import Effect
from shared.gradebook.regrades.progress import regrades
from shared.gradebook.staff_requests import Outcome, done_request
from shared.model import RegradeId, SubmissionId
from shared.requests import RegradeApplyPayload, RegradeCancelPayload, RegradeStartPayload
from tests.support.processes import wait_until
from tests.support.zips import notebook
from tests.unit.grader.grading_room import KEY, Room
from tests.unit.grader.harness_answers import answer, answered, question
from tests.unit.shared.regrade_samples import grades_dump

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gofer_ingest.grader.sandbox import Job, RawResult
    from shared.gradebook.regrades.preview import Preview
    from shared.requests import StaffPayload

STUDENTS: Final = 500
WITHIN_S: Final = 240.0


def grade(job: Job) -> RawResult:
    """Grade `number = n`: of every ten one lost q1 by the old zip's mistake, and earns it back.

    And one of fifty was given points of q2 that the mended zip does not give.
    """
    found = re.search(rb"number = (\d+)", job.notebook)
    assert found is not None
    number, is_mended = int(found[1]), job.autograder_zip == b"zip 2"
    first = 2.0 if is_mended or number % 10 else 0.0
    second = 0.0 if is_mended and number % 50 == 1 else 3.0
    return answered(answer(questions=[question("q1", first, 2.0), question("q2", second, 3.0)]))


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    """The class, graded with the old zip; the mended one lies in its place."""
    made = Room(tmp_path)
    made.sandbox.grade = grade
    entries = [
        made.submitted(notebook(f"number = {number}"), student=f"student {number}")
        for number in range(STUDENTS)
    ]
    with made.working(concurrency=4):
        wait_until(lambda: made.is_settled(*entries), WITHIN_S)
    made.zip_path.write_bytes(b"zip 2")
    yield made
    made.close()


def asked(room: Room, payload: StaffPayload) -> tuple[SubmissionId, Outcome, str]:
    request = actions.deliver(room.spool, payload, by="ana", why="q1 was wrong")
    with room.working():
        wait_until(lambda: room.is_settled(request))
    done = done_request(room.gradebook, request)
    assert done is not None
    return request, done.outcome, done.message


def regraded(room: Room) -> Preview:
    payload = RegradeStartPayload(
        course=KEY.course, section=KEY.section, assignment=KEY.assignment, old_zip=True
    )
    request = actions.deliver(room.spool, payload, by="ana", why="q1 was wrong")

    def is_through() -> bool:
        return [one.state for one in regrades(room.gradebook) if str(one.id) == request] == [
            "ready"
        ]

    with room.working(concurrency=4):
        wait_until(is_through, WITHIN_S)
    return shown(room, request)


def shown(room: Room, request: SubmissionId) -> Preview:
    return looking.preview(room.gradebook, Catalogue([room.assignment]), RegradeId(request))


def test_a_class_is_regraded_looked_at_cancelled_and_then_applied(room: Room) -> None:
    untouched = grades_dump(room.gradebook)
    assert len(untouched) == STUDENTS

    first = regraded(room)
    assert grades_dump(room.gradebook) == untouched
    assert (first.regrade.submissions, first.regrade.given_up) == (STUDENTS, 0)
    moves = first.of(Effect.MOVES)
    assert [one.points for one in moves] == [-3.0] * 10 + [2.0] * 50
    assert {move.question for one in moves for move in one.questions} == {"q1", "q2"}
    assert len(first.of(Effect.STAYS)) == STUDENTS - 60
    as_json = json.loads(files.preview_json(first))
    assert len(as_json["students"]) == STUDENTS

    cancel = RegradeCancelPayload(regrade=SubmissionId(first.regrade.id))
    assert asked(room, cancel)[1] is Outcome.DONE
    assert grades_dump(room.gradebook) == untouched

    second = regraded(room)
    apply = RegradeApplyPayload(
        regrade=SubmissionId(second.regrade.id), fingerprint=second.fingerprint
    )
    _, outcome, message = asked(room, apply)
    assert outcome is Outcome.DONE
    assert message == "Applied: 60 grades moved, 440 stayed as they were."
    after = {grade.student: grade.score.points for grade in grades_of_record(room.gradebook)}
    assert after == {
        f"student {number}": 2.0 if number % 50 == 1 else 5.0 for number in range(STUDENTS)
    }
    assert [one.student for one in shown(room, apply.regrade).of(Effect.MOVES)] == [
        one.student for one in moves
    ]
