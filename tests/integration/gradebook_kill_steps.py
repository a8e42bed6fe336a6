"""Kill a writer of the gradebook before every one of its steps, and look at what is left.

A script, because it forks: `python gradebook_kill_steps.py FOLDER` prints one JSON object, the
number of steps that each job takes, and fails where a kill has done harm. A step is a statement
that SQLite begins (BEGIN, COMMIT and PRAGMA too, whoever runs it), a database that is opened, or a
file that is renamed: SQLite's trace and the interpreter's audit events tell of each.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import sqlite3
import sys
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from shared.errors import AlreadyRecorded, GradebookError
from shared.gradebook.engine import open_gradebook, open_reader
from shared.gradebook.queries import classic_rows, grades_of_record, runs_of
from shared.gradebook.record import is_recorded
from shared.gradebook.regrades.ending import apply_regrade
from shared.gradebook.staff_requests import is_request_recorded
from shared.requests import RegradeApplyPayload
from tests.unit.shared.gradebook_samples import graded, record, submitted, write_old_gradebook
from tests.unit.shared.regrade_samples import (
    POLICY,
    find,
    grades_dump,
    of_record,
    preview,
    regraded,
    started,
    to_apply,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.requests import Envelope, StaffRequest

WATCHED = {"os.rename", "sqlite3.connect"}
OLD = [
    ("ada", 0.5, "fa20", "lab01", "1600000000.5"),
    ("ada", 0.75, "fa20", "lab01", "1600000100.5"),
    ("josé", 1.0, "fa20", "lab01", "1600000300.25"),
]
WEIRD = (None, 1.0, "fa20", "lab01", "1600000300.25")


def killed_before_step(number: int, job: Callable[[], object]) -> bool:
    """Run a job in a child that is killed before its nth step; tell whether it got that far."""
    child = os.fork()
    if child == 0:
        kill_self_before_step(number)
        try:
            job()
        except BaseException:  # noqa: BLE001 - whatever it is, the child ends here
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return True
    assert os.waitstatus_to_exitcode(status) == 0, "the job failed although nothing killed it"
    return False


def kill_self_before_step(number: int) -> None:
    steps = 0

    def step(*_: object) -> None:
        nonlocal steps
        steps += 1
        if steps == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def heard(event: str, _: tuple[Any, ...]) -> None:
        if event in WATCHED:
            step()

    connect = sqlite3.connect

    def traced(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **options)
        connection.set_trace_callback(step)
        return connection

    sys.addaudithook(heard)
    sqlite3.connect = traced  # type: ignore[assignment]  # it stands in for every overload at once


def start(volume: Path) -> None:
    open_gradebook(volume).dispose()


def record_better(volume: Path, envelope: Envelope) -> None:
    engine = open_gradebook(volume)
    record(engine, envelope, graded(8))
    engine.dispose()


def check_recording(folder: Path) -> int:
    """All of a second, better run is recorded, or nothing; doing it again completes it."""
    number = 1
    while True:
        volume = folder / f"record-{number}"
        engine = open_gradebook(volume)
        record(engine, submitted(), graded(5))
        engine.dispose()
        better = submitted(minutes=1)
        was_killed = killed_before_step(number, partial(record_better, volume, better))
        engine = open_gradebook(volume)
        (before,) = grades_of_record(engine)
        runs = runs_of(engine, better.id)
        if is_recorded(engine, better.id):
            assert before.score.points == 8
            assert len(runs) == 1
            assert len(runs[0].questions) == 2
        else:
            assert before.score.points == 5
            assert runs == ()
        try:
            record(engine, better, graded(8))
        except AlreadyRecorded:
            assert runs
        else:
            assert not runs
        (after,) = grades_of_record(engine)
        assert after.score.points == 8
        engine.dispose()
        if not was_killed:
            return number - 1
        number += 1


def apply(volume: Path, request: StaffRequest) -> None:
    engine = open_gradebook(volume)
    assert isinstance(request.payload, RegradeApplyPayload)
    apply_regrade(engine, request, request.payload, lambda _: POLICY)
    engine.dispose()


def check_applying(folder: Path) -> int:
    """All of a regrade is applied, or nothing; asked for again, it is."""
    made = folder / "regraded"
    engine = open_gradebook(made)
    envelopes = [submitted(student) for student in ("ada", "bob", "cyd")]
    for envelope in envelopes:
        record(engine, envelope, graded(5))
    regrade_id = started(engine)
    regraded(engine, {envelope.id: graded(8) for envelope in envelopes})
    request = to_apply(regrade_id, preview(engine, regrade_id).fingerprint)
    before = grades_dump(engine)
    engine.dispose()
    number = 1
    while True:
        volume = folder / f"apply-{number}"
        volume.mkdir()
        shutil.copy(made / "gradebook.db", volume)
        was_killed = killed_before_step(number, partial(apply, volume, request))
        engine = open_gradebook(volume)
        if is_request_recorded(engine, request.id):
            assert find(engine, regrade_id).state == "applied"
        else:
            assert find(engine, regrade_id).state == "ready"
            assert grades_dump(engine) == before
            for envelope in envelopes:
                assert [run.applied_at is None for run in runs_of(engine, envelope.id)].count(
                    True
                ) == 1
            apply(volume, request)
        assert of_record(engine) == {"ada": 8.0, "bob": 8.0, "cyd": 8.0}
        assert len(grades_dump(engine)) == 2 * len(before)
        engine.dispose()
        if not was_killed:
            return number - 1
        number += 1


def check_importing(folder: Path) -> int:
    """However an import ended, the next start completes it: every old row is there once."""
    number = 1
    while True:
        volume = folder / f"import-{number}"
        volume.mkdir()
        write_old_gradebook(volume / "gradebook.db", [*OLD, WEIRD], wal=bool(number % 2))
        was_killed = killed_before_step(number, partial(start, volume))
        check_readable(volume)
        engine = open_gradebook(volume)
        assert [tuple(row)[:5] for row in classic_rows(engine)] == OLD
        grades = [(grade.student, grade.score.points) for grade in grades_of_record(engine)]
        assert grades == [("ada", 0.75), ("josé", 1.0)]
        engine.dispose()
        (moved,) = volume.glob("gradebook-classic-*.db")
        with closing(sqlite3.connect(moved)) as old:
            assert old.execute("SELECT * FROM grades").fetchall() == [*OLD, WEIRD]
        if not was_killed:
            return number - 1
        number += 1


def check_readable(volume: Path) -> None:
    """A reader finds no gradebook, one that is not ready, or one it can read."""
    try:
        reader = open_reader(volume)
    except GradebookError:
        return
    if reader is not None:
        assert len(list(classic_rows(reader))) in {0, len(OLD)}
        reader.dispose()


if __name__ == "__main__":
    logging.disable()
    given = Path(sys.argv[1])
    steps = {
        "record": check_recording(given),
        "import": check_importing(given),
        "apply": check_applying(given),
    }
    json.dump(steps, sys.stdout)
