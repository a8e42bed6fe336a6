"""Takes in what staff put into `spool/drop`. In a thread of its own; the runs never wait for it.

A thing is taken once it has lain there unchanged for a while and nobody seems to write to it, and
is moved away when all of it is in the spool. Killed in between, it is simply taken again: what was
delivered is a duplicate then.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gofer_ingest.grader.drop_folder import (
    DONE,
    LOOSE_NAME,
    PROBLEMS,
    Dropped,
    group,
    owner_of,
    seems_unfinished,
    signature_of,
)
from gofer_ingest.grader.drop_intake import Stopping
from gofer_ingest.grader.drop_report import report_on
from shared.errors import GoferError
from shared.model import utc_now

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from gofer_ingest.grader.drop_folder import DropFolder, Signature
    from gofer_ingest.grader.drop_intake import Intake
    from gofer_ingest.grader.drop_report import Outcome

log = logging.getLogger(__name__)

SETTLE_S: Final = 5.0
"""How long a thing lies unchanged before it is taken."""
PATIENCE_S: Final = 600.0
"""How long what seems unfinished may lie unchanged before it is taken for damaged."""
PAUSE_S: Final = 30.0
"""After the disk, the spool or the gradebook refused."""
_JOIN_S: Final = 10.0


@dataclass(slots=True)
class _Seen:
    signature: Signature
    since: float
    is_through: bool = False


class Drop:
    """The drop folder and what is known of the things in it, in memory alone.

    Args:
        folder: where things lie.
        intake: what takes them in.
        settle_s: how long a thing lies unchanged before it is taken.
    """

    def __init__(self, folder: DropFolder, intake: Intake, settle_s: float = SETTLE_S) -> None:
        self._folder = folder
        self._intake = intake
        self._settle_s = settle_s
        self._seen: dict[Path, _Seen] = {}
        self._not_before = 0.0
        self._is_stopping = threading.Event()

    def stop(self) -> None:
        """Take nothing more; any thread may say so."""
        self._is_stopping.set()

    def look(self, now: float) -> None:
        """Look at everything once, and take what is ready.

        Args:
            now: seconds on a clock that only goes forward.
        """
        if now < self._not_before:
            return
        try:
            self._folder.make()
            things = self._folder.things()
            self._seen = {path: seen for path, seen in self._seen.items() if path in things}
            for dropped in group(things):
                for ready in self._ready(dropped, now):
                    self._take(ready, now)
        except Stopping:
            return
        except (GoferError, OSError) as error:
            self._not_before = now + PAUSE_S
            log.error(  # noqa: TRY400 - the message is what staff need; a disk is what failed
                "What was dropped cannot be taken in just now",
                extra={"action": "drop_failed", "reason": str(error)},
            )

    # --- what is ready ----------------------------------------------------------------------------

    def _ready(self, dropped: Dropped, now: float) -> Iterator[Dropped]:
        ready = [path for path in dropped.paths if self._is_ready(path, now)]
        if not dropped.is_loose or dropped.manifest is not None:
            if len(ready) == len(dropped.paths):
                yield dropped
            return
        by_owner: defaultdict[str, list[Path]] = defaultdict(list)
        for path in ready:
            by_owner[owner_of(path)].append(path)
        for paths in by_owner.values():
            yield Dropped(LOOSE_NAME, tuple(paths), is_loose=True)

    def _is_ready(self, path: Path, now: float) -> bool:
        try:
            signature = signature_of(path)
            seen = self._seen.get(path)
            if seen is None or seen.signature != signature:
                self._seen[path] = _Seen(signature, now)
                return False
            if seen.is_through or now - seen.since < self._settle_s:
                return False
            return now - seen.since >= PATIENCE_S or not seems_unfinished(path)
        except FileNotFoundError:
            return False  # it was taken away again
        except OSError as error:
            # Of one thing, and so the others go on. It is said once.
            if path not in self._seen or not self._seen[path].is_through:
                self._seen[path] = _Seen(frozenset(), now, is_through=True)
                _tell_left(path.name, error)
            return False

    # --- taking it --------------------------------------------------------------------------------

    def _take(self, dropped: Dropped, now: float) -> None:
        if self._is_stopping.is_set():
            raise Stopping
        outcome = self._intake.take(
            dropped,
            requested_by=owner_of(dropped.manifest or dropped.paths[0]),
            is_stopping=self._is_stopping.is_set,
        )
        is_patient = any(now - self._seen[path].since < PATIENCE_S for path in dropped.paths)
        if outcome.refusal and dropped.manifest is not None and is_patient:
            return  # what it lists may still be on its way
        self._tell(dropped, outcome)
        at = utc_now()
        report = report_on(dropped.name, outcome, at)
        for kind, paths in _places(dropped, outcome):
            self._put_away(paths, dropped.name, kind, at, report)

    def _put_away(
        self, paths: Sequence[Path], name: str, kind: str, at: datetime, report: str
    ) -> None:
        try:
            self._folder.put_away(paths, name, kind, at, report)
        except OSError as error:
            # Somebody else's folder, most likely. It is not taken again until it changes.
            for path in paths:
                if path in self._seen:
                    self._seen[path].is_through = True
            _tell_left(name, error)

    def _tell(self, dropped: Dropped, outcome: Outcome) -> None:
        log.log(
            logging.INFO if outcome.is_well else logging.WARNING,
            "Took in what was dropped"
            if outcome.is_well
            else "Not everything that was dropped could be taken in; its report says why",
            extra={
                "action": "drop_taken" if outcome.is_well else "drop_problems",
                "entry_name": ascii(dropped.name),
                "taken": sum(one.is_new for one in outcome.taken),
                "skipped": sum(not one.is_new for one in outcome.taken),
                "problems": len(outcome.problems) + bool(outcome.refusal),
            },
        )


@contextmanager
def watching(drop: Drop, every_s: float) -> Iterator[None]:
    """Look at the drop folder every `every_s` seconds inside the block."""
    is_over = threading.Event()

    def go_on() -> None:
        while not is_over.wait(every_s):
            drop.look(time.monotonic())

    thread = threading.Thread(target=go_on, name="drop", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        drop.stop()
        thread.join(_JOIN_S)  # a daemon: a slow disk must not hold up the stop for ever


def _tell_left(name: str, error: OSError) -> None:
    log.error(
        "What was dropped cannot be read or moved by the grader",
        extra={
            "action": "drop_left",
            "entry_name": ascii(name),
            "reason": error.strerror or type(error).__name__,
        },
    )


def _places(dropped: Dropped, outcome: Outcome) -> Iterator[tuple[str, tuple[Path, ...]]]:
    """Say what goes where: single notebooks each by itself, everything else whole."""
    if outcome.is_well or outcome.refusal or not dropped.is_loose:
        yield (DONE if outcome.is_well else PROBLEMS), dropped.paths
        return
    names = {problem.file for problem in outcome.problems}
    bad = tuple(path for path in dropped.paths if path.name in names)
    yield PROBLEMS, (*bad, dropped.manifest) if dropped.manifest else bad
    good = tuple(path for path in dropped.paths if path not in bad and path != dropped.manifest)
    if good:
        yield DONE, good
