"""Whatever happens in whatever order, an LMS ends with the present grade, and never goes back."""

from __future__ import annotations

import itertools
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gofer_ingest.grader.passback import decide
from shared.grade_policy import GradePolicy
from shared.gradebook import outbox, outbox_changes
from shared.gradebook.outbox import OPEN, Move, Outgoing, State
from shared.gradebook.outbox_requests import holds
from shared.gradebook.transactions import reading, writing
from shared.lti.port import LmsAnswer, PostedGrade, Recipient, Withdrawal
from shared.model import AttemptsPolicy, utc_now
from tests.support.posting_room import KEY, PostingRoom, decide_on, posted
from tests.support.scripted_lms import (
    ARRIVED,
    BROKEN,
    CLOSED,
    CUT,
    LOCKED_OUT,
    UNAVAILABLE,
    throttled,
)
from tests.unit.shared.gradebook_samples import graded, record, submitted

if TYPE_CHECKING:
    from datetime import datetime

STUDENTS: Final = ("ada", "josé")
BY_HAND: Final = "eve"
"""Who hands nothing in, and has what grade staff give her, or none."""
students = st.sampled_from(STUDENTS)
receivers = st.sampled_from([*STUDENTS, BY_HAND])
LATEST: Final = GradePolicy(attempts=AttemptsPolicy.LATEST)
MEMORY: Final = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Nothing is killed here for real, so nothing has to be on a disk."""

MAY_BECOME: Final = {
    State.QUEUED: {*State},
    State.HELD: {*State} - {State.SENT, State.FAILED},
    State.PARKED: {*State} - {State.SENT, State.FAILED},
    State.FAILED: {State.SUPERSEDED},
    State.SENT: set(),
    State.SUPERSEDED: set(),
}
"""What a row may become from one step to the next; what is held or parked passes by `queued`."""


class Outbox(RuleBasedStateMachine):
    """The outbox with the pure decisions, and a loop of this test's own that may die."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(dir=MEMORY)
        self.room = PostingRoom(Path(self.folder.name))
        self.present: dict[str, float | None] = {}
        self.minutes = 0
        self.on_the_way: dict[str, tuple[Outgoing, PostedGrade | Withdrawal]] = {}
        self.lms: dict[str, tuple[float | None, datetime]] = {}
        self.known: set[str] = {"ada", BY_HAND}
        self.seen: dict[int, State] = {}

    def teardown(self) -> None:
        """In the end all that may go arrives, and it is the present grade."""
        try:
            self.known = {*STUDENTS, BY_HAND}
            self.room.set_hold(is_held=False)
            self.start_again()
            self.room.retry(assignment=KEY.assignment)
            for _ in range(3):
                self.turn()
                for student in list(self.on_the_way):
                    self.arrives(student)
            assert {student: self.held(student) for student in self.present} == self.present
            assert {row.state for row in self.room.rows()} <= {"sent", "superseded"}
        finally:
            self.room.close()
            self.folder.cleanup()

    # --- what happens -----------------------------------------------------------------------

    @rule(student=students, points=st.integers(0, 3))
    def grade(self, student: str, points: int) -> None:
        """The latest counts, so that a grade may go down, and back to what it was before."""
        self.minutes += 1
        envelope = submitted(student, minutes=self.minutes)
        record(self.room.gradebook, envelope, graded(points), LATEST)
        self.present[student] = points / 10

    @precondition(lambda self: self.on_the_way)
    @rule(points=st.integers(0, 3), and_back=st.booleans())
    def grade_what_is_on_its_way(self, points: int, and_back: bool) -> None:  # noqa: FBT001
        student = min(self.on_the_way)
        before = self.present[student]
        change = self.give_by_hand if student == BY_HAND else self.grade
        change(student, points)
        if and_back:
            if before is None:
                self.take_back()
            else:
                change(student, round(10 * before))

    @rule(points=st.integers(0, 3))
    def override(self, points: int) -> None:
        self.give_by_hand(BY_HAND, points)

    @precondition(lambda self: self.present.get(BY_HAND) is not None)
    @rule()
    def take_back(self) -> None:
        self.give_by_hand(BY_HAND, None)

    def give_by_hand(self, student: str, points: int | None) -> None:
        decide_on(self.room, student, points)
        self.present[student] = None if points is None else points / 10

    @rule(is_held=st.booleans())
    def hold(self, is_held: bool) -> None:  # noqa: FBT001 - hypothesis names it
        self.room.set_hold(is_held=is_held)

    @rule(student=receivers)
    def send(self, student: str) -> None:
        self.room.send(student=student)

    @rule()
    def retry(self) -> None:
        self.room.retry(assignment=KEY.assignment)

    @rule(student=students)
    def come_to_be_known(self, student: str) -> None:
        self.known.add(student)

    @rule()
    def start_again(self) -> None:
        """The grader is killed: what was on its way is forgotten."""
        self.on_the_way.clear()
        with writing(self.room.gradebook, "test") as connection:
            outbox.look_again(
                connection, outbox.in_assignments([KEY]), [State.HELD, State.PARKED], utc_now()
            )

    @rule()
    def turn(self) -> None:
        later = utc_now() + timedelta(days=365)  # every wait is over
        with reading(self.room.gradebook, "test") as connection:
            items = outbox.due(connection, [KEY], later, 100)
            held = holds(connection).get(KEY, False)
        for item in items:
            if item.student in self.on_the_way:
                continue
            recipient: Recipient | decide.Unknown = decide.Unknown("recipient", "Not in it.")
            if item.student in self.known:
                recipient = Recipient(user_id=item.student)
            step = decide.before_sending(item, posted(), recipient, is_on_hold=held)
            if isinstance(step, Withdrawal) and not self.may_be_there(item):
                assert self.held(item.student) is None, "a grade would stay at the LMS"
                step = decide.NEVER_THERE
            if isinstance(step, Move):
                self.record(item, step)
            elif self.is_begun(item):
                self.on_the_way[item.student] = (item, step)

    def is_begun(self, item: Outgoing) -> bool:
        with writing(self.room.gradebook, "test") as connection:
            return outbox.begin(connection, item, utc_now())

    def may_be_there(self, item: Outgoing) -> bool:
        with reading(self.room.gradebook, "test") as connection:
            return outbox_changes.has_something_to_take_back(connection, item)

    @precondition(lambda self: self.on_the_way)
    @rule(student=receivers)
    def arrives(self, student: str) -> None:
        student = self.of_those_on_the_way(student)
        self.save(student)
        self.answer(student, ARRIVED)

    @precondition(lambda self: self.on_the_way)
    @rule(student=receivers)
    def is_saved_and_the_answer_lost(self, student: str) -> None:
        student = self.of_those_on_the_way(student)
        self.save(student)
        self.answer(student, CUT)

    @precondition(lambda self: self.on_the_way)
    @rule(student=receivers, is_held=st.booleans())
    def is_saved_and_the_grader_killed(self, student: str, is_held: bool) -> None:  # noqa: FBT001
        self.save(self.of_those_on_the_way(student))
        self.room.set_hold(is_held=is_held)
        self.start_again()

    @precondition(lambda self: self.on_the_way)
    @rule(
        student=receivers,
        answer=st.sampled_from([BROKEN, CUT, CLOSED, LOCKED_OUT, UNAVAILABLE, throttled(3)]),
    )
    def is_not_taken(self, student: str, answer: LmsAnswer) -> None:
        self.answer(self.of_those_on_the_way(student), answer)

    def of_those_on_the_way(self, student: str) -> str:
        return student if student in self.on_the_way else min(self.on_the_way)

    def save(self, student: str) -> None:
        _, sent = self.on_the_way[student]
        told: tuple[float | None, datetime]
        if isinstance(sent, PostedGrade):
            told = (sent.points / sent.possible, sent.graded_at)
        else:
            told = (None, sent.decided_at)
        if student in self.lms:
            assert told[1] >= self.lms[student][1], "an older grade came after a newer one"
        self.lms[student] = told

    def held(self, student: str) -> float | None:
        return self.lms[student][0] if student in self.lms else None

    def answer(self, student: str, answer: LmsAnswer) -> None:
        item, _ = self.on_the_way.pop(student)
        self.record(item, decide.after_answer(item, answer, utc_now(), 0.5))

    def record(self, item: Outgoing, move: Move) -> None:
        with writing(self.room.gradebook, "test") as connection:
            outbox.record_move(connection, item.id, move, utc_now())

    # --- what is always so ------------------------------------------------------------------

    @invariant()
    def the_one_open_row_is_of_the_present_grade(self) -> None:
        for student, present in self.present.items():
            open_ones = [row for row in self.room.rows(student) if State(row.state) in OPEN]
            assert len(open_ones) <= 1
            for row in open_ones:
                if present is None:
                    assert row.is_withdrawal
                else:
                    assert not row.is_withdrawal
                    assert row.score / row.points_possible == present

    @invariant()
    def without_an_open_row_the_lms_has_the_present_grade(self) -> None:
        for student, present in self.present.items():
            if all(State(row.state) not in OPEN for row in self.room.rows(student)):
                assert self.held(student) == present

    @invariant()
    def times_grow_by_a_second(self) -> None:
        for student in (*STUDENTS, BY_HAND):
            times = [row.graded_at for row in self.room.rows(student)]
            assert all(b - a >= outbox_changes.STEP for a, b in itertools.pairwise(times))

    @invariant()
    def what_is_over_stays_over(self) -> None:
        for row in self.room.rows():
            state = State(row.state)
            before = self.seen.get(row.id, State.QUEUED)
            assert state is before or state in MAY_BECOME[before], (before, state)
            self.seen[row.id] = state


Outbox.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestOutbox = Outbox.TestCase
