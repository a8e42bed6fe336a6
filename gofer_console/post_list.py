"""How far grades got on their way to the LMS, as a table or as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.table import Table

from gofer_console import terminal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from shared.gradebook.outbox_list import Posting
    from shared.model import Score


def as_table(postings: Iterable[Posting]) -> Table:
    """Return postings as a table."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("assignment", "student"):
        table.add_column(name, overflow="fold")
    for name in ("grade", "state", "LMS has"):
        table.add_column(name, no_wrap=True)
    table.add_column("tries", justify="right", no_wrap=True)
    table.add_column("sent (UTC)", no_wrap=True)
    table.add_column("why", overflow="fold")
    for posting in postings:
        table.add_row(
            terminal.plain(str(posting.key)),
            terminal.plain(posting.student),
            _points(posting.score) if posting.score else "taken back",
            posting.state or "-",
            _held_there(posting),
            str(posting.tries),
            posting.sent_at.strftime("%Y-%m-%d %H:%M") if posting.sent_at else "-",
            terminal.plain(_why(posting)),
        )
    return table


def as_json(postings: Iterable[Posting]) -> str:
    """Return postings as a list of objects."""
    rows = [
        {
            "student": posting.student,
            "course": posting.key.course,
            "section": posting.key.section,
            "assignment": posting.key.assignment,
            "score": posting.score.points if posting.score else None,
            "points_possible": posting.score.possible if posting.score else None,
            "state": posting.state,
            "cause": posting.cause,
            "message": posting.message,
            "tries": posting.tries,
            "not_before": _text(posting.not_before),
            "answered_at": _text(posting.answered_at),
            "answer_status": posting.answer_status,
            "sent_score": posting.sent.points if posting.sent else None,
            "sent_points_possible": posting.sent.possible if posting.sent else None,
            "sent_at": _text(posting.sent_at),
            "lms_read_at": _text(posting.read_at),
            "lms_fraction": posting.read_fraction,
            "lms_message": posting.read_message,
            "lms_differs": posting.differs,
        }
        for posting in postings
    ]
    return json.dumps(rows, indent=2)


def _held_there(posting: Posting) -> str:
    """What the LMS has: as it was read last, else as it was sent."""
    if posting.differs and posting.read_fraction is not None:
        return f"{100 * posting.read_fraction:.1f} % DIFFERS"
    if posting.sent_at is not None and posting.sent is None:
        return "none"
    return _points(posting.sent) if posting.sent else "-"


def _why(posting: Posting) -> str:
    said = posting.message or ""
    if posting.read_at is not None and posting.read_fraction is None:
        said = f"{said} Asked what it holds: {posting.read_message}".strip()
    return said


def _points(score: Score) -> str:
    return f"{score.points:g} of {score.possible:g}"


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
