"""Who is next: students take turns, and nobody is forgotten or taken twice."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gofer_ingest.grader.line import Lane, Line, Ticket
from shared.model import AssignmentKey, SubmissionId

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gofer_ingest.grader.line import TicketId

LAB01 = AssignmentKey("demo101", "1", "lab01")
LAB02 = AssignmentKey("demo101", "1", "lab02")


def ticket(
    number: int,
    student: str | None = "ada",
    key: AssignmentKey | None = LAB01,
    lane: Lane = Lane.LIVE,
) -> Ticket:
    return Ticket(SubmissionId(f"{number:06}"), student, key, lane)


def of_batch(number: int, student: str | None = "ada") -> Ticket:
    return ticket(number, student, AssignmentKey("c", "1", f"lab{number}"), Lane.BATCH)


def line_of(*tickets: Ticket) -> Line:
    line = Line()
    for each in tickets:
        line.join(each)
    return line


def drained(line: Line, now: float = 0.0) -> list[Ticket]:
    """Take and finish everything, one after the other."""
    taken = []
    while (each := line.take(now)) is not None:
        taken.append(each)
        line.done(each.id)
    return taken


def test_nobody_waits_in_an_empty_line() -> None:
    assert Line().take(0.0) is None


def test_of_different_students_the_earlier_submission_goes_first() -> None:
    tickets = [ticket(number, f"student {number}") for number in range(5)]
    assert drained(line_of(*reversed(tickets))) == tickets


def test_students_take_turns_however_much_one_submitted() -> None:
    flood = [ticket(number, "ada", AssignmentKey("c", "1", f"lab{number}")) for number in range(20)]
    other = [ticket(100 + number, f"student {number}") for number in range(3)]
    taken = drained(line_of(*flood, *other))
    assert taken[0] == flood[0]
    assert taken[1:4] == other
    assert taken[4:] == flood[1:]


def test_who_comes_while_one_student_is_served_goes_before_the_rest_of_theirs() -> None:
    flood = [ticket(number) for number in range(10)]
    line = line_of(*flood)
    for each in flood[:4]:
        assert line.take(0.0) == each
        line.done(each.id)
    line.join(ticket(99, "grace"))
    assert line.take(0.0) in {ticket(99, "grace"), flood[4]}
    assert ticket(99, "grace").id in line.in_hand or line.take(0.0) == ticket(99, "grace")


def test_a_student_has_one_run_at_a_time_for_an_assignment_and_in_order() -> None:
    line = line_of(ticket(1), ticket(2), ticket(3, key=LAB02), ticket(4, "grace"))
    assert line.take(0.0) == ticket(1)
    assert line.take(0.0) == ticket(4, "grace")
    assert line.take(0.0) == ticket(3, key=LAB02)
    assert line.take(0.0) is None
    line.done(ticket(1).id)
    assert line.take(0.0) == ticket(2)


def test_a_batch_waits_behind_every_live_submission_also_those_that_come_later() -> None:
    batch = [of_batch(number, f"student {number}") for number in range(20)]
    line = line_of(*batch)
    assert line.take(0.0) == batch[0]
    live = [
        ticket(100 + number, "grace", AssignmentKey("c", "2", f"{number}")) for number in (1, 2)
    ]
    for each in live:
        line.join(each)
    assert drained(line) == [*live, *batch[1:]]


def test_the_students_of_a_batch_take_turns_as_well() -> None:
    flood = [of_batch(number) for number in range(5)]
    other = of_batch(100, "grace")
    assert drained(line_of(*flood, other)) == [flood[0], other, *flood[1:]]


def test_what_a_batch_holds_of_a_student_does_not_put_off_their_live_submission() -> None:
    batch = [of_batch(number) for number in range(10)]
    line = line_of(*batch, ticket(50, "grace"), ticket(51))
    assert [line.take(0.0), line.take(0.0)] == [ticket(50, "grace"), ticket(51)]


def of_regrade(number: int, student: str | None = "ada") -> Ticket:
    return ticket(number, student, AssignmentKey("c", "1", f"lab{number}"), Lane.REGRADE)


def test_a_regrade_waits_behind_submissions_and_batches_also_those_that_come_later() -> None:
    regrade = [of_regrade(number, f"student {number}") for number in range(20)]
    line = line_of(*regrade)
    assert line.take(0.0) == regrade[0]
    later = [ticket(100, "grace"), of_batch(101, "kofi")]
    for each in reversed(later):
        line.join(each)
    assert drained(line) == [*later, *regrade[1:]]


def test_a_student_is_not_graded_twice_at_once_for_an_assignment_by_a_regrade() -> None:
    line = line_of(Ticket(SubmissionId("1"), "ada", LAB01, Lane.REGRADE))
    assert line.take(0.0) is not None
    line.join(ticket(2))
    assert line.take(0.0) is None
    line.done(SubmissionId("1"))
    assert line.take(0.0) == ticket(2)


def test_a_live_submission_given_back_as_last_never_goes_behind_a_regrade() -> None:
    line = line_of(ticket(1), *[of_regrade(number, "grace") for number in range(2, 5)])
    assert line.take(0.0) == ticket(1)
    line.give_back(ticket(1).id, not_before=1.0, is_last=True)
    assert line.take(0.5) == of_regrade(2, "grace")  # it may show that others fare better
    assert line.take(1.0) == ticket(1)


def test_what_is_resting_of_a_regrade_is_not_counted_among_the_entries() -> None:
    line = line_of(ticket(1), of_regrade(2, "grace"))
    for each in (ticket(1), of_regrade(2, "grace")):
        assert line.take(0.0) == each
        line.give_back(each.id, not_before=9.0)
    assert (line.resting(0.0), line.entries, len(line)) == (1, 1, 2)


def test_a_live_submission_given_back_as_last_lets_the_batch_try_first() -> None:
    line = line_of(ticket(1), of_batch(2, "grace"))
    assert line.take(0.0) == ticket(1)
    line.give_back(ticket(1).id, not_before=0.0, is_last=True)
    assert drained(line) == [of_batch(2, "grace"), ticket(1)]


def test_an_entry_of_a_batch_given_back_as_last_stays_behind_the_live_ones() -> None:
    line = line_of(of_batch(1))
    assert line.take(0.0) == of_batch(1)
    line.join(ticket(2, "grace"))
    line.give_back(of_batch(1).id, not_before=0.0, is_last=True)
    line.join(ticket(3, "kofi"))
    assert drained(line) == [ticket(2, "grace"), ticket(3, "kofi"), of_batch(1)]


def test_what_is_given_back_comes_again_when_its_time_has_come() -> None:
    line = line_of(ticket(1))
    line.take(0.0)
    line.give_back(ticket(1).id, not_before=10.0)
    assert line.take(9.9) is None
    assert line.next_change_at(0.0) == 10.0
    assert line.take(10.0) == ticket(1)


def test_what_is_given_back_as_last_lets_those_that_wait_go_first() -> None:
    line = line_of(ticket(1), ticket(2, "grace"))
    line.take(0.0)
    line.give_back(ticket(1).id, not_before=0.0, is_last=True)
    line.join(ticket(3, "kofi"))
    assert drained(line) == [ticket(2, "grace"), ticket(3, "kofi"), ticket(1)]


def test_an_assignment_at_rest_holds_up_no_other() -> None:
    line = line_of(ticket(1), ticket(2, "grace"), ticket(3, "kofi", LAB02))
    line.rest(LAB01, until=30.0)
    assert line.resting(0.0) == 2
    assert line.take(0.0) == ticket(3, "kofi", LAB02)
    assert line.take(0.0) is None
    assert line.resting(0.0) == 2
    assert line.resting(30.0) == 0
    assert line.take(30.0) == ticket(1)


def test_a_damaged_entry_has_its_turn_too() -> None:
    line = line_of(ticket(1, None, None), ticket(2, None, None))
    assert drained(line) == [ticket(1, None, None), ticket(2, None, None)]


def test_what_is_no_longer_pending_is_forgotten_unless_it_is_in_hand() -> None:
    line = line_of(ticket(1), ticket(2, "grace"))
    assert line.take(0.0) == ticket(1)
    line.keep_only(set())
    assert len(line) == 1
    assert line.in_hand == {ticket(1).id}


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), max_size=60))
def test_each_round_serves_every_student_that_waits_once(students: list[int]) -> None:
    tickets = [
        ticket(number, f"s{student}", AssignmentKey("c", "1", f"a{number}"))
        for number, student in enumerate(students)
    ]
    taken = [each.student for each in drained(line_of(*tickets))]
    assert sorted(map(str, taken)) == sorted(f"s{student}" for student in students)
    for later, student in enumerate(taken):
        turns = taken[: later + 1].count(student)
        for other in set(taken):
            # by the time someone has their nth turn, everybody else has had n - 1 or is through
            assert taken[:later].count(other) >= min(turns - 1, taken.count(other))


class LineMachine(RuleBasedStateMachine):
    """A line beside the plainest model of it: sets."""

    @initialize()
    def start(self) -> None:
        self.line = Line()
        self.numbers = itertools.count()
        self.waiting: dict[TicketId, Ticket] = {}
        self.resting: dict[TicketId, float] = {}
        self.in_hand: dict[TicketId, Ticket] = {}
        self.now = 0.0

    @rule(
        student=st.sampled_from(["ada", "grace", None]),
        key=st.sampled_from([LAB01, LAB02]),
        lane=st.sampled_from(Lane),
    )
    def join(self, student: str | None, key: AssignmentKey, lane: Lane) -> None:
        lane = lane if student else Lane.LIVE
        each = ticket(next(self.numbers), student, key if student else None, lane)
        self.line.join(each)
        self.waiting[each.id] = each

    @rule()
    def join_again(self) -> None:
        for each in [*self.waiting.values(), *self.in_hand.values()]:
            self.line.join(each)

    @rule(seconds=st.floats(0, 20))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    def takeable(self) -> Iterable[Ticket]:
        busy = {(each.student, each.key) for each in self.in_hand.values() if each.student}
        for each in self.waiting.values():
            is_free = (each.student, each.key) not in busy
            if is_free and self.resting.get(each.id, 0.0) <= self.now:
                yield each

    @rule()
    def take(self) -> None:
        takeable = list(self.takeable())
        taken = self.line.take(self.now)
        assert (taken is None) == (not takeable)
        if taken is not None:
            assert taken in takeable
            assert taken.lane == min(each.lane for each in takeable)
            self.in_hand[taken.id] = self.waiting.pop(taken.id)

    @precondition(lambda self: self.in_hand)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        entry_id = data.draw(st.sampled_from(sorted(self.in_hand)))
        del self.in_hand[entry_id]
        self.line.done(entry_id)

    @precondition(lambda self: self.in_hand)
    @rule(data=st.data(), seconds=st.floats(0, 30))
    def give_back(self, data: st.DataObject, seconds: float) -> None:
        entry_id = data.draw(st.sampled_from(sorted(self.in_hand)))
        self.waiting[entry_id] = self.in_hand.pop(entry_id)
        self.resting[entry_id] = self.now + seconds
        self.line.give_back(entry_id, not_before=self.now + seconds)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def vanish(self, data: st.DataObject) -> None:
        gone = data.draw(st.sampled_from(sorted(self.waiting)))
        del self.waiting[gone]
        self.line.keep_only(set(self.waiting))

    @invariant()
    def it_knows_as_many(self) -> None:
        if hasattr(self, "line"):
            assert len(self.line) == len(self.waiting) + len(self.in_hand)
            assert self.line.in_hand == self.in_hand.keys()
            known = [*self.waiting.values(), *self.in_hand.values()]
            assert self.line.entries == sum(each.lane is not Lane.REGRADE for each in known)
            assert self.line.entries_in_hand == tuple(
                sorted(
                    entry_id
                    for entry_id, each in self.in_hand.items()
                    if each.lane is not Lane.REGRADE
                )
            )


TestLine = LineMachine.TestCase
TestLine.settings = settings(deadline=None)
