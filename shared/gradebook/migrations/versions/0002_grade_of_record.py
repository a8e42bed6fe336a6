"""Overrides, extensions, and what a grade of record was made of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# The types as they were at this revision; `shared.gradebook.columns` may move on.
_MOMENT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
_NAME = sa.String(255)
_ID = sa.String(36)
_WORD = sa.String(32)

_GRADE_RULES = {
    "score": "score BETWEEN 0 AND 1e300",
    "points_possible": "points_possible BETWEEN 0 AND 1e300",
    "origin": (
        "(origin = 'run' AND run_id IS NOT NULL AND override_id IS NULL)"
        " OR (origin = 'override' AND override_id IS NOT NULL)"
    ),
    "autograde": (
        "(run_id IS NULL) = (submission_id IS NULL) AND (run_id IS NULL) = (earned IS NULL)"
        " AND (run_id IS NULL) = (earned_possible IS NULL) AND (run_id IS NULL) = (penalty IS NULL)"
    ),
    "earned": "earned BETWEEN 0 AND 1e300",
    "earned_possible": "earned_possible BETWEEN 0 AND 1e300",
    "penalty": "penalty BETWEEN 0 AND 1",
    "late_s": "late_s BETWEEN 0 AND 1e300",
}

_AUTOGRADES = """
INSERT INTO grades_new (
    id, student, course, section, assignment, score, points_possible, origin, run_id,
    submission_id, earned, earned_possible, penalty, made_at, superseded_at
)
SELECT
    id, student, course, section, assignment, score, points_possible, 'run', run_id,
    submission_id, score, points_possible, 0, made_at, superseded_at
FROM grades
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
  OR NEW.origin <> OLD.origin
  OR NEW.override_id IS NOT OLD.override_id
  OR NEW.run_id IS NOT OLD.run_id
  OR NEW.submission_id IS NOT OLD.submission_id
  OR NEW.earned IS NOT OLD.earned
  OR NEW.earned_possible IS NOT OLD.earned_possible
  OR NEW.penalty IS NOT OLD.penalty
  OR NEW.late_s IS NOT OLD.late_s
  OR NEW.due_at IS NOT OLD.due_at
  OR NEW.policy IS NOT OLD.policy
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

# A request may be written down before it is done; what came of it is then added, once.
_REQUESTS_ARE_ONLY_DONE = """
CREATE TRIGGER requests_are_only_done BEFORE UPDATE ON requests
WHEN OLD.done_at IS NOT NULL
  OR NEW.id <> OLD.id
  OR NEW.action <> OLD.action
  OR NEW.payload <> OLD.payload
  OR NEW.requested_by <> OLD.requested_by
  OR NEW.received_at <> OLD.received_at
  OR NEW.reason <> OLD.reason
BEGIN
    SELECT RAISE(ABORT, 'a request is never changed: it may be done, once');
END
"""

_KEEP_ROWS = """
CREATE FUNCTION keep_rows() RETURNS trigger AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are only added', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$ LANGUAGE plpgsql
"""

_KEEP_REQUESTS = """
CREATE FUNCTION keep_requests() RETURNS trigger AS $$
BEGIN
    IF OLD.done_at IS NOT NULL
        OR to_jsonb(NEW) - 'done_at' - 'outcome' - 'message'
            <> to_jsonb(OLD) - 'done_at' - 'outcome' - 'message'
    THEN
        RAISE EXCEPTION 'a request is never changed: it may be done, once'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$ LANGUAGE plpgsql
"""

# As before, but what is flagged as tampered with counts only once staff have accepted it.
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
JOIN grading_runs AS r ON r.id = c.run_id
WHERE c.score IS NOT NULL
  AND (
    r.flags NOT LIKE '%"tampered"%'
    OR EXISTS (
        SELECT 1
        FROM requests AS q
        WHERE q.action = 'accept_flagged'
          AND q.outcome = 'done'
          AND q.payload LIKE '%"' || r.id || '"%'
    )
  )
"""


def upgrade() -> None:
    """Make the new tables, and the grades anew with what is known of the old ones."""
    _make_overrides()
    _make_extensions()
    op.execute("DROP VIEW gradebook_csv")
    op.execute(_GRADEBOOK_CSV)
    if op.get_context().dialect.name == "sqlite":
        _remake_grades()
        _hold_rows()
    else:
        _alter_grades()
        _hold_rows_on_postgresql()


def _make_overrides() -> None:
    op.create_table(
        "overrides",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("request_id", _ID, nullable=False),
        *_place(),
        sa.Column("score", sa.Double),
        sa.Column("points_possible", sa.Double),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("made_by", _NAME, nullable=False),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_overrides")),
        sa.ForeignKeyConstraint(
            ["request_id"], ["requests.id"], name=op.f("fk_overrides_request_id")
        ),
        sa.CheckConstraint(
            "(score IS NULL) = (points_possible IS NULL)", name=op.f("ck_overrides_score_out_of")
        ),
        sa.CheckConstraint("score BETWEEN 0 AND 1e300", name=op.f("ck_overrides_score")),
        sa.CheckConstraint(
            "points_possible BETWEEN 0 AND 1e300", name=op.f("ck_overrides_points_possible")
        ),
    )
    op.create_index("ux_overrides_request", "overrides", ["request_id"], unique=True)
    op.create_index(
        "ix_overrides_student", "overrides", ["student", "course", "section", "assignment"]
    )


def _make_extensions() -> None:
    op.create_table(
        "extensions",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("request_id", _ID, nullable=False),
        *_place(),
        sa.Column("until", _MOMENT, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("made_by", _NAME, nullable=False),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_extensions")),
        sa.ForeignKeyConstraint(
            ["request_id"], ["requests.id"], name=op.f("fk_extensions_request_id")
        ),
    )
    op.create_index(
        "ux_extensions_student",
        "extensions",
        ["student", "course", "section", "assignment", "request_id"],
        unique=True,
    )


def _place() -> list[sa.Column[str]]:
    return [
        sa.Column(name, _NAME, nullable=False)
        for name in ("student", "course", "section", "assignment")
    ]


def _new_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("origin", _WORD, nullable=False),
        sa.Column("override_id", sa.Integer),
        sa.Column("earned", sa.Double),
        sa.Column("earned_possible", sa.Double),
        sa.Column("penalty", sa.Double),
        sa.Column("late_s", sa.Double),
        sa.Column("due_at", _MOMENT),
        sa.Column("policy", sa.Text),
    ]


def _remake_grades() -> None:
    """SQLite cannot let a column be NULL that was not: the table is made anew, its triggers too."""
    op.create_table(
        "grades_new",
        sa.Column("id", sa.Integer, nullable=False),
        *_place(),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("points_possible", sa.Double, nullable=False),
        sa.Column("run_id", _ID),
        sa.Column("submission_id", _ID),
        *_new_columns(),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.Column("superseded_at", _MOMENT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grades")),
        sa.ForeignKeyConstraint(["run_id"], ["grading_runs.id"], name=op.f("fk_grades_run_id")),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name=op.f("fk_grades_submission_id")
        ),
        sa.ForeignKeyConstraint(
            ["override_id"], ["overrides.id"], name=op.f("fk_grades_override_id")
        ),
        *(
            sa.CheckConstraint(rule, name=op.f(f"ck_grades_{name}"))
            for name, rule in _GRADE_RULES.items()
        ),
    )
    op.execute(_AUTOGRADES)
    op.drop_table("grades")
    op.rename_table("grades_new", "grades")
    op.create_index(
        "ux_grades_of_record",
        "grades",
        ["course", "section", "assignment", "student"],
        unique=True,
        sqlite_where=sa.text("superseded_at IS NULL"),
    )
    op.create_index("ix_grades_student", "grades", ["student", "course", "section", "assignment"])
    op.execute(_GRADES_ARE_ONLY_SUPERSEDED)
    op.execute(_GRADES_ARE_NEVER_DELETED)


def _alter_grades() -> None:
    op.alter_column("grades", "run_id", nullable=True)
    op.alter_column("grades", "submission_id", nullable=True)
    origin, *others = _new_columns()
    origin.server_default = sa.DefaultClause("run")  # for the rows that are there
    op.add_column("grades", origin)
    op.alter_column("grades", "origin", server_default=None)
    for column in others:
        op.add_column("grades", column)
    op.create_foreign_key(
        op.f("fk_grades_override_id"), "grades", "overrides", ["override_id"], ["id"]
    )
    op.execute("ALTER TABLE grades DISABLE TRIGGER USER")
    op.execute("UPDATE grades SET earned = score, earned_possible = points_possible, penalty = 0")
    op.execute("ALTER TABLE grades ENABLE TRIGGER USER")
    for name, rule in _GRADE_RULES.items():
        if name not in {"score", "points_possible"}:
            op.create_check_constraint(op.f(f"ck_grades_{name}"), "grades", rule)


def _hold_rows() -> None:
    for table in ("overrides", "extensions"):
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_are_never_{event.lower()}d BEFORE {event} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are only added'); END"
            )
    op.execute(_REQUESTS_ARE_ONLY_DONE)
    op.execute(
        "CREATE TRIGGER requests_are_never_deleted BEFORE DELETE ON requests "
        "BEGIN SELECT RAISE(ABORT, 'a request is never deleted'); END"
    )


def _hold_rows_on_postgresql() -> None:
    op.execute(_KEEP_ROWS)
    op.execute(_KEEP_REQUESTS)
    for table, event in (
        ("overrides", "UPDATE OR DELETE"),
        ("extensions", "UPDATE OR DELETE"),
        ("requests", "DELETE"),
    ):
        op.execute(
            f"CREATE TRIGGER {table}_are_kept BEFORE {event} ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION keep_rows()"
        )
    op.execute(
        "CREATE TRIGGER requests_are_only_done BEFORE UPDATE ON requests "
        "FOR EACH ROW EXECUTE FUNCTION keep_requests()"
    )
