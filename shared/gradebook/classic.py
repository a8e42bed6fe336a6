"""The old service's gradebook: moved aside untouched, and its grades imported.

The old `gradebook.db` holds one table, `grades(userid, grade, section, lab, timestamp)`: a row for
each graded submission, `grade` a fraction of 0 to 1 and `timestamp` the text of `time.time()`. It
becomes `gradebook-classic-DATE.db` in one rename. Which of such files are imported, table
`classic_imports` says, in the same transaction as what was imported: so a start that is killed
anywhere is completed by the next.
"""

from __future__ import annotations

import itertools
import logging
import os
import sqlite3
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Final, TypeVar

from sqlalchemy import insert, select

from shared.errors import GradebookError
from shared.gradebook import tables
from shared.gradebook.classic_row import ClassicGrade, LeftOut, read_row
from shared.gradebook.grades import grade_values, recompute_grade
from shared.gradebook.policy import CountedRun, grade_of_record
from shared.gradebook.sqlite_file import (
    BUSY_TIMEOUT_S,
    CLASSIC_COLUMNS,
    Contents,
    connect,
    contents_of,
    sync_folder,
)
from shared.gradebook.transactions import gradebook_errors, reading, writing
from shared.model import AssignmentKey, AttemptsPolicy, RunReason, Score, Verdict, utc_now
from shared.requests import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection, Engine

log = logging.getLogger(__name__)

UNKNOWN_COURSE: Final = "classic"
"""The course of classic grades where nobody says which one it was."""

_T = TypeVar("_T")

_MOVED_PATTERN: Final = "gradebook-classic-*.db"
_SIDECARS: Final = ("-wal", "-shm", "-journal")
_ROWS_AT_ONCE: Final = 500
_NAMED_ROWS: Final = 20
_POLICY: Final = AttemptsPolicy.BEST  # the old service had no other, nor a catalogue to ask


def move_aside(path: Path) -> Path | None:
    """Move an old service's gradebook out of the way of the new one.

    Args:
        path: of `gradebook.db`.

    Returns:
        Where it is now; None where there is no old gradebook at `path`.

    Raises:
        GradebookError: the old service still has it open. Nothing was moved.
        sqlite3.Error: the file cannot be read.
        OSError: it cannot be moved.
    """
    if not path.exists():
        return None
    with closing(connect(path, mode="rw")) as connection:
        if contents_of(connection) is not Contents.CLASSIC:
            return None
        # What lies in a -wal or a hot -journal goes into the file itself, which then moves alone.
        _fold(connection, path)
    target = _free_name(path.parent)
    path.rename(target)
    for sidecar in _SIDECARS:  # empty ones, if any
        leftover = path.with_name(path.name + sidecar)
        if leftover.exists():
            leftover.rename(target.with_name(target.name + sidecar))
    sync_folder(path.parent)
    log.info(
        "The old service's gradebook was moved aside",
        extra={"action": "classic_import", "file": target.name},
    )
    return target


def import_waiting(engine: Engine, volume: Path, *, course: str) -> None:
    """Import the moved files that are not imported yet, each in one transaction.

    A row that says no student, section, lab, fraction or time is left out; it stays in the file.
    A row that an earlier file held as well is known already. Grades of record are made by the
    `best` policy; one that a submission of our own has made stays as it is, since its policy is
    not known here.

    Args:
        engine: the writer's.
        volume: the folder of the moved files.
        course: of every grade in them.

    Raises:
        GradebookError: a file cannot be read, or the gradebook cannot be written. Of this file,
            nothing was imported.
    """
    files = sorted(volume.glob(_MOVED_PATTERN))
    if not files:
        return
    with reading(engine, "be read") as connection:
        done = set(connection.scalars(select(tables.classic_imports.c.file_name)))
    for file in files:
        if file.name not in done:
            _import_file(engine, file, course)


def _fold(connection: sqlite3.Connection, path: Path) -> None:
    try:
        (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname != "SQLITE_BUSY":
            raise
        mode = "busy"
    if mode != "delete":
        raise GradebookError(
            f"{path} is the old service's gradebook, and a program has kept it open for "
            f"{BUSY_TIMEOUT_S:g} s. Stop the old service, then start the grader again."
        )


def _free_name(folder: Path) -> Path:
    stem = f"gradebook-classic-{utc_now().date().isoformat()}"
    for number in itertools.count(1):
        target = folder / (f"{stem}.db" if number == 1 else f"{stem}-{number}.db")
        if not any(os.path.lexists(f"{target}{end}") for end in ("", *_SIDECARS)):
            break
    return target


def _import_file(engine: Engine, file: Path, course: str) -> None:
    now = utc_now()
    left_out = Counter[str]()
    left_out_rows: list[int] = []
    imported = known = 0
    best: dict[tuple[str, AssignmentKey], CountedRun] = {}
    with (
        gradebook_errors(f"import {file.name}"),
        closing(_open_moved(file)) as old,
        writing(engine, f"import {file.name}") as connection,
    ):
        for batch in _batches(_rows(old)):
            good = []
            for row in batch:
                if isinstance(row, LeftOut):
                    left_out[row.because] += 1
                    left_out_rows.append(row.rowid)
                else:
                    good.append(row)
            new = _unknown(connection, good)
            imported += len(new)
            known += len(good) - len(new)
            _insert_runs(connection, new, course, now)
            for row in new:
                key = (row.student, AssignmentKey(course, row.section, row.assignment))
                run = CountedRun(
                    row.run_id, row.submission_id, row.received_at, Score(row.fraction, 1.0)
                )
                rivals = [run, best[key]] if key in best else [run]
                best[key] = grade_of_record(rivals, _POLICY) or run
        _make_grades(connection, best, course, now)
        connection.execute(
            insert(tables.classic_imports).values(
                file_name=file.name,
                imported_at=now,
                imported=imported,
                known_already=known,
                left_out=left_out.total(),
            )
        )
    _report(file, imported, known, left_out, left_out_rows)


def _open_moved(file: Path) -> sqlite3.Connection:
    old = connect(file, mode="ro")
    # Bytes that are no UTF-8 make a row that is left out, and must not end the import.
    old.text_factory = lambda stored: stored.decode("utf-8", "surrogateescape")
    if contents_of(old) is not Contents.CLASSIC:
        old.close()
        raise GradebookError(
            f"{file} is not an old service's gradebook, though its name says so. Rename it, then "
            "start the grader again."
        )
    return old


def _rows(old: sqlite3.Connection) -> Iterator[ClassicGrade | LeftOut]:
    columns = ", ".join(CLASSIC_COLUMNS)
    for row in old.execute(f"SELECT rowid, {columns} FROM grades ORDER BY rowid"):  # noqa: S608 - constants
        yield read_row(*row)


def _batches(items: Iterable[_T]) -> Iterator[list[_T]]:
    waiting = iter(items)
    while batch := list(itertools.islice(waiting, _ROWS_AT_ONCE)):
        yield batch


def _unknown(connection: Connection, rows: list[ClassicGrade]) -> list[ClassicGrade]:
    ids = tables.submissions.c.id
    known = set(connection.scalars(select(ids).where(ids.in_(row.submission_id for row in rows))))
    return [row for row in rows if row.submission_id not in known]


def _insert_runs(
    connection: Connection, rows: list[ClassicGrade], course: str, now: datetime
) -> None:
    if not rows:
        return
    connection.execute(
        insert(tables.submissions),
        [
            {
                "id": row.submission_id,
                "student": row.student,
                "course": course,
                "section": row.section,
                "assignment": row.assignment,
                "received_at": row.received_at,
                "received_epoch": row.timestamp,
                "source": Source.CLASSIC.value,
                "requested_by": row.student,
                "reason": "",
            }
            for row in rows
        ],
    )
    connection.execute(
        insert(tables.grading_runs),
        [
            {
                "id": row.run_id,
                "submission_id": row.submission_id,
                "reason": RunReason.INITIAL.value,
                "applied_at": now,
                "verdict": Verdict.GRADED.value,
                "score": row.fraction,
                "points_possible": 1.0,
                # The old service kept one time alone.
                "started_at": row.received_at,
                "finished_at": row.received_at,
                "otter_version": "",
                "sandbox": Source.CLASSIC.value,
                "tries": 0,
                "flags": "[]",
                "student_text": "",
                "staff_text": "Imported from the old service's gradebook.",
                "log_tail": "",
                "wall_s": 0.0,
            }
            for row in rows
        ],
    )


def _make_grades(
    connection: Connection,
    best: dict[tuple[str, AssignmentKey], CountedRun],
    course: str,
    now: datetime,
) -> None:
    grades, submissions = tables.grades.c, tables.submissions.c
    sources = {
        (row.student, AssignmentKey(course, row.section, row.assignment)): row.source
        for row in connection.execute(
            select(grades.student, grades.section, grades.assignment, submissions.source)
            .join_from(tables.grades, tables.submissions)
            .where(grades.course == course, grades.superseded_at.is_(None))
        )
    }
    # Together, for an import makes them by the ten thousand.
    for batch in _batches(key for key in best if key not in sources):
        connection.execute(
            insert(tables.grades), [grade_values(*key, best[key], now) for key in batch]
        )
    for key in best:
        if sources.get(key) == Source.CLASSIC:
            recompute_grade(connection, *key, _POLICY, now)


def _report(
    file: Path, imported: int, known: int, left_out: Counter[str], left_out_rows: list[int]
) -> None:
    log.info(
        "An old service's grades were imported",
        extra={
            "action": "classic_import",
            "file": file.name,
            "imported": imported,
            "known_already": known,
        },
    )
    if left_out:
        log.warning(
            "Some of an old service's grades cannot be used and were left out; the file keeps them",
            extra={
                "action": "classic_import",
                "file": file.name,
                "left_out": left_out.total(),
                "reasons": dict(left_out),
                "first_rowids": left_out_rows[:_NAMED_ROWS],
            },
        )
