"""The loop: claims what is pending, grades a few at a time, and carries out what `decide` says."""

from __future__ import annotations

import logging
import random
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from gofer_ingest.grader import decide
from gofer_ingest.grader.announcer import STOPPING, Standing
from gofer_ingest.grader.decide import Bury
from gofer_ingest.grader.runs import RunAbandoned, Tools, TriesUsedUp, grade_entry
from shared.errors import AssignmentBlocked, GoferError, SpoolError, UnknownEntry

if TYPE_CHECKING:
    from concurrent.futures import Future

    from shared.model import SubmissionId

log = logging.getLogger(__name__)


class Worker:
    """Grades whatever lies in the spool.

    What is in hand is known to this object's memory alone: after a crash everything that still lies
    in `new/` is simply pending again.
    """

    def __init__(self, tools: Tools, *, concurrency: int, sweep_s: float, drain_s: float) -> None:
        self._tools = tools
        self._concurrency = concurrency
        self._sweep_s = sweep_s
        self._drain_s = drain_s
        self._bell = threading.Event()
        self._is_stopping = threading.Event()
        self._lock = threading.Lock()
        self._in_hand: dict[SubmissionId, Future[None]] = {}
        self._not_before: dict[SubmissionId, float] = {}
        self._failures: dict[SubmissionId, int] = {}
        self._engine_failures = 0
        self._paused_until = 0.0
        self._paused_by = ""
        self._pending = 0
        self._told_blocked: set[str] = set()

    def ring(self) -> None:
        """Say that there may be something to do; any thread may."""
        self._bell.set()

    def stop(self) -> None:
        """Claim no more; `run` returns when what is in hand is done."""
        self._is_stopping.set()
        self._bell.set()

    def standing(self) -> Standing:
        """Return how things stand, for whoever announces it; any thread may."""
        now = time.monotonic()
        with self._lock:
            paused = self._paused_by if now < self._paused_until else None
            return Standing(
                running=tuple(sorted(self._in_hand)),
                pending=self._pending,
                resting=sum(at > now for at in self._not_before.values()),
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
                self._claim(with_pool)
                self._bell.wait(self._next_look_s())
            return self._drain()
        finally:
            with_pool.shutdown(wait=False, cancel_futures=True)

    def _claim(self, pool: ThreadPoolExecutor) -> None:
        now = time.monotonic()
        if now < self._paused_until:
            return
        try:
            pending = self._tools.spool.pending()
        except SpoolError as error:
            log.error(  # noqa: TRY400 - the message is what staff need; the disk is what failed
                "The spool cannot be listed", extra={"action": "sweep_failed", "reason": str(error)}
            )
            return
        with self._lock:
            self._pending = len(pending)
            self._forget(set(pending))
            for entry_id in pending:
                if len(self._in_hand) >= self._concurrency:
                    return
                if entry_id in self._in_hand or self._not_before.get(entry_id, 0.0) > now:
                    continue
                self._in_hand[entry_id] = pool.submit(self._take, entry_id)

    def _forget(self, pending: set[SubmissionId]) -> None:
        for known in (self._not_before, self._failures):
            for entry_id in known.keys() - pending:
                del known[entry_id]

    def _next_look_s(self) -> float:
        now = time.monotonic()
        with self._lock:
            due = [at for at in self._not_before.values() if at > now]
            if self._paused_until > now:
                due.append(self._paused_until)
        return max(0.05, min([self._sweep_s, *(at - now for at in due)]))

    def _take(self, entry_id: SubmissionId) -> None:
        try:
            self._grade(entry_id)
        finally:
            with self._lock:
                del self._in_hand[entry_id]
            self._bell.set()

    def _grade(self, entry_id: SubmissionId) -> None:
        try:
            grade_entry(self._tools, entry_id)
        except AssignmentBlocked as error:
            self._wait_for_staff(entry_id, error)
        except UnknownEntry:
            return  # staff discarded it in between
        except RunAbandoned:
            return
        except TriesUsedUp:
            tries = self._tools.spool.tries(entry_id)
            self._bury(entry_id, f"The grader went down {tries} times with this notebook in hand.")
        except GoferError as error:
            self._after_failure(entry_id, error)
        except Exception as error:
            # The one frame around an entry: a mistake in Gofer itself must cost neither the other
            # entries nor this one's place in the spool.
            log.exception(
                "Grading failed in a way nobody foresaw",
                extra={"action": "run_failed", "submission_id": entry_id},
            )
            self._after_failure(entry_id, GoferError(f"{type(error).__name__}: {error}"))
        else:
            with self._lock:
                self._engine_failures = 0

    def _wait_for_staff(self, entry_id: SubmissionId, error: AssignmentBlocked) -> None:
        reason = str(error)
        with self._lock:
            self._not_before[entry_id] = time.monotonic() + decide.BLOCKED_WAIT_S
            is_news = reason not in self._told_blocked
            self._told_blocked.add(reason)
        if is_news:
            log.error(
                "An assignment is blocked; its submissions wait",
                extra={"action": "assignment_blocked", "submission_id": entry_id, "reason": reason},
            )

    def _after_failure(self, entry_id: SubmissionId, error: GoferError) -> None:
        jitter = random.random()  # noqa: S311 - spreads load, keeps no secret
        if decide.is_engine_trouble(error):
            self._pause(error, jitter)
            return
        with self._lock:
            self._failures[entry_id] = self._failures.get(entry_id, 0) + 1
            failures = self._failures[entry_id]
        decision = decide.after_failure(
            error, failures=failures, max_tries=self._tools.max_tries, jitter=jitter
        )
        if isinstance(decision, Bury):
            self._bury(entry_id, decision.reason)
            return
        log.warning(
            "A run failed and will be tried again",
            extra={
                "action": "run_failed",
                "submission_id": entry_id,
                "reason": str(error),
                "again_in_s": round(decision.after_s, 1),
            },
        )
        with self._lock:
            self._not_before[entry_id] = time.monotonic() + decision.after_s

    def _pause(self, error: GoferError, jitter: float) -> None:
        with self._lock:
            if time.monotonic() < self._paused_until:
                return  # another run's failure has said it already
            self._engine_failures += 1
            pause_s = min(decide.back_off_s(self._engine_failures, jitter), decide.LONGEST_PAUSE_S)
            self._paused_until = time.monotonic() + pause_s
            self._paused_by = decide.pause_word(error)
        log.error(
            "The sandbox is out of order; nothing is claimed for a while",
            extra={"action": "paused", "reason": str(error), "again_in_s": round(pause_s, 1)},
        )

    def _bury(self, entry_id: SubmissionId, reason: str) -> None:
        try:
            self._tools.spool.bury(entry_id, reason)
        except SpoolError as error:
            log.error(  # noqa: TRY400 - the message is what staff need; the disk is what failed
                "An entry could not be buried",
                extra={"action": "bury_failed", "submission_id": entry_id, "reason": str(error)},
            )
            with self._lock:
                self._not_before[entry_id] = time.monotonic() + decide.BLOCKED_WAIT_S
            return
        with self._lock:
            self._failures.pop(entry_id, None)  # staff may retry it before the next look
        log.error(
            "A submission was set aside for staff",
            extra={"action": "buried", "submission_id": entry_id, "reason": reason},
        )

    def _drain(self) -> bool:
        with self._lock:
            left = set(self._in_hand.values())
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
