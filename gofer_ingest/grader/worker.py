"""The loop: claims what is pending, grades a few at a time, and carries out what `decide` says."""

from __future__ import annotations

import logging
import random
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Final, NamedTuple

from gofer_ingest.grader import decide
from gofer_ingest.grader.announcer import STOPPING, Standing
from gofer_ingest.grader.breaker import Breaker, State
from gofer_ingest.grader.decide import Bury
from gofer_ingest.grader.desk import Desk
from gofer_ingest.grader.line import Lane, Line, Ticket
from gofer_ingest.grader.regrading import RegradeItems
from gofer_ingest.grader.runs import RunAbandoned, TriesUsedUp
from gofer_ingest.grader.work import SpoolEntries, Work
from shared.errors import (
    AssignmentBlocked,
    DamagedEntry,
    GoferError,
    GradebookError,
    SpoolError,
    UnknownEntry,
)
from shared.requests import Envelope, Source, StaffRequest

if TYPE_CHECKING:
    from concurrent.futures import Future

    from gofer_ingest.grader.line import TicketId
    from gofer_ingest.grader.runs import Tools
    from shared.model import AssignmentKey, SubmissionId

log = logging.getLogger(__name__)

READ_AT_ONCE: Final = 500
"""Envelopes that are read at one look. A full spool is taken in bit by bit, while it is graded."""
LOOK_EVERY_S: Final = 0.5
"""While there is enough to do, bells lead to a look no more often: each costs a listing."""


class _Again(NamedTuple):
    """One that stays in the line: since when it may be taken, and whether behind all."""

    not_before: float
    is_last: bool = False


class Worker:
    """Grades whatever lies in the spool, and in between what open regrades ask for.

    What is in hand is known to this object's memory alone: after a crash everything that still lies
    in `new/` is simply pending again.
    """

    def __init__(self, tools: Tools, *, concurrency: int, sweep_s: float, drain_s: float) -> None:
        self._tools = tools
        self._concurrency = concurrency
        self._sweep_s = sweep_s
        self._drain_s = drain_s
        self._bell = threading.Event()
        self._has_news = threading.Event()
        self._is_stopping = threading.Event()
        self._lock = threading.Lock()
        self._line = Line()
        self._breaker = Breaker()
        self._desk = Desk(
            tools.spool, tools.gradebook, tools.catalogue, tools.passback, on_done=self.ring
        )
        self._regrade_items = RegradeItems(tools)
        self._are_regrades_unread = False
        entries = SpoolEntries(tools)
        self._works: dict[Lane, Work] = {
            Lane.LIVE: entries,
            Lane.BATCH: entries,
            Lane.REGRADE: self._regrade_items,
        }
        self._runs: dict[TicketId, Future[None]] = {}
        self._failures: dict[TicketId, int] = {}
        self._paused_by = ""
        self._told_blocked: set[tuple[AssignmentKey | None, str]] = set()
        self._looked_at = -self._sweep_s

    def ring(self) -> None:
        """Say that there may be something new in the spool; any thread may."""
        self._has_news.set()
        self._bell.set()

    def stop(self) -> None:
        """Claim no more; `run` returns when what is in hand is done."""
        self._is_stopping.set()
        self._bell.set()

    def standing(self) -> Standing:
        """Return how things stand, for whoever announces it; any thread may."""
        now = time.monotonic()
        with self._lock:
            is_sick = self._breaker.state(now) is not State.WORKING
            paused = self._paused_by if is_sick else None
            return Standing(
                running=self._line.entries_in_hand,
                pending=self._line.entries,
                resting=self._line.resting(now),
                paused=STOPPING if self._is_stopping.is_set() else paused,
            )

    def run(self) -> bool:
        """Work until stopped; return whether everything in hand came to its end.

        What did not lies in the spool still, and is pending at the next start.
        """
        with_pool = ThreadPoolExecutor(self._concurrency, thread_name_prefix="run")
        try:
            while not self._is_stopping.is_set():
                self._bell.clear()
                self._look()
                self._claim(with_pool)
                self._bell.wait(self._next_turn_s())
            self._desk.close()
            return self._drain()
        finally:
            with_pool.shutdown(wait=False, cancel_futures=True)

    # --- who waits --------------------------------------------------------------------------------

    def _look(self) -> None:
        """Take in what is new in the spool, at most as often as needed."""
        now = time.monotonic()
        is_due = now - self._looked_at >= self._sweep_s
        if self._has_news.is_set():
            with self._lock:
                has_enough = self._line.entries > 2 * self._concurrency
            is_due = is_due or not has_enough or now - self._looked_at >= LOOK_EVERY_S
        if not is_due:
            return
        self._has_news.clear()
        self._looked_at = now
        try:
            pending = self._tools.spool.pending()
            regrades = self._regrade_tickets()
            with self._lock:
                self._line.keep_only({*pending, *(ticket.id for ticket in regrades)})
                for ticket in regrades:
                    self._line.join(ticket)
                unknown = [
                    entry_id
                    for entry_id in pending
                    if entry_id not in self._line and entry_id not in self._desk
                ]
            found = [self._envelope(entry_id) for entry_id in unknown[:READ_AT_ONCE]]
        except SpoolError as error:
            log.error(  # noqa: TRY400 - the message is what staff need; the disk is what failed
                "The spool cannot be listed", extra={"action": "sweep_failed", "reason": str(error)}
            )
            return
        self._desk.take_in(
            entry_id for entry_id, envelope in found if isinstance(envelope, StaffRequest)
        )
        with self._lock:
            for entry_id, envelope in found:
                if isinstance(envelope, Envelope):
                    payload = envelope.payload
                    lane = Lane.BATCH if payload.source is Source.BATCH else Lane.LIVE
                    self._line.join(Ticket(entry_id, payload.student, payload.key, lane))
                elif envelope is None:
                    # what is wrong with it is found out at its turn
                    self._line.join(Ticket(entry_id, None, None))
        if len(unknown) > READ_AT_ONCE:
            self._looked_at = -self._sweep_s
            self._bell.set()

    def _regrade_tickets(self) -> list[Ticket]:
        try:
            tickets = self._regrade_items.tickets()
        except GradebookError as error:
            if not self._are_regrades_unread:
                log.warning(
                    "What there is to regrade cannot be told",
                    extra={"action": "regrades_unread", "reason": str(error)},
                )
            self._are_regrades_unread = True
            return []
        self._are_regrades_unread = False
        return tickets

    def _envelope(
        self, entry_id: SubmissionId
    ) -> tuple[SubmissionId, Envelope | StaffRequest | None]:
        try:
            return entry_id, self._tools.spool.any_envelope_of(entry_id)
        except (DamagedEntry, UnknownEntry):
            return entry_id, None

    def _claim(self, pool: ThreadPoolExecutor) -> None:
        now = time.monotonic()
        with self._lock:
            places = self._places(now)
            while len(self._runs) < places:
                ticket = self._line.take(now)
                if ticket is None:
                    return
                self._runs[ticket.id] = pool.submit(self._take, ticket)

    def _places(self, now: float) -> int:
        match self._breaker.state(now):
            case State.WORKING:
                return self._concurrency
            case State.TRYING:
                return 1
            case State.PAUSED:
                return 0

    def _next_turn_s(self) -> float:
        now = time.monotonic()
        due = [self._looked_at + (LOOK_EVERY_S if self._has_news.is_set() else self._sweep_s)]
        with self._lock:
            if self._breaker.state(now) is State.PAUSED:
                due.append(self._breaker.resumes_at or now)
            elif len(self._runs) < self._places(now):
                due.append(self._line.next_change_at(now) or due[0])
        return max(0.05, min(due) - now)

    # --- one entry --------------------------------------------------------------------------------

    def _take(self, ticket: Ticket) -> None:
        again: _Again | None = None
        try:
            again = self._grade(ticket)
        finally:
            with self._lock:
                del self._runs[ticket.id]
                if again is None:
                    self._line.done(ticket.id)
                    self._breaker.forget(ticket.id)
                    self._failures.pop(ticket.id, None)
                else:
                    self._line.give_back(
                        ticket.id, not_before=again.not_before, is_last=again.is_last
                    )
            self._bell.set()

    def _grade(self, ticket: Ticket) -> _Again | None:
        """Grade one; return when it may be taken again, or None where it is done with."""
        work = self._works[ticket.lane]
        try:
            work.grade(ticket.id)
        except AssignmentBlocked as error:
            return self._wait_for_staff(ticket, error)
        except (UnknownEntry, RunAbandoned):
            return None  # staff discarded it in between, or the process stops
        except TriesUsedUp:
            return self._give_up_after_tries(ticket)
        except GoferError as error:
            return self._after_failure(ticket, error)
        except Exception as error:
            # The one frame around an entry: a mistake in Gofer itself must cost neither the other
            # entries nor this one's place in the spool.
            log.exception(
                "Grading failed in a way nobody foresaw",
                extra={"action": "run_failed", **work.named(ticket.id)},
            )
            return self._after_failure(ticket, GoferError(f"{type(error).__name__}: {error}"))
        with self._lock:
            was_sick = self._breaker.state(time.monotonic()) is not State.WORKING
            self._breaker.worked()
        if was_sick:
            log.info("Grading works again", extra={"action": "resumed"})
        return None

    def _wait_for_staff(self, ticket: Ticket, error: AssignmentBlocked) -> _Again:
        reason = str(error)
        not_before = time.monotonic() + decide.BLOCKED_WAIT_S
        with self._lock:
            if ticket.key is not None:
                self._line.rest(ticket.key, until=not_before)
            is_news = (ticket.key, reason) not in self._told_blocked
            self._told_blocked.add((ticket.key, reason))
        if is_news:
            log.error(
                "An assignment is blocked; its submissions wait",
                extra={
                    "action": "assignment_blocked",
                    "assignment": str(ticket.key),
                    **self._works[ticket.lane].named(ticket.id),
                    "reason": reason,
                },
            )
        return _Again(not_before)

    def _after_failure(self, ticket: Ticket, error: GoferError) -> _Again | None:
        entry_id = ticket.id
        jitter = random.random()  # noqa: S311 - spreads load, keeps no secret
        now = time.monotonic()
        if decide.is_out_of_order(error):
            with self._lock:
                pause_s = self._breaker.out_of_order(entry_id, str(error), now, jitter)
                trips = self._breaker.trips_of(entry_id)
                resumes_at = self._breaker.resumes_at or now
            self._tell_pause(pause_s, error)
            if trips > self._tools.max_tries:
                return self._give_up(
                    ticket, f"It alone failed {trips} times. The last time: {error}"
                )
            # Others are tried before it, in case that it is the one to blame.
            return _Again(resumes_at + decide.back_off_s(trips + 1, jitter), is_last=True)
        with self._lock:
            self._failures[entry_id] = self._failures.get(entry_id, 0) + 1
            failures = self._failures[entry_id]
            is_sick = self._breaker.state(now) is not State.WORKING
            pause_s = self._breaker.failed(entry_id, str(error), now, jitter)
        self._tell_pause(pause_s, error)
        max_tries = self._tools.max_tries * (decide.PATIENCE_WHILE_SICK if is_sick else 1)
        decision = decide.after_failure(
            error, failures=failures, max_tries=max_tries, jitter=jitter
        )
        if isinstance(decision, Bury):
            return self._give_up(ticket, decision.reason)
        log.warning(
            "A run failed and will be tried again",
            extra={
                "action": "run_failed",
                **self._works[ticket.lane].named(entry_id),
                "reason": str(error),
                "again_in_s": round(decision.after_s, 1),
            },
        )
        return _Again(now + decision.after_s, is_last=is_sick)

    def _tell_pause(self, pause_s: float | None, error: GoferError) -> None:
        if pause_s is not None:
            with self._lock:
                self._paused_by = decide.pause_word(error)
            log.error(
                "The machinery is out of order; nothing is claimed for a while",
                extra={"action": "paused", "reason": str(error), "again_in_s": round(pause_s, 1)},
            )

    def _give_up_after_tries(self, ticket: Ticket) -> _Again | None:
        tries = self._works[ticket.lane].tries(ticket.id)
        return self._give_up(
            ticket, f"The grader went down {tries} times with this notebook in hand."
        )

    def _give_up(self, ticket: Ticket, reason: str) -> _Again | None:
        work = self._works[ticket.lane]
        try:
            work.give_up(ticket.id, reason)
        except GoferError as error:
            log.error(  # noqa: TRY400 - the message is what staff need; the disk is what failed
                "What could not be graded could not be left to staff",
                extra={"action": "bury_failed", **work.named(ticket.id), "reason": str(error)},
            )
            return _Again(time.monotonic() + decide.BLOCKED_WAIT_S)
        return None

    def _drain(self) -> bool:
        with self._lock:
            left = set(self._runs.values())
        if left:
            log.info(
                "Finishing what is in hand", extra={"action": "draining", "in_hand": len(left)}
            )
        deadline = time.monotonic() + self._drain_s
        while left:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                self._tools.abandoned.set()
                return False
            _, left = wait(left, timeout=remaining, return_when=FIRST_COMPLETED)
        return True
