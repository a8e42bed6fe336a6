"""The roster's ids for exports, and rows of the outbox that take a grade back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    for name in ("login", "id_number", "lms_user_id"):
        op.add_column("roster", sa.Column(name, sa.Text))
    op.add_column(
        "passbacks",
        sa.Column("is_withdrawal", sa.Integer, nullable=False, server_default=sa.text("0")),
    )
