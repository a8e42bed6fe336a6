"""Passback: the outbox, the switches that hold an assignment's grades, and the roster."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# The types as they were at this revision; `shared.gradebook.columns` may move on.
_MOMENT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
_NAME = sa.String(255)
_ID = sa.String(36)
_WORD = sa.String(32)

_OPEN = sa.text("state IN ('queued', 'held', 'parked', 'failed')")


def upgrade() -> None:
    """Make what passback needs."""
    _make_passbacks()
    _make_holds()
    _make_roster()
    _keep_rows()


def _make_passbacks() -> None:
    op.create_table(
        "passbacks",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("student", _NAME, nullable=False),
        sa.Column("course", _NAME, nullable=False),
        sa.Column("section", _NAME, nullable=False),
        sa.Column("assignment", _NAME, nullable=False),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("points_possible", sa.Double, nullable=False),
        sa.Column("submission_id", _ID),
        sa.Column("graded_at", _MOMENT, nullable=False),
        sa.Column("queued_at", _MOMENT, nullable=False),
        sa.Column("request_id", _ID),
        sa.Column("state", _WORD, nullable=False),
        sa.Column("cause", _WORD),
        sa.Column("message", sa.Text),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("not_before", _MOMENT, nullable=False),
        sa.Column("answered_at", _MOMENT),
        sa.Column("answer_status", sa.Integer),
        sa.Column("sent_at", _MOMENT),
        sa.Column("read_asked_at", _MOMENT),
        sa.Column("read_at", _MOMENT),
        sa.Column("read_fraction", sa.Double),
        sa.Column("read_message", sa.Text),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passbacks")),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name=op.f("fk_passbacks_submission_id")
        ),
        sa.ForeignKeyConstraint(
            ["request_id"], ["requests.id"], name=op.f("fk_passbacks_request_id")
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'sent', 'held', 'failed', 'parked', 'superseded')",
            name=op.f("ck_passbacks_state"),
        ),
        sa.CheckConstraint("score BETWEEN 0 AND 1e300", name=op.f("ck_passbacks_score")),
        sa.CheckConstraint(
            "points_possible BETWEEN 0 AND 1e300", name=op.f("ck_passbacks_points_possible")
        ),
        sa.CheckConstraint("tries >= 0", name=op.f("ck_passbacks_tries")),
        sa.CheckConstraint(
            "state <> 'sent' OR sent_at IS NOT NULL", name=op.f("ck_passbacks_sent")
        ),
    )
    op.create_index(
        "ux_passbacks_open",
        "passbacks",
        ["course", "section", "assignment", "student"],
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    op.create_index(
        "ix_passbacks_student", "passbacks", ["student", "course", "section", "assignment"]
    )
    op.create_index("ix_passbacks_due", "passbacks", ["state", "not_before"])
    op.create_index("ix_passbacks_read_asked_at", "passbacks", ["read_asked_at"])


def _make_holds() -> None:
    op.create_table(
        "passback_holds",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("request_id", _ID, nullable=False),
        sa.Column("course", _NAME, nullable=False),
        sa.Column("section", _NAME, nullable=False),
        sa.Column("assignment", _NAME, nullable=False),
        sa.Column("is_held", sa.Integer, nullable=False),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passback_holds")),
        sa.ForeignKeyConstraint(
            ["request_id"], ["requests.id"], name=op.f("fk_passback_holds_request_id")
        ),
        sa.CheckConstraint("is_held IN (0, 1)", name=op.f("ck_passback_holds_is_held")),
    )
    op.create_index(
        "ix_passback_holds_assignment", "passback_holds", ["course", "section", "assignment"]
    )


def _make_roster() -> None:
    op.create_table(
        "roster",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("request_id", _ID, nullable=False),
        sa.Column("student", _NAME, nullable=False),
        sa.Column("course", _NAME, nullable=False),
        sa.Column("assignment", _NAME, nullable=False),
        sa.Column("user_id", sa.Text),
        sa.Column("user_id_lti11", sa.Text),
        sa.Column("sourcedid", sa.Text),
        sa.Column("service_url", sa.Text),
        sa.Column("name", sa.Text),
        sa.Column("email", sa.Text),
        sa.Column("section", sa.Text),
        sa.Column("imported_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster")),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_roster_request_id")),
    )
    op.create_index("ix_roster_student", "roster", ["student"])
    op.create_index("ix_roster_request", "roster", ["request_id"])


def _keep_rows() -> None:
    is_postgresql = op.get_context().dialect.name == "postgresql"
    for table in ("passback_holds", "roster"):
        for event in ("UPDATE", "DELETE"):
            does = (
                "FOR EACH ROW EXECUTE FUNCTION keep_rows()"
                if is_postgresql
                else f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are only added'); END"
            )
            name = f"{table}_are_never_{event.lower()}d"
            op.execute(f"CREATE TRIGGER {name} BEFORE {event} ON {table} {does}")
