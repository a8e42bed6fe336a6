"""A gradebook of any size, as the grader leaves one, made by SQLite itself in a minute."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from shared.gradebook.engine import open_gradebook
from shared.gradebook.sqlite_file import FILE_NAME

if TYPE_CHECKING:
    from pathlib import Path

COURSE: Final = "mooc101"
_SECTION_STUDENTS: Final = 500
_START_S: Final = int(datetime(2026, 9, 1, 12, tzinfo=UTC).timestamp())

_MADE: Final = f"""
CREATE TEMP TABLE made AS
WITH RECURSIVE numbers(n) AS (
    SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :students * :assignments
)
SELECT
    printf('%08x-%04x-7000-8000-%012x', n / 65536, n % 65536, n) AS submission_id,
    printf('%08x-%04x-7000-9000-%012x', n / 65536, n % 65536, n) AS run_id,
    printf('student%06d@example.edu', n % :students) AS student,
    printf('sec%03d', n % :students / {_SECTION_STUDENTS}) AS section,
    printf('lab%03d', n / :students) AS assignment,
    n * 7919 % 1001 / 100.0 AS score,
    strftime('%Y-%m-%dT%H:%M:%S.000000Z', {_START_S} + n, 'unixepoch') AS moment,
    printf('%d.0', {_START_S} + n) AS epoch
FROM numbers
"""

_INSERTS: Final = (
    f"""INSERT INTO submissions (id, student, course, section, assignment, received_at,
            received_epoch, sha256, size_bytes, source, requested_by, reason)
        SELECT submission_id, student, '{COURSE}', section, assignment, moment,
            epoch, printf('%064d', 7), 20000, 'hub', student, '' FROM made""",
    """INSERT INTO grading_runs (id, submission_id, reason, applied_at, verdict, score,
            points_possible, started_at, finished_at, autograder_sha256, image_id, otter_version,
            sandbox, tries, flags, student_text, staff_text, log_tail, wall_s)
        SELECT run_id, submission_id, 'initial', moment, 'graded', score,
            10.0, moment, moment, printf('%064d', 8), 'sha256:0123', '7.0.0',
            'docker', 1, '[]', 'Your notebook was graded.', '', 'done', 1.5 FROM made""",
    """INSERT INTO question_scores (run_id, question, score, points_possible, position)
        SELECT run_id, 'q1', score, 10.01, 0 FROM made""",
    f"""INSERT INTO grades (student, course, section, assignment, score, points_possible, origin,
            run_id, submission_id, earned, earned_possible, penalty, made_at)
        SELECT student, '{COURSE}', section, assignment, score, 10.0, 'run',
            run_id, submission_id, score, 10.0, 0.0, moment FROM made""",
)


_ATTEMPTS: Final = (
    """INSERT INTO submissions (id, student, course, section, assignment, received_at,
            received_epoch, sha256, size_bytes, source, requested_by, reason)
        SELECT substr(id, 1, 15) || '%x' || substr(id, 17), student, course, section, assignment,
            received_at, received_epoch, sha256, size_bytes, source, requested_by, reason
        FROM submissions WHERE substr(id, 15, 2) = '70'""",
    """INSERT INTO grading_runs (id, submission_id, reason, applied_at, verdict, score,
            points_possible, started_at, finished_at, autograder_sha256, image_id, otter_version,
            sandbox, tries, flags, student_text, staff_text, log_tail, wall_s)
        SELECT substr(id, 1, 15) || '%x' || substr(id, 17),
            substr(submission_id, 1, 15) || '%x' || substr(submission_id, 17), reason, applied_at,
            iif(rowid %% 25, verdict, 'timed_out'), iif(rowid %% 25, score / 2.0, NULL),
            iif(rowid %% 25, points_possible, NULL), started_at, finished_at, autograder_sha256,
            image_id, otter_version, sandbox, tries, flags, student_text, staff_text, log_tail,
            wall_s FROM grading_runs WHERE substr(id, 15, 2) = '70'""",
)
"""More submissions, each like the one of its student and assignment with half of its score, or
none where it timed out; `%x` takes the place of a digit of the ids."""


def generate(volume: Path, *, students: int, assignments: int, attempts: int = 1) -> None:
    """Make a gradebook in which every student has a grade, of one run and question, for everything.

    Args:
        volume: a folder; `gradebook.db` is made in it.
        students: how many, each of a section of 500.
        assignments: how many.
        attempts: how many submissions each has for each of them, 1 to 16; one of them counts.
    """
    open_gradebook(volume).dispose()
    with closing(sqlite3.connect(volume / FILE_NAME)) as database:
        database.execute("PRAGMA foreign_keys = ON")
        database.execute(_MADE, {"students": students, "assignments": assignments})
        for insert in _INSERTS:
            with database:
                database.execute(insert)
        for attempt in range(1, attempts):
            for insert in _ATTEMPTS:
                with database:
                    database.execute(insert.replace("%x", f"{attempt:x}").replace("%%", "%"))
        with database:
            database.execute("ANALYZE")
