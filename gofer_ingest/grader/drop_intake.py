"""Brings one thing from the drop folder into the spool; moves nothing."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gofer_ingest.grader.drop_report import Outcome
from shared.batch.claims import Manifest
from shared.batch.finding import Problem
from shared.batch.intake import Known, deliver, one_at_a_time
from shared.batch.planning import Directions, make_plan
from shared.batch.sources import opened, read_file
from shared.errors import BatchRefused, FileRefused
from shared.model import utc_now

if TYPE_CHECKING:
    import re
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Engine

    from gofer_ingest.grader.drop_folder import Dropped
    from shared.catalogue import Catalogue
    from shared.spool import Spool

_MANIFEST_MAX_BYTES: Final = 64 << 20


class Stopping(Exception):
    """The grader stops. What is delivered is safe, and the rest is taken at its next start."""


@dataclass(frozen=True, slots=True)
class Intake:
    """What is needed to take something in.

    Attributes:
        volume: `VOLUME_PATH`.
        pattern: staff's own, for file names.
    """

    volume: Path
    spool: Spool
    catalogue: Catalogue
    gradebook: Engine
    pattern: re.Pattern[str] | None = None

    def take(
        self, dropped: Dropped, *, requested_by: str, is_stopping: Callable[[], bool]
    ) -> Outcome:
        """Deliver what was dropped; doing it again delivers only what is not there yet.

        Raises:
            Stopping: `is_stopping` said so in between.
            SpoolError: the spool takes nothing just now.
            GradebookError: the gradebook cannot be read.
        """
        try:
            return self._take(dropped, requested_by, is_stopping)
        except BatchRefused as refusal:
            return Outcome(refusal=str(refusal))

    def _take(
        self, dropped: Dropped, requested_by: str, is_stopping: Callable[[], bool]
    ) -> Outcome:
        outcome = Outcome()
        directions = Directions(self.pattern, _manifest(dropped.manifest))
        with ExitStack() as stack:
            findings = [
                stack.enter_context(opened(path))
                for path in dropped.paths
                if path != dropped.manifest
            ]
            plan = make_plan(findings, directions, self.catalogue, now=utc_now())
            outcome.problems += plan.problems
            outcome.others += plan.others
            stack.enter_context(one_at_a_time(self.volume))
            known = Known(self.spool, self.gradebook)
            for one in deliver(
                plan.entries,
                self.spool,
                known,
                requested_by=requested_by,
                reason=f"Dropped: {ascii(dropped.name)[1:-1]}",
            ):
                if isinstance(one, Problem):
                    outcome.problems.append(one)
                else:
                    outcome.taken.append(one)
                if is_stopping():
                    raise Stopping
        return outcome


def _manifest(path: Path | None) -> Manifest | None:
    if path is None:
        return None
    try:
        return Manifest(path.name, read_file(path, _MANIFEST_MAX_BYTES))
    except FileRefused as refusal:
        raise BatchRefused(f"{path.name}: {refusal} Nothing of this batch was taken.") from refusal
