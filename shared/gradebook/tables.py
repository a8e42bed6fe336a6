"""The tables, as they are after the newest migration; a test holds the two together.

SQLAlchemy Core and not its ORM: rows are written once, in explicit transactions, and leave as
frozen values, so an identity map would only add state. Nothing is deleted. The rules that SQL can
hold are here (CHECK, UNIQUE, partial indexes); that a grade is never changed, only superseded once,
is held by triggers in the migrations. The upper bounds keep out what is not finite: PostgreSQL
sorts NaN above all numbers, and SQLite stores it as NULL.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    column,
    table,
    text,
)

from shared.gradebook.columns import StoredText, UtcDateTime
from shared.model import NAME_MAX_CHARACTERS

_ID: Final = 36
_DIGEST: Final = 64
_WORD: Final = 32
_FINITE: Final = "1e300"

metadata = MetaData(
    naming_convention={
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

submissions = Table(
    "submissions",
    metadata,
    Column("id", String(_ID), primary_key=True),
    Column("student", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("course", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("section", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("assignment", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    # The same moment as the old table wrote it, str(time.time()). Kept beside the other because a
    # classic row's own text cannot be made again from a time (its float had more digits), and
    # because no expression gives such text on every database.
    Column("received_epoch", String(_WORD), nullable=False),
    Column("sha256", String(_DIGEST)),
    Column("size_bytes", BigInteger),
    Column("source", String(_WORD), nullable=False),
    Column("requested_by", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("reason", StoredText, nullable=False),
    # Of a classic submission the notebook is unknown; of every other it is not.
    CheckConstraint(
        "(sha256 IS NOT NULL AND size_bytes IS NOT NULL AND size_bytes >= 0)"
        " OR (source = 'classic' AND sha256 IS NULL AND size_bytes IS NULL)",
        name="notebook",
    ),
    Index("ix_submissions_student", "student", "course", "section", "assignment"),
    Index("ix_submissions_assignment", "course", "section", "assignment", "received_at"),
    Index("ix_submissions_received_at", "received_at"),
)

_UNTIL_REGRADED = text("regrade_id IS NULL")
_OF_RECORD = text("superseded_at IS NULL")

grading_runs = Table(
    "grading_runs",
    metadata,
    Column("id", String(_ID), primary_key=True),
    Column("submission_id", String(_ID), ForeignKey("submissions.id"), nullable=False),
    Column("reason", String(_WORD), nullable=False),
    Column("regrade_id", String(_ID)),
    # When it began to count: at once for an initial run, when applied for a regrade's.
    Column("applied_at", UtcDateTime),
    Column("verdict", String(_WORD), nullable=False),
    Column("score", Double),
    Column("points_possible", Double),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime, nullable=False),
    Column("autograder_sha256", String(_DIGEST)),
    Column("image_id", Text),
    Column("otter_version", StoredText, nullable=False),
    Column("sandbox", String(_WORD), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("flags", StoredText, nullable=False),
    Column("student_text", StoredText, nullable=False),
    Column("staff_text", StoredText, nullable=False),
    Column("log_tail", StoredText, nullable=False),
    Column("wall_s", Double, nullable=False),
    Column("peak_memory_bytes", BigInteger),
    CheckConstraint(
        "(reason = 'initial' AND regrade_id IS NULL AND applied_at IS NOT NULL)"
        " OR (reason = 'regrade' AND regrade_id IS NOT NULL)",
        name="reason",
    ),
    CheckConstraint(
        "verdict IN ('graded', 'timed_out', 'out_of_memory', 'crashed', 'invalid')",
        name="verdict",
    ),
    CheckConstraint(
        "(verdict = 'graded' AND score IS NOT NULL AND points_possible IS NOT NULL)"
        " OR (verdict <> 'graded' AND score IS NULL AND points_possible IS NULL)",
        name="score_where_graded",
    ),
    CheckConstraint(f"score BETWEEN 0 AND {_FINITE}", name="score"),
    CheckConstraint(f"points_possible BETWEEN 0 AND {_FINITE}", name="points_possible"),
    CheckConstraint(f"wall_s BETWEEN 0 AND {_FINITE}", name="wall_s"),
    CheckConstraint("tries >= 0", name="tries"),
    # Two indexes, since NULLs never collide: one run at most for a submission and regrade, and one
    # at most that belongs to no regrade.
    Index("ux_grading_runs_regrade", "submission_id", "regrade_id", unique=True),
    Index(
        "ux_grading_runs_initial",
        "submission_id",
        unique=True,
        sqlite_where=_UNTIL_REGRADED,
        postgresql_where=_UNTIL_REGRADED,
    ),
    Index("ix_grading_runs_verdict", "verdict"),
)

question_scores = Table(
    "question_scores",
    metadata,
    Column("run_id", String(_ID), ForeignKey("grading_runs.id"), primary_key=True),
    Column("question", StoredText, primary_key=True),
    Column("score", Double, nullable=False),
    Column("points_possible", Double, nullable=False),
    Column("position", Integer, nullable=False),
    # A millionth of a point of slack: sums of floats may differ in their last digits.
    CheckConstraint("score >= 0 AND score <= points_possible + 0.000001", name="score"),
    CheckConstraint(f"points_possible BETWEEN 0 AND {_FINITE}", name="points_possible"),
    CheckConstraint("position >= 0", name="position"),
)

grades = Table(
    "grades",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("student", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("course", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("section", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("assignment", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("score", Double, nullable=False),
    Column("points_possible", Double, nullable=False),
    Column("run_id", String(_ID), ForeignKey("grading_runs.id"), nullable=False),
    Column("submission_id", String(_ID), ForeignKey("submissions.id"), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("superseded_at", UtcDateTime),
    CheckConstraint(f"score BETWEEN 0 AND {_FINITE}", name="score"),
    CheckConstraint(f"points_possible BETWEEN 0 AND {_FINITE}", name="points_possible"),
    # One grade of record; in the order in which people read a list of them.
    Index(
        "ux_grades_of_record",
        "course",
        "section",
        "assignment",
        "student",
        unique=True,
        sqlite_where=_OF_RECORD,
        postgresql_where=_OF_RECORD,
    ),
    Index("ix_grades_student", "student", "course", "section", "assignment"),
)

autograders = Table(
    "autograders",
    metadata,
    Column("sha256", String(_DIGEST), primary_key=True),
    Column("image_id", Text, primary_key=True),
    Column("spec", StoredText, nullable=False),  # JSON
    Column("problems", StoredText, nullable=False),  # JSON; empty list: it can grade
    Column("recorded_at", UtcDateTime, nullable=False),
)

requests = Table(
    "requests",
    metadata,
    Column("id", String(_ID), primary_key=True),
    Column("action", String(_WORD), nullable=False),
    Column("payload", StoredText, nullable=False),  # JSON
    Column("requested_by", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("reason", StoredText, nullable=False),
    Column("done_at", UtcDateTime),
    Column("outcome", String(_WORD)),
    Column("message", StoredText),
    CheckConstraint("(done_at IS NULL) = (outcome IS NULL)", name="outcome"),
    Index("ix_requests_received_at", "received_at"),
)

classic_imports = Table(
    "classic_imports",
    metadata,
    Column("file_name", String(255), primary_key=True),
    Column("imported_at", UtcDateTime, nullable=False),
    Column("imported", Integer, nullable=False),
    Column("known_already", Integer, nullable=False),
    Column("left_out", Integer, nullable=False),
)

# --- views: what the migrations made of the tables above -----------------------------------------

counted_runs = table(
    "counted_runs",
    column("run_id", String),
    column("submission_id", String),
    column("score", Double),
    column("points_possible", Double),
    column("fraction", Double),
)
"""The run that counts for each submission: the latest applied; `fraction` is within 0 and 1."""

gradebook_csv = table(
    "gradebook_csv",
    column("userid", String),
    column("grade", Double),
    column("section", String),
    column("lab", String),
    column("timestamp", String),
    column("course", String),
)
"""What the old table held: one row for each submission whose counted run has a score."""
