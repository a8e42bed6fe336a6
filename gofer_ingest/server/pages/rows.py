"""A status as its row on a page shows it: texts alone, which the templates escape. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gofer_ingest.server.status_words import (
    label,
    look,
    override_sentence,
    points_text,
    sentence,
    utc_text,
)

if TYPE_CHECKING:
    from datetime import datetime

    from gofer_ingest.server.enquiries import GivenGrade
    from gofer_ingest.server.status import QuestionsTold, Status
    from shared.model import Score


@dataclass(frozen=True, slots=True)
class Row:
    """One submission. What is empty is not shown.

    Attributes:
        look: by which the colour is chosen.
        attempt: as in `attempt 2`.
        received_at: in ISO 8601, for programs; `received` for people.
        points: earned, and `possible` ones.
        percent: of the points possible that were earned, from 0 to 100.
    """

    id: str = ""
    short_id: str = ""
    url: str = ""
    look: str = "waiting"
    label: str = ""
    message: str = ""
    student: str = ""
    course: str = ""
    section: str = ""
    assignment: str = ""
    attempt: str = ""
    received_at: str = ""
    received: str = ""
    points: str = ""
    possible: str = ""
    percent: str = "0"


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """One question, or all that are not told by themselves."""

    name: str = ""
    points: str = ""
    possible: str = ""
    percent: str = "0"


BLANK = Row()
BLANK_QUESTION = QuestionRow()


def row_of(status: Status, prefix: str) -> Row:
    """Return the row of a submission.

    Args:
        status: of it.
        prefix: path under which the server answers.
    """
    submitted = status.submitted
    score = status.score
    return Row(
        id=submitted.id,
        short_id=submitted.short_id,
        url=f"{prefix}submissions/{submitted.id}",
        look=look(status),
        label=label(status),
        message=sentence(status),
        student=submitted.student,
        course=submitted.key.course,
        section=submitted.key.section,
        assignment=submitted.key.assignment,
        attempt="" if submitted.attempt is None else f"attempt {submitted.attempt}",
        received_at=iso_text(submitted.received_at),
        received=utc_text(submitted.received_at),
        points="" if score is None else points_text(score.points),
        possible="" if score is None else points_text(score.possible),
        percent="0" if score is None else _percent(score.points, score.possible),
    )


def given_row(given: GivenGrade) -> Row:
    """Return the row of a grade that staff set where nothing was handed in."""
    key, score = given.key, given.grade.score
    return Row(
        message=override_sentence(given.grade),
        course=key.course,
        section=key.section,
        assignment=key.assignment,
        points=points_text(score.points),
        possible=points_text(score.possible),
    )


def question_rows(told: QuestionsTold | None) -> tuple[QuestionRow, ...]:
    """Return the rows of the questions that are told by themselves."""
    if told is None:
        return ()
    return tuple(
        QuestionRow(
            name=question.question,
            points=points_text(question.score),
            possible=points_text(question.points_possible),
            percent=_percent(question.score, question.points_possible),
        )
        for question in told.shown
    )


def hidden_row(hidden: Score | None) -> QuestionRow | None:
    """Return the row of all other questions together; None where there are none."""
    if hidden is None:
        return None
    return QuestionRow(
        points=points_text(hidden.points),
        possible=points_text(hidden.possible),
        percent=_percent(hidden.points, hidden.possible),
    )


def iso_text(moment: datetime) -> str:
    """Return a moment as HTML's `datetime` wants it, to the second."""
    return moment.isoformat(timespec="seconds")


def _percent(points: float, possible: float) -> str:
    return f"{max(0.0, min(points / possible, 1.0)) * 100:.0f}" if possible else "0"
