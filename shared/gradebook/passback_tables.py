"""The tables of passback, as they are after the newest migration; a test holds the two together.

`passbacks` is the outbox: one row for each grade that is to go to the LMS, written in the very
transaction that makes the grade. The other two are rows that are only added.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    text,
)

from shared.gradebook.columns import StoredText, UtcDateTime
from shared.gradebook.tables import metadata
from shared.model import NAME_MAX_CHARACTERS

_ID: Final = 36
_WORD: Final = 32
_FINITE: Final = "1e300"
_OPEN: Final = text("state IN ('queued', 'held', 'parked', 'failed')")

passbacks = Table(
    "passbacks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("student", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("course", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("section", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("assignment", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("score", Double, nullable=False),
    Column("points_possible", Double, nullable=False),
    # Whose source says whether it came in a batch; none where staff graded a student by hand.
    Column("submission_id", String(_ID), ForeignKey("submissions.id")),
    # What the LMS is told; of the rows of one student and assignment each has a later one.
    Column("graded_at", UtcDateTime, nullable=False),
    Column("queued_at", UtcDateTime, nullable=False),
    # The request of staff that asked for it by name: it passes by what would hold it.
    Column("request_id", String(_ID), ForeignKey("requests.id")),
    Column("state", String(_WORD), nullable=False),
    Column("cause", String(_WORD)),
    Column("message", StoredText),
    Column("tries", Integer, nullable=False),
    Column("not_before", UtcDateTime, nullable=False),
    Column("answered_at", UtcDateTime),
    Column("answer_status", Integer),
    # When the LMS said that it has it; a row may have arrived and be superseded.
    Column("sent_at", UtcDateTime),
    # What the LMS held when it was asked last.
    Column("read_asked_at", UtcDateTime),
    Column("read_at", UtcDateTime),
    Column("read_fraction", Double),
    Column("read_message", StoredText),
    # Since when the LMS may have it, and has not said so; NULL before it is sent, and once it is
    # known whether it arrived.
    Column("in_doubt_since", UtcDateTime),
    # 1 takes a grade back: there is none of record any more. Its score is the one before.
    Column("is_withdrawal", Integer, nullable=False, server_default=text("0")),
    CheckConstraint(
        "state IN ('queued', 'sent', 'held', 'failed', 'parked', 'superseded')", name="state"
    ),
    CheckConstraint(f"score BETWEEN 0 AND {_FINITE}", name="score"),
    CheckConstraint(f"points_possible BETWEEN 0 AND {_FINITE}", name="points_possible"),
    CheckConstraint("tries >= 0", name="tries"),
    CheckConstraint("state <> 'sent' OR sent_at IS NOT NULL", name="sent"),
    # One on its way for each student and assignment.
    Index(
        "ux_passbacks_open",
        "course",
        "section",
        "assignment",
        "student",
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    ),
    Index("ix_passbacks_student", "student", "course", "section", "assignment"),
    Index("ix_passbacks_due", "state", "not_before"),
    Index("ix_passbacks_read_asked_at", "read_asked_at"),
)

passback_holds = Table(
    "passback_holds",
    metadata,
    Column("id", Integer, primary_key=True),
    # The newest row of an assignment says whether it is held; without one the course config does.
    Column("request_id", String(_ID), ForeignKey("requests.id"), nullable=False),
    Column("course", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("section", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("assignment", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("is_held", Integer, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    CheckConstraint("is_held IN (0, 1)", name="is_held"),
    Index("ix_passback_holds_assignment", "course", "section", "assignment"),
)

roster = Table(
    "roster",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("request_id", String(_ID), ForeignKey("requests.id"), nullable=False),
    Column("student", String(NAME_MAX_CHARACTERS), nullable=False),
    # Empty: of any course, of any assignment.
    Column("course", String(NAME_MAX_CHARACTERS), nullable=False),
    Column("assignment", String(NAME_MAX_CHARACTERS), nullable=False),
    # Of what is NULL an earlier row may say more.
    Column("user_id", StoredText),
    Column("user_id_lti11", StoredText),
    Column("sourcedid", StoredText),
    Column("service_url", StoredText),
    Column("name", StoredText),
    Column("email", StoredText),
    Column("section", StoredText),
    Column("imported_at", UtcDateTime, nullable=False),
    # What exports need of a student: an LMS's importer finds them by other names than LTI's.
    Column("login", StoredText),
    Column("id_number", StoredText),
    Column("lms_user_id", StoredText),
    Index("ix_roster_student", "student"),
    Index("ix_roster_request", "request_id"),
)
