"""The loop: sends what is in the outbox, and writes down what came of it.

It has a thread of its own, which alone touches the gradebook; every grade on its way has another,
which only talks to its LMS. So an LMS that hangs holds nobody up, and a stop need not wait for it:
what was sent and not written down is sent again, with the same time, and the LMS knows it.
"""

from __future__ import annotations

import logging
import queue
import random
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from gofer_ingest.grader.passback import decide
from gofer_ingest.grader.passback.calls import Answered, after, carried_out, nobody_foresaw
from gofer_ingest.grader.passback.recipients import recipient_of
from shared.errors import GradebookError
from shared.gradebook import outbox
from shared.gradebook.outbox import Move, State
from shared.gradebook.outbox_changes import has_something_to_take_back
from shared.gradebook.outbox_requests import holds
from shared.gradebook.roster import known_of
from shared.gradebook.transactions import reading, writing
from shared.model import utc_now
from shared.queue_snapshot import PassbackOutlook

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection, Engine

    from gofer_ingest.grader.passback.calls import Call
    from gofer_ingest.grader.passback.lanes import Lane
    from shared.gradebook.outbox import Outgoing
    from shared.lti.port import PostedGrade, Recipient, Withdrawal
    from shared.model import AssignmentKey

log = logging.getLogger(__name__)

SWEEP_S: Final = 30.0
"""Bells ring before; this is for those that nobody heard."""
STOP_WITHIN_S: Final = 3.0
"""How long a stop waits for what is on its way."""
COUNT_EVERY_S: Final = 1.0
GRADEBOOK_WAIT_S: Final = 2.0
BROKEN_WAIT_S: Final = 2.0
"""After a turn that failed unforeseen; doubled for each that follows."""
_AT_ONCE: Final = 200


class _Decided(NamedTuple):
    """What is to become of a grade in place of being sent."""

    lane: Lane
    item: Outgoing
    move: Move


class _Planned(NamedTuple):
    """A call that is to be made of an LMS."""

    lane: Lane
    item: Outgoing
    what: Call


class _Plan(NamedTuple):
    """What one look at the outbox comes to."""

    moves: list[_Decided]
    sendings: list[_Planned]
    readings: list[_Planned]


class PassbackLoop:
    """Sends grades until it is stopped.

    Args:
        gradebook: the writer's.
        lanes: one for each LMS.
        holds_unless_told: whether the grades of an assignment are held about which neither the
            course config nor staff say anything.
    """

    def __init__(
        self, gradebook: Engine, lanes: Sequence[Lane], *, holds_unless_told: bool
    ) -> None:
        self.lanes = lanes
        self._gradebook = gradebook
        self._holds_unless_told = holds_unless_told
        self._bell = threading.Event()
        self._is_stopping = threading.Event()
        self._resuming = threading.Event()
        self._calls: queue.SimpleQueue[Answered] = queue.SimpleQueue()
        self._unrecorded: list[Answered] = []
        self._broken_turns = 0
        self._has_begun = False
        self._is_sick = False
        self._outlook: PassbackOutlook | None = None
        self._counted_at = -COUNT_EVERY_S

    def ring(self) -> None:
        """Say that there may be something new in the outbox; any thread may."""
        self._bell.set()

    def resume(self) -> None:
        """Try every LMS again, whatever it did before; any thread may."""
        self._resuming.set()
        self._bell.set()

    def stop(self) -> None:
        """Begin nothing more; `run` returns within a few seconds."""
        self._is_stopping.set()
        self._bell.set()

    def outlook(self) -> PassbackOutlook | None:
        """Return how things stood a moment ago; any thread may.

        None before the first look, and where no grade goes to an LMS.
        """
        return self._outlook if self.lanes else None

    def run(self) -> None:
        """Send until stopped."""
        while not self._is_stopping.is_set():
            self._bell.clear()
            wait_s = self._guarded_turn()
            if wait_s is not None:
                self._bell.wait(wait_s)
        deadline = time.monotonic() + STOP_WITHIN_S
        while any(lane.in_hand for lane in self.lanes) and time.monotonic() < deadline:
            self._bell.clear()
            self._safely(self._record_answers)
            self._bell.wait(0.1)
        self._safely(self._record_answers)
        for lane in self.lanes:
            lane.close()
        self._safely(self._record_answers)

    def _guarded_turn(self) -> float | None:
        """Do one turn; return how long to wait for a bell, or None where that was done already."""
        try:
            wait_s = self._turn()
        except Exception:
            # The one frame around a turn: a mistake in Gofer itself must not end passback for good.
            # What is in the outbox stays there, and the next turn begins from it.
            self._broken_turns += 1
            jitter = random.random()  # noqa: S311 - spreads load, keeps no secret
            pause_s = decide.wait_s(
                self._broken_turns, jitter, BROKEN_WAIT_S, decide.LONGEST_PAUSE_S
            )
            log.exception(
                "Passback failed in a way nobody foresaw, and goes on after a pause",
                extra={
                    "action": "passback_turn_broke",
                    "times": self._broken_turns,
                    "pause_s": round(pause_s, 1),
                },
            )
            # Not for the bell: each new grade rings it.
            self._is_stopping.wait(pause_s)
            return None
        self._broken_turns = 0
        return wait_s

    # --- one turn, in the loop's thread ---------------------------------------------------------

    def _turn(self) -> float:
        """Do all there is to do now; return how many seconds to wait where no bell rings."""
        if self._resuming.is_set():
            self._resuming.clear()
            for lane in self.lanes:
                lane.resume()
        if not (self._safely(self._begin) and self._safely(self._record_answers)):
            return GRADEBOOK_WAIT_S
        waits = [SWEEP_S]
        if not self._safely(lambda: waits.append(self._send())):
            return GRADEBOOK_WAIT_S
        self._is_sick = not self._safely(lambda: waits.append(self._count()))
        return max(0.0, min(waits))

    def _safely(self, step: Callable[[], object]) -> bool:
        """Carry out a step; return whether the gradebook let us."""
        try:
            step()
        except GradebookError as error:
            if not self._is_sick:
                log.warning(
                    "The outbox cannot be used just now",
                    extra={"action": "passback_waits", "reason": str(error)},
                )
            self._is_sick = True
            return False
        return True

    def _begin(self) -> None:
        """Look again at what waits: the course config may have changed since the last start."""
        if self._has_begun:
            return
        keys = self._all_keys()
        with writing(self._gradebook, "look through the outbox") as connection:
            outbox.look_again(
                connection, outbox.in_assignments(keys), [State.HELD, State.PARKED], utc_now()
            )
        self._has_begun = True

    def _record_answers(self) -> None:
        """Write down what LMSs said, all that came since the last turn in one transaction."""
        while True:
            try:
                self._unrecorded.append(self._calls.get_nowait())
            except queue.Empty:
                break
        if not self._unrecorded:
            return
        now = utc_now()
        with writing(self._gradebook, "record what an LMS said") as connection:
            for done in self._unrecorded:
                if done.move is None:
                    outbox.record_reading(
                        connection, done.item.id, done.fraction, done.answer.text, now
                    )
                else:
                    outbox.record_move(connection, done.item.id, done.move, now)
        recorded, self._unrecorded = self._unrecorded, []
        for done in recorded:
            self._tell(done)
            jitter = random.random()  # noqa: S311 - spreads load, keeps no secret
            if done.lane.give_back(done.item, done.answer, time.monotonic(), jitter):
                log.error(
                    "An LMS is left alone for a while; the grades for it wait",
                    extra={
                        "action": "passback_paused",
                        "lms": done.lane.name,
                        "cause": done.answer.cause,
                        "reason": done.answer.text,
                    },
                )

    def _send(self) -> float:
        """Begin what may be begun; return seconds until there may be more by the clock alone."""
        plan = _Plan([], [], [])
        waits = [SWEEP_S]
        with reading(self._gradebook, "read the outbox") as connection:
            held = holds(connection)
            has_strays = outbox.has_elsewhere(connection, self._all_keys())
            waits += [self._look_in(lane, connection, held, plan) for lane in self.lanes]
        is_to_write = bool(plan.moves or plan.sendings or has_strays)
        sendings = self._write(plan) if is_to_write else []
        for call in (*sendings, *plan.readings):
            self._begin_call(*call)
        return 0.0 if is_to_write else min(waits)

    def _write(self, plan: _Plan) -> list[_Planned]:
        """Write down what was decided; return what is to be sent now.

        That it may have arrived is on the disk before it leaves: a grade that is taken back is
        taken back at the LMS too, whenever the grader was killed.
        """
        now = utc_now()
        sendings = []
        with writing(self._gradebook, "look through the outbox") as connection:
            outbox.park_elsewhere(
                connection,
                self._all_keys(),
                decide.NOT_POSTED.cause or "",
                decide.NOT_POSTED.message or "",
            )
            held = holds(connection)
            for lane, item, before in (*plan.moves, *plan.sendings):
                # Staff may have held it or let it go since it was read: what is written is decided
                # here. What was to wait and need not any more has its turn with the next look.
                is_answer = isinstance(before, Move) and before.is_answer
                step = before if is_answer else self._guarded_step(lane, connection, item, held)
                if isinstance(step, Move):
                    outbox.record_move(connection, item.id, step, now)
                elif not isinstance(before, Move) and outbox.begin(connection, item, now):
                    sendings.append(_Planned(lane, item, step))
        return sendings

    def _look_in(
        self, lane: Lane, connection: Connection, held: dict[AssignmentKey, bool], plan: _Plan
    ) -> float:
        now = utc_now()
        places = lane.places(time.monotonic())
        taken: set[tuple[str, AssignmentKey]] = set()
        if places:
            for item in outbox.due(connection, lane.keys, now, _AT_ONCE):
                if lane.is_busy_with(item):
                    continue
                if len(taken) == places:
                    break
                step = self._guarded_step(lane, connection, item, held)
                if isinstance(step, Move):
                    plan.moves.append(_Decided(lane, item, step))
                    continue
                taken.add((item.student, item.key))
                plan.sendings.append(_Planned(lane, item, step))
        if len(taken) < places:
            most = places + lane.in_hand
            for item in outbox.to_read(connection, lane.keys, most):
                of = (item.student, item.key)
                if len(taken) < places and of not in taken and not lane.is_busy_with(item):
                    taken.add(of)
                    where = self._guarded_recipient(lane, connection, item)
                    plan.readings.append(_Planned(lane, item, where))
        if len(taken) == places:
            by_the_clock = lane.next_place_at(time.monotonic())
            return SWEEP_S if by_the_clock is None else by_the_clock - time.monotonic()
        later = outbox.next_due_at(connection, lane.keys, now)
        return SWEEP_S if later is None else (later - now) / timedelta(seconds=1)

    def _guarded_step(
        self,
        lane: Lane,
        connection: Connection,
        item: Outgoing,
        held: dict[AssignmentKey, bool],
    ) -> PostedGrade | Withdrawal | Move:
        """Return what is to become of a grade; one that cannot be thought through waits alone."""
        try:
            return self._step(lane, connection, item, held)
        except GradebookError:
            raise
        except Exception as error:  # noqa: BLE001 - as around a call
            # One row that Gofer stumbles over holds up no other.
            return after(item, nobody_foresaw(lane, item, error))

    def _guarded_recipient(
        self, lane: Lane, connection: Connection, item: Outgoing
    ) -> Recipient | decide.Unknown:
        try:
            known = known_of(connection, item.student, item.key)
            return recipient_of(item.student, lane.posted[item.key], known)
        except GradebookError:
            raise
        except Exception as error:  # noqa: BLE001 - as around a call
            answer = nobody_foresaw(lane, item, error)
            return decide.Unknown(answer.cause or "", answer.text)

    def _step(
        self,
        lane: Lane,
        connection: Connection,
        item: Outgoing,
        held: dict[AssignmentKey, bool],
    ) -> PostedGrade | Withdrawal | Move:
        passback = lane.posted[item.key]
        by_config = self._holds_unless_told if passback.hold is None else passback.hold
        if item.is_withdrawal and not has_something_to_take_back(connection, item):
            return decide.NEVER_THERE
        known = known_of(connection, item.student, item.key)
        return decide.before_sending(
            item,
            passback,
            recipient_of(item.student, passback, known),
            is_on_hold=held.get(item.key, by_config),
        )

    def _begin_call(self, lane: Lane, item: Outgoing, what: Call) -> None:
        lane.take(item)
        # A daemon: a call that hangs must not keep a process from its end.
        threading.Thread(
            target=self._call, args=(lane, item, what), name="passback-call", daemon=True
        ).start()

    def _call(self, lane: Lane, item: Outgoing, what: Call) -> None:
        self._calls.put(carried_out(lane, item, what))
        self._bell.set()

    def _count(self) -> float:
        """Count what is in the outbox, now and then; return seconds until it is due again."""
        now = time.monotonic()
        if now - self._counted_at < COUNT_EVERY_S:
            return self._counted_at + COUNT_EVERY_S - now
        with reading(self._gradebook, "read the outbox") as connection:
            numbers, oldest_at = outbox.figures(connection)
        self._counted_at = now
        self._outlook = PassbackOutlook(
            **{state.value: numbers.get(state, 0) for state in sorted(outbox.OPEN)},
            oldest_queued_at=oldest_at,
            troubled=tuple(lane.name for lane in self.lanes if lane.trouble is not None),
        )
        return SWEEP_S

    def _all_keys(self) -> list[AssignmentKey]:
        return [key for lane in self.lanes for key in lane.keys]

    def _tell(self, done: Answered) -> None:
        if done.move is None:
            return
        is_bad = done.move.to is State.FAILED
        log.log(
            logging.ERROR if is_bad else logging.INFO,
            "A grade did not arrive at the LMS and is set aside for staff"
            if is_bad
            else "An LMS answered",
            extra={
                "action": "passback_failed" if is_bad else "passback_answered",
                "passback_id": done.item.id,
                "assignment": str(done.item.key),
                "lms": done.lane.name,
                "state": done.move.to,
                "status": done.answer.status,
                "cause": done.answer.cause,
                "tries": done.move.tries,
            },
        )
