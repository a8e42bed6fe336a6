"""Trying whether LMSs let us in, for staff who wait: each in a thread, all within one deadline."""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, Final

from shared.errors import ConfigError
from shared.lti.port import Answer, LmsAnswer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gofer_ingest.grader.passback.lanes import Lane

TRY_WITHIN_S: Final = 10.0


def try_all(lanes: Sequence[Lane]) -> list[tuple[Lane, LmsAnswer]]:
    """Return what each LMS says; its keys and secrets are read anew for it."""
    answers: queue.SimpleQueue[tuple[Lane, LmsAnswer]] = queue.SimpleQueue()
    for lane in lanes:
        # A daemon: an LMS that hangs must not keep the process from its end.
        threading.Thread(
            target=lambda lane=lane: answers.put((lane, _try(lane))),
            name="passback-trial",
            daemon=True,
        ).start()
    found: dict[Lane, LmsAnswer] = {}
    deadline = time.monotonic() + TRY_WITHIN_S
    while len(found) < len(lanes):
        try:
            lane, answer = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        found[lane] = answer
    silent = LmsAnswer(
        Answer.TRY_LATER, f"It did not answer within {TRY_WITHIN_S:.0f} seconds.", cause="timeout"
    )
    return [(lane, found.get(lane, silent)) for lane in lanes]


def _try(lane: Lane) -> LmsAnswer:
    try:
        with lane.connect() as lms:
            return lms.test()
    except ConfigError as error:
        return LmsAnswer(Answer.REFUSED, f"{error}.", cause="credentials")
