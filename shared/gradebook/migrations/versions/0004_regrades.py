"""Regrades: which submissions each one takes, and what came of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# The types as they were at this revision; `shared.gradebook.columns` may move on.
_MOMENT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
_NAME = sa.String(255)
_ID = sa.String(36)
_DIGEST = sa.String(64)
_WORD = sa.String(32)


def upgrade() -> None:
    """Make the two tables."""
    op.create_table(
        "regrades",
        sa.Column("id", _ID, nullable=False),
        sa.Column("course", _NAME, nullable=False),
        sa.Column("section", _NAME, nullable=False),
        sa.Column("assignment", _NAME, nullable=False),
        sa.Column("autograder_sha256", _DIGEST, nullable=False),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.Column("outcome", _WORD),
        sa.Column("ended_at", _MOMENT),
        sa.Column("ended_by", _ID),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_regrades")),
        sa.CheckConstraint("outcome IN ('applied', 'cancelled')", name=op.f("ck_regrades_outcome")),
        sa.CheckConstraint(
            "(outcome IS NULL) = (ended_at IS NULL) AND (outcome IS NULL) = (ended_by IS NULL)",
            name=op.f("ck_regrades_ended"),
        ),
    )
    op.create_index("ix_regrades_assignment", "regrades", ["course", "section", "assignment"])
    op.create_table(
        "regrade_items",
        sa.Column("id", _ID, nullable=False),
        sa.Column("regrade_id", _ID, nullable=False),
        sa.Column("submission_id", _ID, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("given_up_at", _MOMENT),
        sa.Column("problem", sa.Text),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_regrade_items")),
        sa.ForeignKeyConstraint(
            ["regrade_id"], ["regrades.id"], name=op.f("fk_regrade_items_regrade_id")
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name=op.f("fk_regrade_items_submission_id")
        ),
        sa.CheckConstraint("tries >= 0", name=op.f("ck_regrade_items_tries")),
        sa.CheckConstraint(
            "(given_up_at IS NULL) = (problem IS NULL)", name=op.f("ck_regrade_items_problem")
        ),
    )
    op.create_index(
        "ux_regrade_items_submission",
        "regrade_items",
        ["regrade_id", "submission_id"],
        unique=True,
    )
