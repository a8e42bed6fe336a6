"""Who did what, when and why: requests of staff and changes of grades, as one list.

A grade that is superseded and the one that takes its place are one change. What a submission's
first grade was counts as a change too, made by whoever handed it in.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    Double,
    Integer,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)

from shared.gradebook import tables
from shared.gradebook.columns import StoredText
from shared.gradebook.searching import contains
from shared.gradebook.transactions import reading
from shared.model import AssignmentKey, Score, storable_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Engine, Row, Select, Subquery


class Kind(enum.StrEnum):
    """What an entry of the list is about: something that staff asked for, or a grade's change."""

    REQUEST = "request"
    GRADE = "grade"


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries are wanted: what is empty or None wants all, and every other one must hold.

    Attributes:
        kinds: any of these.
        actions: of requests, any of these; wants no change of a grade.
        by: whoever asked, or whose doing a change is; compared exactly.
        search: in names, reasons, answers and what was asked for, without regard to case.
        since: then or later; aware.
        before: earlier than this; aware.
    """

    kinds: tuple[Kind, ...] = ()
    actions: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    search: str = ""
    since: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One request, or one change of a grade.

    Attributes:
        id: of the request, or the number of the grade's row.
        action: of the request; for a grade `grade`.
        by: who asked; for a grade who set it, or whose submission made it.
        at: when it was asked for, or the grade changed.
        why: the reason that was given.
        payload: of a request, JSON as it was asked for; empty for a grade.
        outcome: of a request, `done`, `refused` or `failed`; empty for a grade.
        message: what came of a request, in words.
        student: of a grade.
        key: of a grade.
        before: the grade until then; None where there was none.
        after: the grade from then on.
    """

    kind: Kind
    id: str
    action: str
    by: str
    at: datetime
    why: str
    payload: str = ""
    outcome: str = ""
    message: str = ""
    student: str = ""
    key: AssignmentKey | None = None
    before: Score | None = None
    after: Score | None = None


def audit_page(
    engine: Engine, wanted: AuditFilter, *, limit: int, offset: int = 0
) -> tuple[AuditEntry, ...]:
    """Return a page of what happened, the newest first.

    Args:
        engine: of the gradebook.
        wanted: which.
        limit: how many at most.
        offset: how many newer ones to leave out.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    rows = _wanted_rows(wanted, most=limit + offset)
    if rows is None:
        return ()
    # Applying a regrade makes many at one moment: numbers tell them apart, and as text they would
    # be in another order than that by which each kind was cut.
    order = (rows.c.at.desc(), rows.c.number.desc(), rows.c.id.desc())
    statement = select(rows).order_by(*order)
    with reading(engine, "be read") as connection:
        found = connection.execute(statement.limit(limit).offset(offset))
        return tuple(map(_entry, found))


def count_audit(engine: Engine, wanted: AuditFilter) -> int:
    """Count them.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    rows = _wanted_rows(wanted)
    if rows is None:
        return 0
    with reading(engine, "be read") as connection:
        return connection.scalar(select(func.count()).select_from(rows)) or 0


def requesters(engine: Engine) -> tuple[str, ...]:
    """Return who ever asked for something, in the order of their names.

    Raises:
        GradebookError: the gradebook cannot be read.
    """
    name = tables.requests.c.requested_by
    with reading(engine, "be read") as connection:
        return tuple(connection.scalars(select(name).distinct().order_by(name)))


def _wanted_rows(wanted: AuditFilter, most: int | None = None) -> Subquery | None:
    """Return the rows; of each kind only the newest `most`, which spares sorting all there are."""
    kinds = set(wanted.kinds or Kind)
    if wanted.actions:
        kinds.discard(Kind.GRADE)
    parts = []
    if Kind.REQUEST in kinds:
        newest = (tables.requests.c.received_at.desc(), tables.requests.c.id.desc())
        parts.append(_newest(_requests(wanted), newest, most))
    if Kind.GRADE in kinds:
        # Rows are added as grades change, so that the newest has the highest number.
        parts.append(_newest(_changes(wanted), (tables.grades.c.id.desc(),), most))
    return union_all(*parts).subquery() if parts else None


def _newest(
    statement: Select[Any], order: Sequence[ColumnElement[Any]], most: int | None
) -> Select[Any]:
    if most is None:
        return statement
    return select(statement.order_by(*order).limit(most).subquery())


def _requests(wanted: AuditFilter) -> Select[Any]:
    requests = tables.requests.c
    statement = select(
        literal(Kind.REQUEST.value, String).label("kind"),
        requests.id.label("id"),
        literal(0, Integer).label("number"),
        requests.action.label("action"),
        requests.requested_by.label("by"),
        requests.received_at.label("at"),
        requests.reason.label("why"),
        requests.payload.label("payload"),
        func.coalesce(requests.outcome, "").label("outcome"),
        func.coalesce(requests.message, "", type_=StoredText).label("message"),
        literal("", String).label("student"),
        literal("", String).label("course"),
        literal("", String).label("section"),
        literal("", String).label("assignment"),
        *(cast(null(), Double).label(name) for name in _SCORES),
    )
    if wanted.actions:
        statement = statement.where(requests.action.in_(wanted.actions))
    texts = (requests.requested_by, requests.reason, requests.payload, requests.message)
    return statement.where(*_conditions(wanted, requests.received_at, requests.requested_by, texts))


_SCORES: Final = ("before", "before_of", "after", "after_of")


def _changes(wanted: AuditFilter) -> Select[Any]:
    grades, past = tables.grades.c, tables.grades.alias("past")
    overrides, submissions = tables.overrides.c, tables.submissions.c
    by = case((grades.origin == "override", overrides.made_by), else_=submissions.requested_by)
    # The row that this one took the place of ended at the moment when this one was made.
    is_before = and_(
        *(past.c[name] == grades[name] for name in ("student", "course", "section", "assignment")),
        past.c.superseded_at == grades.made_at,
        past.c.id < grades.id,
    )
    statement = select(
        literal(Kind.GRADE.value, String).label("kind"),
        cast(grades.id, String).label("id"),
        grades.id.label("number"),
        literal("grade", String).label("action"),
        func.coalesce(by, "").label("by"),
        grades.made_at.label("at"),
        func.coalesce(overrides.comment, "", type_=StoredText).label("why"),
        literal("", StoredText).label("payload"),
        literal("", String).label("outcome"),
        literal("", StoredText).label("message"),
        grades.student.label("student"),
        grades.course.label("course"),
        grades.section.label("section"),
        grades.assignment.label("assignment"),
        past.c.score.label("before"),
        past.c.points_possible.label("before_of"),
        grades.score.label("after"),
        grades.points_possible.label("after_of"),
    ).select_from(
        tables.grades.outerjoin(past, is_before)
        .outerjoin(tables.overrides, overrides.id == grades.override_id)
        .outerjoin(tables.submissions, submissions.id == grades.submission_id)
    )
    texts = (grades.student, grades.course, grades.section, grades.assignment, overrides.comment)
    return statement.where(*_conditions(wanted, grades.made_at, by, texts))


def _conditions(
    wanted: AuditFilter,
    at: ColumnElement[Any],
    by: ColumnElement[Any],
    texts: Sequence[ColumnElement[Any]],
) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.by:
        found.append(by.in_([storable_text(name) for name in wanted.by]))
    if wanted.since is not None:
        found.append(at >= wanted.since)
    if wanted.before is not None:
        found.append(at < wanted.before)
    if wanted.search:
        found.append(or_(*(contains(cast(text, String), wanted.search) for text in texts)))
    return found


def _entry(row: Row[Any]) -> AuditEntry:
    kind = Kind(row.kind)
    if kind is Kind.REQUEST:
        return AuditEntry(
            kind,
            row.id,
            row.action,
            row.by,
            row.at,
            row.why,
            payload=row.payload,
            outcome=row.outcome,
            message=row.message,
        )
    return AuditEntry(
        kind,
        row.id,
        row.action,
        row.by,
        row.at,
        row.why,
        student=row.student,
        key=AssignmentKey(row.course, row.section, row.assignment),
        before=None if row.before is None else Score(row.before, row.before_of),
        after=Score(row.after, row.after_of),
    )
