"""The first schema: submissions, grading runs, grades, autograders, requests, and the views."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The types as they were at this revision; `shared.gradebook.columns` may move on.
_MOMENT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
_NAME = sa.String(255)
_ID = sa.String(36)
_DIGEST = sa.String(64)
_WORD = sa.String(32)

_COUNTED_RUNS = """
CREATE VIEW counted_runs AS
SELECT
    r.id AS run_id,
    r.submission_id AS submission_id,
    r.score AS score,
    r.points_possible AS points_possible,
    CASE
        WHEN r.score IS NULL THEN NULL
        WHEN r.points_possible <= 0 THEN 0.0
        WHEN r.score >= r.points_possible THEN 1.0
        ELSE r.score / r.points_possible
    END AS fraction
FROM grading_runs AS r
WHERE r.applied_at IS NOT NULL
  AND NOT EXISTS (
    SELECT 1
    FROM grading_runs AS later
    WHERE later.submission_id = r.submission_id
      AND (
        later.applied_at > r.applied_at
        OR (later.applied_at = r.applied_at AND later.id > r.id)
      )
  )
"""

_GRADEBOOK_CSV = """
CREATE VIEW gradebook_csv AS
SELECT
    s.student AS userid,
    c.fraction AS grade,
    s.section AS section,
    s.assignment AS lab,
    s.received_epoch AS "timestamp",
    s.course AS course
FROM submissions AS s
JOIN counted_runs AS c ON c.submission_id = s.id
WHERE c.score IS NOT NULL
"""

_GRADES_ARE_ONLY_SUPERSEDED = """
CREATE TRIGGER grades_are_only_superseded BEFORE UPDATE ON grades
WHEN OLD.superseded_at IS NOT NULL
  OR NEW.superseded_at IS NULL
  OR NEW.id <> OLD.id
  OR NEW.student <> OLD.student
  OR NEW.course <> OLD.course
  OR NEW.section <> OLD.section
  OR NEW.assignment <> OLD.assignment
  OR NEW.score <> OLD.score
  OR NEW.points_possible <> OLD.points_possible
  OR NEW.run_id <> OLD.run_id
  OR NEW.submission_id <> OLD.submission_id
  OR NEW.made_at <> OLD.made_at
BEGIN
    SELECT RAISE(ABORT, 'a grade is never changed: it may be superseded, once');
END
"""

_GRADES_ARE_NEVER_DELETED = """
CREATE TRIGGER grades_are_never_deleted BEFORE DELETE ON grades
BEGIN
    SELECT RAISE(ABORT, 'a grade is never deleted: it may be superseded, once');
END
"""

_KEEP_GRADES = """
CREATE FUNCTION keep_grades() RETURNS trigger AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a grade is never deleted: it may be superseded, once'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.superseded_at IS NOT NULL
        OR NEW.superseded_at IS NULL
        OR to_jsonb(NEW) - 'superseded_at' <> to_jsonb(OLD) - 'superseded_at'
    THEN
        RAISE EXCEPTION 'a grade is never changed: it may be superseded, once'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$ LANGUAGE plpgsql
"""

_GRADES_ARE_KEPT = """
CREATE TRIGGER grades_are_kept BEFORE UPDATE OR DELETE ON grades
FOR EACH ROW EXECUTE FUNCTION keep_grades()
"""


def upgrade() -> None:
    """Make everything."""
    _make_submissions()
    _make_grading_runs()
    _make_question_scores()
    _make_grades()
    _make_autograders()
    _make_requests()
    _make_classic_imports()
    op.execute(_COUNTED_RUNS)
    op.execute(_GRADEBOOK_CSV)
    if op.get_context().dialect.name == "sqlite":
        op.execute(_GRADES_ARE_ONLY_SUPERSEDED)
        op.execute(_GRADES_ARE_NEVER_DELETED)
    else:
        op.execute(_KEEP_GRADES)
        op.execute(_GRADES_ARE_KEPT)


def _make_submissions() -> None:
    op.create_table(
        "submissions",
        sa.Column("id", _ID, nullable=False),
        sa.Column("student", _NAME, nullable=False),
        sa.Column("course", _NAME, nullable=False),
        sa.Column("section", _NAME, nullable=False),
        sa.Column("assignment", _NAME, nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.Column("received_epoch", _WORD, nullable=False),
        sa.Column("sha256", _DIGEST),
        sa.Column("size_bytes", sa.BigInteger),
        sa.Column("source", _WORD, nullable=False),
        sa.Column("requested_by", _NAME, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submissions")),
        sa.CheckConstraint(
            "(sha256 IS NOT NULL AND size_bytes IS NOT NULL AND size_bytes >= 0)"
            " OR (source = 'classic' AND sha256 IS NULL AND size_bytes IS NULL)",
            name=op.f("ck_submissions_notebook"),
        ),
    )
    op.create_index(
        "ix_submissions_student", "submissions", ["student", "course", "section", "assignment"]
    )
    op.create_index(
        "ix_submissions_assignment",
        "submissions",
        ["course", "section", "assignment", "received_at"],
    )
    op.create_index("ix_submissions_received_at", "submissions", ["received_at"])


def _make_grading_runs() -> None:
    op.create_table(
        "grading_runs",
        sa.Column("id", _ID, nullable=False),
        sa.Column("submission_id", _ID, nullable=False),
        sa.Column("reason", _WORD, nullable=False),
        sa.Column("regrade_id", _ID),
        sa.Column("applied_at", _MOMENT),
        sa.Column("verdict", _WORD, nullable=False),
        sa.Column("score", sa.Double),
        sa.Column("points_possible", sa.Double),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.Column("finished_at", _MOMENT, nullable=False),
        sa.Column("autograder_sha256", _DIGEST),
        sa.Column("image_id", sa.Text),
        sa.Column("otter_version", sa.Text, nullable=False),
        sa.Column("sandbox", _WORD, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("flags", sa.Text, nullable=False),
        sa.Column("student_text", sa.Text, nullable=False),
        sa.Column("staff_text", sa.Text, nullable=False),
        sa.Column("log_tail", sa.Text, nullable=False),
        sa.Column("wall_s", sa.Double, nullable=False),
        sa.Column("peak_memory_bytes", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grading_runs")),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name=op.f("fk_grading_runs_submission_id")
        ),
        sa.CheckConstraint(
            "(reason = 'initial' AND regrade_id IS NULL AND applied_at IS NOT NULL)"
            " OR (reason = 'regrade' AND regrade_id IS NOT NULL)",
            name=op.f("ck_grading_runs_reason"),
        ),
        sa.CheckConstraint(
            "verdict IN ('graded', 'timed_out', 'out_of_memory', 'crashed', 'invalid')",
            name=op.f("ck_grading_runs_verdict"),
        ),
        sa.CheckConstraint(
            "(verdict = 'graded' AND score IS NOT NULL AND points_possible IS NOT NULL)"
            " OR (verdict <> 'graded' AND score IS NULL AND points_possible IS NULL)",
            name=op.f("ck_grading_runs_score_where_graded"),
        ),
        sa.CheckConstraint("score BETWEEN 0 AND 1e300", name=op.f("ck_grading_runs_score")),
        sa.CheckConstraint(
            "points_possible BETWEEN 0 AND 1e300", name=op.f("ck_grading_runs_points_possible")
        ),
        sa.CheckConstraint("wall_s BETWEEN 0 AND 1e300", name=op.f("ck_grading_runs_wall_s")),
        sa.CheckConstraint("tries >= 0", name=op.f("ck_grading_runs_tries")),
    )
    op.create_index(
        "ux_grading_runs_regrade", "grading_runs", ["submission_id", "regrade_id"], unique=True
    )
    op.create_index(
        "ux_grading_runs_initial",
        "grading_runs",
        ["submission_id"],
        unique=True,
        sqlite_where=sa.text("regrade_id IS NULL"),
        postgresql_where=sa.text("regrade_id IS NULL"),
    )
    op.create_index("ix_grading_runs_verdict", "grading_runs", ["verdict"])


def _make_question_scores() -> None:
    op.create_table(
        "question_scores",
        sa.Column("run_id", _ID, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("points_possible", sa.Double, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "question", name=op.f("pk_question_scores")),
        sa.ForeignKeyConstraint(
            ["run_id"], ["grading_runs.id"], name=op.f("fk_question_scores_run_id")
        ),
        sa.CheckConstraint(
            "score >= 0 AND score <= points_possible + 0.000001",
            name=op.f("ck_question_scores_score"),
        ),
        sa.CheckConstraint(
            "points_possible BETWEEN 0 AND 1e300",
            name=op.f("ck_question_scores_points_possible"),
        ),
        sa.CheckConstraint("position >= 0", name=op.f("ck_question_scores_position")),
    )


def _make_grades() -> None:
    op.create_table(
        "grades",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("student", _NAME, nullable=False),
        sa.Column("course", _NAME, nullable=False),
        sa.Column("section", _NAME, nullable=False),
        sa.Column("assignment", _NAME, nullable=False),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("points_possible", sa.Double, nullable=False),
        sa.Column("run_id", _ID, nullable=False),
        sa.Column("submission_id", _ID, nullable=False),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.Column("superseded_at", _MOMENT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grades")),
        sa.ForeignKeyConstraint(["run_id"], ["grading_runs.id"], name=op.f("fk_grades_run_id")),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name=op.f("fk_grades_submission_id")
        ),
        sa.CheckConstraint("score BETWEEN 0 AND 1e300", name=op.f("ck_grades_score")),
        sa.CheckConstraint(
            "points_possible BETWEEN 0 AND 1e300", name=op.f("ck_grades_points_possible")
        ),
    )
    op.create_index(
        "ux_grades_of_record",
        "grades",
        ["course", "section", "assignment", "student"],
        unique=True,
        sqlite_where=sa.text("superseded_at IS NULL"),
        postgresql_where=sa.text("superseded_at IS NULL"),
    )
    op.create_index("ix_grades_student", "grades", ["student", "course", "section", "assignment"])


def _make_autograders() -> None:
    op.create_table(
        "autograders",
        sa.Column("sha256", _DIGEST, nullable=False),
        sa.Column("image_id", sa.Text, nullable=False),
        sa.Column("spec", sa.Text, nullable=False),
        sa.Column("problems", sa.Text, nullable=False),
        sa.Column("recorded_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("sha256", "image_id", name=op.f("pk_autograders")),
    )


def _make_requests() -> None:
    op.create_table(
        "requests",
        sa.Column("id", _ID, nullable=False),
        sa.Column("action", _WORD, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("requested_by", _NAME, nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("done_at", _MOMENT),
        sa.Column("outcome", _WORD),
        sa.Column("message", sa.Text),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
        sa.CheckConstraint(
            "(done_at IS NULL) = (outcome IS NULL)", name=op.f("ck_requests_outcome")
        ),
    )
    op.create_index("ix_requests_received_at", "requests", ["received_at"])


def _make_classic_imports() -> None:
    op.create_table(
        "classic_imports",
        sa.Column("file_name", _NAME, nullable=False),
        sa.Column("imported_at", _MOMENT, nullable=False),
        sa.Column("imported", sa.Integer, nullable=False),
        sa.Column("known_already", sa.Integer, nullable=False),
        sa.Column("left_out", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("file_name", name=op.f("pk_classic_imports")),
    )
