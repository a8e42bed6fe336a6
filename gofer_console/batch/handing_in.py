"""A batch from its paths to its summary, with progress on the way."""

from __future__ import annotations

from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gofer_console import actions
from gofer_console.batch.waiting import Standing, State, Waiting
from gofer_console.checks import LOCK_NAME, is_locked
from gofer_console.queries import opened_gradebook
from shared.batch.finding import Problem
from shared.batch.intake import Known, Taken, deliver, one_at_a_time
from shared.batch.planning import make_plan
from shared.batch.sources import opened
from shared.model import utc_now
from shared.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rich.console import Console

    from shared.batch.planning import Directions, Plan
    from shared.catalogue import Catalogue
    from shared.config import ConsoleSettings
    from shared.model import SubmissionId

_ETA_OVER_S: Final = 600.0
"""What the expected rest is reckoned from: the pace of so many seconds."""


@dataclass(slots=True)
class HandedIn:
    """What became of a batch so far; filled while it goes on, so that Ctrl-C leaves a true one.

    Attributes:
        taken: what is in the spool or was recorded.
        problems: what could not be taken.
        others: files that are no notebooks.
        standings: how each submission ended, once that was waited for.
    """

    taken: list[Taken] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    standings: dict[SubmissionId, Standing] = field(default_factory=dict)

    @property
    def is_well(self) -> bool:
        """Whether all was taken, and nothing of it was set aside."""
        return not self.problems and all(
            standing.state is not State.SET_ASIDE for standing in self.standings.values()
        )


def look_through(
    paths: Sequence[Path],
    directions: Directions,
    catalogue: Catalogue,
    settings: ConsoleSettings,
    err: Console,
) -> tuple[Plan, list[SubmissionId | None]]:
    """Say what would be graded as whom, and change nothing.

    Returns:
        The plan, and for each of its entries the submission that has this notebook already.

    Raises:
        GoferError: the batch is refused, or spool or gradebook cannot be read.
    """
    spool = Spool(settings.volume_path)
    with (
        _planned(paths, directions, catalogue, err) as plan,
        opened_gradebook(settings.volume_path, settings.database_url) as gradebook,
    ):
        if not spool.new_dir.exists():
            return plan, [None] * len(plan.entries)
        known = Known(spool, gradebook)
        return plan, [
            known.submission_of(entry.student, entry.key, entry.sha256) for entry in plan.entries
        ]


def hand_in(
    paths: Sequence[Path],
    directions: Directions,
    catalogue: Catalogue,
    settings: ConsoleSettings,
    *,
    why: str,
    into: HandedIn,
    err: Console,
) -> None:
    """Deliver a batch, with a bar; what becomes of it is put down in `into`.

    Raises:
        GoferError: the batch is refused, or spool or gradebook cannot be used.
    """
    spool = Spool(settings.volume_path)
    spool.prepare()
    with (
        _planned(paths, directions, catalogue, err) as plan,
        one_at_a_time(settings.volume_path),
        opened_gradebook(settings.volume_path, settings.database_url) as gradebook,
        _bar(err) as bar,
    ):
        into.problems += plan.problems
        into.others += plan.others
        task = bar.add_task("delivering", total=len(plan.entries))
        known = Known(spool, gradebook)
        for one in deliver(
            plan.entries, spool, known, requested_by=actions.requester(), reason=why
        ):
            if isinstance(one, Problem):
                into.problems.append(one)
            else:
                into.taken.append(one)
            bar.advance(task)


def wait(into: HandedIn, settings: ConsoleSettings, err: Console) -> None:
    """Wait until everything that was taken has ended, with a bar and the time that is left.

    Raises:
        GoferError: spool or gradebook cannot be read.
    """
    waiting = Waiting(Spool(settings.volume_path), settings.volume_path, settings.database_url)
    ids = {one.id for one in into.taken}
    with closing(waiting):
        # Told apart from the others, so that the pace is the grader's own.
        into.standings.update(waiting.look(ids))
        left = {one for one in ids if into.standings[one].state is State.WAITING}
        if not left:
            return
        if not is_locked(settings.volume_path / LOCK_NAME):
            err.print("No grader runs on this volume. They are graded once one does: `gofer up`.")
        with _bar(err) as bar:
            task = bar.add_task("grading", total=len(left))
            for ended in waiting.until_ended(left):
                into.standings.update(ended)
                bar.advance(task, len(ended))


@contextmanager
def _planned(
    paths: Sequence[Path], directions: Directions, catalogue: Catalogue, err: Console
) -> Iterator[Plan]:
    """Open everything that was given, and plan it; the notebooks can be read inside the block."""
    with ExitStack() as stack:
        with _bar(err) as bar:
            task = bar.add_task("looking", total=None)
            findings = [stack.enter_context(opened(path.resolve())) for path in paths]
            plan = make_plan(
                findings,
                directions,
                catalogue,
                now=utc_now(),
                on_read=lambda done, every: bar.update(task, completed=done, total=every),
            )
        yield plan


def _bar(err: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=err,
        speed_estimate_period=_ETA_OVER_S,
        transient=True,
        disable=not err.is_terminal,
    )
