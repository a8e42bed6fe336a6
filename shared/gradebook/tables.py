"""The tables, as they are after the newest migration; a test holds the two together.

SQLAlchemy Core and not its ORM: rows are written once, in explicit transactions, and leave as
frozen values, so an identity map would only add state. Nothing is deleted. The rules that SQL can
hold are here (CHECK, UNIQUE, partial indexes); that rows are only added and a grade is
superseded once is held by triggers in the migrations. The upper bounds keep out what is not finite:
PostgreSQL sorts NaN above all numbers, and SQLite stores it as NULL.
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

overrides = Table(
    "overrides",
    metadata,
    Column("id", Integer, primary_key=True),
    # One request, one row; the request sent last is the one in force.
    Column("request_id", String(_ID), ForeignKey("requests.id"), nullable=False),
    Column("student", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("course", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("section", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("assignment", String(NAME_MAX_CHARACTERS), nullable=False),
    # Without a score it takes the one before away: the autograde is restored.
    Column("score", Double),
    Column("points_possible", Double),
    Column("comment", StoredText, nullable=False),
    Column("made_by", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    CheckConstraint("(score IS NULL) = (points_possible IS NULL)", name="score_out_of"),
    CheckConstraint(f"score BETWEEN 0 AND {_FINITE}", name="score"),
    CheckConstraint(f"points_possible BETWEEN 0 AND {_FINITE}", name="points_possible"),
    Index("ux_overrides_request", "request_id", unique=True),
    Index("ix_overrides_student", "student", "course", "section", "assignment"),
)

extensions = Table(
    "extensions",
    metadata,
    Column("id", Integer, primary_key=True),
    # One request may extend many; for one student the request sent last is the one in force.
    Column("request_id", String(_ID), ForeignKey("requests.id"), nullable=False),
    Column("student", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("course", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("section", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("assignment", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Column("reason", StoredText, nullable=False),
    Column("made_by", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Index(
        "ux_extensions_student",
        "student",
        "course",
        "section",
        "assignment",
        "request_id",
        unique=True,
    ),
)

grades = Table(
    "grades",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("student", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("course", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("section", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("assignment", String(NAME_MAX_CHARACTERS), nullable=False),
    # What counts, whoever made it.
    Column("score", Double, nullable=False),
    Column("points_possible", Double, nullable=False),
    Column("origin", String(_WORD), nullable=False),
    Column("override_id", Integer, ForeignKey("overrides.id")),
    # The autograde: the grade itself or, under an override, what it would be without one. A student
    # who handed nothing in that counts has none.
    Column("run_id", String(_ID), ForeignKey("grading_runs.id")),
    Column("submission_id", String(_ID), ForeignKey("submissions.id")),
    Column("earned", Double),  # before the penalty
    Column("earned_possible", Double),
    Column("penalty", Double),  # the part of `earned` that being late took off, 0 to 1
    Column("late_s", Double),  # 0 in time; NULL where nothing is due
    Column("due_at", UtcDateTime),  # with the student's extension, if any
    Column("policy", StoredText),  # JSON; NULL of grades that are older than this column
    Column("made_at", UtcDateTime, nullable=False),
    Column("superseded_at", UtcDateTime),
    CheckConstraint(f"score BETWEEN 0 AND {_FINITE}", name="score"),
    CheckConstraint(f"points_possible BETWEEN 0 AND {_FINITE}", name="points_possible"),
    CheckConstraint(
        "(origin = 'run' AND run_id IS NOT NULL AND override_id IS NULL)"
        " OR (origin = 'override' AND override_id IS NOT NULL)",
        name="origin",
    ),
    CheckConstraint(
        "(run_id IS NULL) = (submission_id IS NULL) AND (run_id IS NULL) = (earned IS NULL)"
        " AND (run_id IS NULL) = (earned_possible IS NULL)"
        " AND (run_id IS NULL) = (penalty IS NULL)",
        name="autograde",
    ),
    CheckConstraint(f"earned BETWEEN 0 AND {_FINITE}", name="earned"),
    CheckConstraint(f"earned_possible BETWEEN 0 AND {_FINITE}", name="earned_possible"),
    CheckConstraint("penalty BETWEEN 0 AND 1", name="penalty"),
    CheckConstraint(f"late_s BETWEEN 0 AND {_FINITE}", name="late_s"),
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

regrades = Table(
    "regrades",
    metadata,
    Column("id", String(_ID), primary_key=True),  # of the request that started it
    Column("course", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("section", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("assignment", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("autograder_sha256", String(_DIGEST), nullable=False),  # of the zip at its start
    Column("started_at", UtcDateTime, nullable=False),
    # Set once, by the request that applied or cancelled it.
    Column("outcome", String(_WORD)),
    Column("ended_at", UtcDateTime),
    Column("ended_by", String(_ID)),
    CheckConstraint("outcome IN ('applied', 'cancelled')", name="outcome"),
    CheckConstraint(
        "(outcome IS NULL) = (ended_at IS NULL) AND (outcome IS NULL) = (ended_by IS NULL)",
        name="ended",
    ),
    Index("ix_regrades_assignment", "course", "section", "assignment"),
)

regrade_items = Table(
    "regrade_items",
    metadata,
    Column("id", String(_ID), primary_key=True),
    Column("regrade_id", String(_ID), ForeignKey("regrades.id"), nullable=False),
    Column("submission_id", String(_ID), ForeignKey("submissions.id"), nullable=False),
    Column("tries", Integer, nullable=False),
    # Where our machinery could not regrade it. What could be has its row in grading_runs.
    Column("given_up_at", UtcDateTime),
    Column("problem", StoredText),
    CheckConstraint("tries >= 0", name="tries"),
    CheckConstraint("(given_up_at IS NULL) = (problem IS NULL)", name="problem"),
    Index("ux_regrade_items_submission", "regrade_id", "submission_id", unique=True),
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
"""What the old table held: a row for each submission whose run has a score and is not held."""
