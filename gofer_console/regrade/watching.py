"""How long a regrade still takes, and following it until it is through."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from gofer_console.regrade.pages import duration
from gofer_console.terminal import short_id
from shared.gradebook.regrades.progress import find_regrade, last_ends, seconds_left
from shared.gradebook.transactions import reading
from shared.model import utc_now
from shared.queue_snapshot import read_snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console
    from sqlalchemy import Engine

    from shared.gradebook.regrades.progress import Regrade
    from shared.queue_snapshot import QueueSnapshot

LOOK_EVERY_S: Final = 0.5


def time_left(engine: Engine, volume: Path, regrade: Regrade) -> float | None:
    """Estimate the seconds that a regrade still takes; None where nothing is graded just now.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    snapshot = read_snapshot(volume)
    if snapshot is None or not snapshot.is_fresh(utc_now()) or snapshot.paused is not None:
        return None
    by_pace = seconds_left(regrade.left, last_ends(engine, regrade.id))
    return _by_snapshot(regrade, snapshot) if by_pace is None else by_pace


def _by_snapshot(regrade: Regrade, snapshot: QueueSnapshot) -> float | None:
    outlook = snapshot.outlook(regrade.key)
    typical_s = (outlook and outlook.typical_s) or snapshot.typical_s
    return None if typical_s is None else regrade.left * typical_s / snapshot.concurrency


def watch(engine: Engine, volume: Path, regrade: Regrade, err: Console) -> None:
    """Show how far a regrade has come until it is through or ended.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task(
            f"Regrade {short_id(regrade.id)}", total=regrade.submissions, left=""
        )
        while True:
            with reading(engine, "be read") as connection:
                now = find_regrade(connection, regrade.id) or regrade
            seconds = time_left(engine, volume, now)
            told = "the grader is not grading" if seconds is None else f"{duration(seconds)} left"
            progress.update(task, completed=now.submissions - now.left, left=told)
            if now.state != "running":
                return
            time.sleep(LOOK_EVERY_S)
