"""The old service's grades, imported from the files that were moved aside.

A row of the old table `grades(userid, grade, section, lab, timestamp)` is one graded submission:
`grade` a fraction of 0 to 1, `timestamp` the text of `time.time()`. Which files are imported, table
`classic_imports` says, in the same transaction as what was imported: so a start that is killed
anywhere is completed by the next.
"""

from __future__ import annotations

import itertools
import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from sqlalchemy import insert, select

from shared.grade_policy import GradePolicy
from shared.gradebook import tables
from shared.gradebook.classic_file import moved_files, old_rows
from shared.gradebook.classic_row import ClassicGrade, LeftOut
from shared.gradebook.grades import grade_values, recompute_grade
from shared.gradebook.policy import CountedRun, Grade, autograde_of
from shared.gradebook.transactions import gradebook_errors, reading, writing
from shared.model import AssignmentKey, RunReason, Score, Verdict, utc_now
from shared.requests import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    from shared.gradebook.policy import Autograde

log = logging.getLogger(__name__)

UNKNOWN_COURSE: Final = "classic"
"""The course of classic grades where nobody says which one it was."""

_T = TypeVar("_T")

_ROWS_AT_ONCE: Final = 500
_NAMED_ROWS: Final = 20
_POLICY: Final = GradePolicy()  # the old service had no other, nor a catalogue to ask


@dataclass
class _Tally:
    """What became of the rows of one file."""

    imported: int = 0
    known_already: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    first_left_out: list[int] = field(default_factory=list)

    def leave_out(self, row: LeftOut) -> None:
        self.left_out[row.because] += 1
        if len(self.first_left_out) < _NAMED_ROWS:
            self.first_left_out.append(row.rowid)


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
    with gradebook_errors("look for old grades"):
        files = moved_files(volume)
    if not files:
        return
    with reading(engine, "be read") as connection:
        done = set(connection.scalars(select(tables.classic_imports.c.file_name)))
    for file in files:
        if file.name not in done:
            _report(file, _import_file(engine, file, course))


def _import_file(engine: Engine, file: Path, course: str) -> _Tally:
    now = utc_now()
    tally = _Tally()
    best: dict[tuple[str, AssignmentKey], Autograde] = {}
    doing = f"import {file.name}"
    with gradebook_errors(doing), old_rows(file) as rows, writing(engine, doing) as connection:
        for batch in _batches(rows):
            usable = []
            for row in batch:
                if isinstance(row, LeftOut):
                    tally.leave_out(row)
                else:
                    usable.append(row)
            new = _unknown(connection, usable)
            tally.imported += len(new)
            tally.known_already += len(usable) - len(new)
            if new:
                _insert_runs(connection, new, course, now)
                _keep_best(best, new, course)
        _make_grades(connection, best, course, now)
        connection.execute(
            insert(tables.classic_imports).values(
                file_name=file.name,
                imported_at=now,
                imported=tally.imported,
                known_already=tally.known_already,
                left_out=tally.left_out.total(),
            )
        )
    return tally


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


def _keep_best(
    best: dict[tuple[str, AssignmentKey], Autograde], rows: list[ClassicGrade], course: str
) -> None:
    for row in rows:
        place = (row.student, AssignmentKey(course, row.section, row.assignment))
        score = Score(row.fraction, 1.0)
        run = CountedRun(row.run_id, row.submission_id, row.received_at, score)
        rivals = [run, best[place].run] if place in best else [run]
        chosen = autograde_of(rivals, _POLICY)
        if chosen is not None:
            best[place] = chosen


def _make_grades(
    connection: Connection,
    best: dict[tuple[str, AssignmentKey], Autograde],
    course: str,
    now: datetime,
) -> None:
    grades, submissions = tables.grades.c, tables.submissions.c
    sources = {
        (row.student, AssignmentKey(course, row.section, row.assignment)): row.source
        for row in connection.execute(
            select(grades.student, grades.section, grades.assignment, submissions.source)
            .outerjoin_from(tables.grades, tables.submissions)
            .where(grades.course == course, grades.superseded_at.is_(None))
        )
    }
    # Together, for an import makes them by the ten thousand.
    for batch in _batches(place for place in best if place not in sources):
        connection.execute(
            insert(tables.grades),
            [grade_values(*place, Grade(best[place], None), _POLICY, now) for place in batch],
        )
    for place in best:
        # A grade without a submission is staff's alone; the import then lies beneath it.
        if place in sources and sources[place] in {None, Source.CLASSIC}:
            recompute_grade(connection, *place, _POLICY, now)


def _report(file: Path, tally: _Tally) -> None:
    log.info(
        "An old service's grades were imported",
        extra={
            "action": "classic_import",
            "file": file.name,
            "imported": tally.imported,
            "known_already": tally.known_already,
        },
    )
    if tally.left_out:
        log.warning(
            "Some of an old service's grades cannot be used and were left out; the file keeps them",
            extra={
                "action": "classic_import",
                "file": file.name,
                "left_out": tally.left_out.total(),
                "reasons": dict(tally.left_out),
                "first_rowids": tally.first_left_out,
            },
        )
