"""A gradebook with grades, LMS doubles, and the loop between them."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from gofer_ingest.grader.passback.lanes import Lane
from gofer_ingest.grader.passback.loop import PassbackLoop
from shared.catalogue.passback import Kind, Names, Passback
from shared.grade_policy import GradePolicy
from shared.gradebook import outbox_requests
from shared.gradebook.outbox_list import postings
from shared.gradebook.passback_tables import passbacks
from shared.gradebook.staff_decisions import record_override
from shared.model import AssignmentKey, RateLimit, Score, new_submission_id, utc_now
from shared.requests import (
    OverridePayload,
    PostDismissPayload,
    PostSendPayload,
    Selection,
    StaffRequest,
)
from tests.support.processes import wait_until
from tests.support.scripted_lms import ScriptedLms
from tests.unit.shared.gradebook_samples import fresh_gradebook, graded, record, submitted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shared.gradebook.outbox_requests import Answer

KEY = AssignmentKey("demo101", "fa26", "lab01")
OTHER = AssignmentKey("other", "fa26", "lab01")
OFF = RateLimit.parse("off")


def posted(**changes: Any) -> Passback:
    """How an assignment is posted whose students the LMS knows by their names here."""
    usual: dict[str, Any] = {"kind": Kind.LTI13, "students": Names.STUDENT, "rate": OFF}
    return Passback(**usual | changes)


@dataclass
class PostingRoom:
    """A gradebook, and LMSs for two courses.

    Attributes:
        lms: of `KEY`.
        other: of `OTHER`.
    """

    volume: Path
    database_url: str | None = None

    def __post_init__(self) -> None:
        self.gradebook = fresh_gradebook(self.volume, self.database_url)
        self.lms, self.other = ScriptedLms(), ScriptedLms()
        self.passback = posted()
        self.holds_unless_told = False

    def close(self) -> None:
        self.gradebook.dispose()

    def grade(
        self, student: str, points: float, possible: float = 10.0, *, course: str = "demo101"
    ) -> None:
        """Record a submission that earns so much."""
        record(self.gradebook, submitted(student, course=course), graded(points, possible))

    def loop(self) -> PassbackLoop:
        lanes = [
            Lane("lms", {KEY: self.passback}, lambda: self.lms),
            Lane("other", {OTHER: posted()}, lambda: self.other),
        ]
        return PassbackLoop(self.gradebook, lanes, holds_unless_told=self.holds_unless_told)

    @contextmanager
    def posting(self, loop: PassbackLoop | None = None) -> Iterator[PassbackLoop]:
        """The loop at work; on leaving it is stopped, and must come to its end."""
        loop = loop or self.loop()
        thread = threading.Thread(target=loop.run, daemon=True)
        thread.start()
        try:
            yield loop
        finally:
            loop.stop()
            thread.join(20)
            assert not thread.is_alive(), "the loop did not come to its end"

    def rows(self, student: str | None = None) -> list[Any]:
        statement = select(passbacks).order_by(passbacks.c.id)
        if student is not None:
            statement = statement.where(passbacks.c.student == student)
        with self.gradebook.connect() as connection:
            return list(connection.execute(statement))

    def states(self, student: str) -> list[str]:
        return [row.state for row in self.rows(student)]

    def state(self, student: str) -> str:
        return self.states(student)[-1]

    def is_quiet(self) -> bool:
        """Whether nothing is queued."""
        return all(row.state != "queued" for row in self.rows())

    def post_until_quiet(self) -> None:
        with self.posting():
            wait_until(self.is_quiet)

    def send(self, **selection: str) -> Answer:
        return outbox_requests.send(self.gradebook, asked(), Selection(**selection), [KEY, OTHER])

    def retry(self, **selection: str) -> Answer:
        return outbox_requests.retry(self.gradebook, asked(), Selection(**selection), [KEY, OTHER])

    def dismiss(self, **selection: str) -> Answer:
        payload = PostDismissPayload(**selection)
        return outbox_requests.dismiss(self.gradebook, asked(payload), payload)

    def set_hold(self, *, is_held: bool) -> Answer:
        return outbox_requests.set_hold(self.gradebook, asked(), [KEY], is_held=is_held)

    def posting_of(self, student: str) -> Any:
        (found,) = postings(self.gradebook, Selection(student=student))
        return found


def asked(payload: Any = None) -> StaffRequest:
    payload = payload or PostSendPayload(every=True)
    return StaffRequest(
        id=new_submission_id(),
        action=payload.action,
        payload=payload,
        requested_by="ta",
        received_at=utc_now(),
        reason="",
    )


def decide_on(room: PostingRoom, student: str, points: float | None) -> None:
    """Override a student's grade with so many of ten points, or take that back."""
    score = None if points is None else Score(points, 10)
    payload = OverridePayload(
        student=student,
        course=KEY.course,
        section=KEY.section,
        assignment=KEY.assignment,
        score=points,
        points_possible=None if points is None else 10,
    )
    record_override(room.gradebook, asked(payload), payload, score, GradePolicy(), "Set.")
