"""Since when it is in doubt whether the LMS has a grade."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
# Not with them: refusals of whoever is not let in. They count no try, so a row that was tried and
# says one of them now was sent before.
_NOT_TAKEN = (
    *("address", "ambiguous", "closed", "not_found", "refused", "score", "too_old"),
    *("unknown_user", "unreadable", "unsupported"),
)


def upgrade() -> None:
    """Add the column; of what was tried or may have been on its way nobody knows."""
    op.add_column("passbacks", sa.Column("in_doubt_since", _MOMENT))
    names = ("cause", "tries", "queued_at", "answered_at", "sent_at", "in_doubt_since")
    passbacks = sa.table("passbacks", *(sa.column(name) for name in names))
    c = passbacks.c
    was_tried = sa.or_(
        c.tries > 1,
        sa.and_(c.tries == 1, sa.func.coalesce(c.cause, "").not_in(_NOT_TAKEN)),
        sa.and_(c.tries == 0, sa.or_(c.cause.is_(None), c.answered_at.is_not(None))),
    )
    op.execute(
        sa.update(passbacks)
        .where(c.sent_at.is_(None), was_tried)
        .values(in_doubt_since=c.queued_at)
    )
