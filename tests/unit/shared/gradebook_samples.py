"""Submissions and runs to record, and an old service's database as that service wrote it."""

from __future__ import annotations

import functools
import sqlite3
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.grade_policy import GradePolicy
from shared.gradebook.engine import open_gradebook
from shared.gradebook.record import GradingRun, record_run
from shared.model import (
    GradingResult,
    QuestionScore,
    RunReason,
    Score,
    Sha256,
    Verdict,
    new_run_id,
    new_submission_id,
)
from shared.requests import Envelope, Source, SubmitPayload

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Engine

NOON = datetime(2026, 9, 1, 12, 0, 0, 123456, tzinfo=UTC)
ZIP = Sha256("a" * 64)

OLD_TABLE = "CREATE TABLE grades (userid text, grade real, section text, lab text, timestamp text)"


@functools.cache
def _an_empty_gradebook() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        open_gradebook(Path(folder)).dispose()
        return (Path(folder) / "gradebook.db").read_bytes()


def fresh_gradebook(volume: Path, database_url: str | None = None) -> Engine:
    """Open an empty gradebook.

    A file is made once and copied, which spares each test the migrations; a database is opened as
    it is.
    """
    if database_url is None:
        (volume / "gradebook.db").write_bytes(_an_empty_gradebook())
    return open_gradebook(volume, database_url)


def submitted(
    student: str = "ada",
    *,
    assignment: str = "lab01",
    course: str = "demo101",
    section: str = "fa26",
    minutes: float = 0,
) -> Envelope:
    """An envelope of a submission that came in `minutes` after noon."""
    payload = SubmitPayload(
        student=student,
        course=course,
        section=section,
        assignment=assignment,
        sha256=Sha256("b" * 64),
        size_bytes=1234,
        source=Source.DEV,
    )
    return Envelope(
        id=new_submission_id(),
        action="submit",
        payload=payload,
        requested_by=student,
        received_at=NOON + timedelta(minutes=minutes),
        reason="",
    )


def graded(points: float, possible: float = 10.0) -> GradingResult:
    return GradingResult(
        verdict=Verdict.GRADED,
        score=Score(points, possible),
        questions=(
            QuestionScore("q2", points, max(points, possible)),
            QuestionScore("q1", 0.0, 0.0),
        ),
        student_text="Your notebook was graded.",
        staff_text="",
        flags=frozenset({"output_truncated", "cell_timeout"}),
        log_tail="done\n",
        otter_version="7.0.0",
        wall_s=1.5,
        peak_memory_bytes=1 << 28,
    )


def ungraded(verdict: Verdict = Verdict.TIMED_OUT) -> GradingResult:
    return GradingResult(
        verdict=verdict,
        score=None,
        questions=(),
        student_text="Your notebook took too long.",
        staff_text="Killed after 120 s.",
    )


def ended(
    result: GradingResult, reason: RunReason = RunReason.INITIAL, regrade_id: str | None = None
) -> GradingRun:
    return GradingRun(
        run_id=new_run_id(),
        reason=reason,
        started_at=NOON + timedelta(hours=1),
        finished_at=NOON + timedelta(hours=1, seconds=2),
        result=result,
        autograder_sha256=ZIP,
        image_id="sha256:0123",
        sandbox="process",
        tries=1,
        regrade_id=regrade_id,
    )


def record(
    engine: Engine,
    envelope: Envelope,
    result: GradingResult,
    policy: GradePolicy = GradePolicy(),  # noqa: B008 - frozen
) -> GradingRun:
    """Record a submission's initial run."""
    run = ended(result)
    record_run(engine, envelope, run, policy)
    return run


def write_old_gradebook(path: Path, rows: Iterable[tuple[Any, ...]], *, wal: bool = False) -> None:
    with closing(sqlite3.connect(path)) as old, old:
        if wal:
            old.execute("PRAGMA journal_mode = WAL")
        old.execute(OLD_TABLE)
        old.executemany("INSERT INTO grades VALUES (?, ?, ?, ?, ?)", rows)


def sql(engine: Engine, statement: str) -> list[tuple[Any, ...]]:
    """Run any SQL and commit it."""
    with engine.begin() as connection:
        result = connection.exec_driver_sql(statement)
        return [tuple(row) for row in result] if result.returns_rows else []


def refuse_new_grades(engine: Engine) -> None:
    """Have the database refuse every new grade, as one whose disk is full would."""
    if engine.dialect.name == "sqlite":
        sql(
            engine,
            "CREATE TRIGGER full BEFORE INSERT ON grades BEGIN SELECT RAISE(ABORT, 'full'); END",
        )
    else:
        sql(engine, "ALTER TABLE grades ADD CONSTRAINT full_disk CHECK (id < 0) NOT VALID")
