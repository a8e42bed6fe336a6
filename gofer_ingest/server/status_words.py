"""A status in words and as JSON. Pure; every sentence that a student reads of one stands here."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from gofer_ingest.server.status import Hold, State
from shared.model import Verdict

if TYPE_CHECKING:
    from datetime import datetime

    from gofer_ingest.server.enquiries import GivenGrade
    from gofer_ingest.server.status import QuestionsTold, Status
    from shared.gradebook.history import GradeTold
    from shared.model import Score

PAUSED: Final = "Grading is paused at the moment; your submission is safe and keeps its place."
BLOCKED: Final = (
    "This assignment is not ready for grading yet; your submission is safe, and its turn comes "
    "when it is."
)
SET_ASIDE: Final = (
    "It could not be graded. This is our failure, not yours; your teachers were told, and nothing "
    "is lost."
)
NOT_YET: Final = "Grading is done. Scores are not shown yet."
HELD: Final = (
    "It was graded. Your teachers look at this submission before it counts, and no score is shown "
    "until then. You need not do anything; ask them if you wonder why."
)
OUT_OF_REACH: Final = "Grading is done. The result cannot be shown at the moment; look again soon."

_LABELS: Final = {
    State.WAITING: "Waiting",
    State.RUNNING: "Being graded",
    State.RECORDED: "Done",
    State.SET_ASIDE: "Set aside",
}
_VERDICT_LABELS: Final = {
    Verdict.GRADED: "Graded",
    Verdict.TIMED_OUT: "Took too long",
    Verdict.OUT_OF_MEMORY: "Out of memory",
    Verdict.CRASHED: "Stopped working",
    Verdict.INVALID: "Not gradable",
}

_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_DAY_S: Final = 86_400
_A_MOMENT_S: Final = 10
_SECONDS_UP_TO_S: Final = 55
_MINUTES_UP_TO_S: Final = 55 * 60


def label(status: Status) -> str:
    """Return the status in one to three words."""
    if status.is_held:
        return "With your teachers"
    return _LABELS[status.state] if status.verdict is None else _VERDICT_LABELS[status.verdict]


def look(status: Status) -> str:
    """Return the one word by which pages choose a colour: the state, or how it ended."""
    if status.verdict is None:
        return status.state.value
    return "graded" if status.verdict.has_score else "no_score"


def sentence(status: Status) -> str:
    """Return the status in one or two sentences."""
    match status.state:
        case State.WAITING:
            return _waiting(status)
        case State.RUNNING:
            usual = "" if status.typical_s is None else f" That usually takes {_about(status)}."
            return f"It is being graded right now.{usual}"
        case State.SET_ASIDE:
            return SET_ASIDE
        case State.RECORDED:
            return _recorded(status)


def _recorded(status: Status) -> str:
    if not status.is_published:
        if status.publishes_at is None:
            return NOT_YET
        return f"Grading is done. Scores are shown from {utc_text(status.publishes_at)} on."
    if status.is_held:
        return HELD
    if status.verdict is None:
        return OUT_OF_REACH
    if status.score is None:
        return status.student_text
    return f"Graded: {score_text(status.score)} points."


def grade_sentence(status: Status) -> str:
    """Return what the student's grade is and what made it; empty where nothing is told of it."""
    grade = status.grade
    if grade is None:
        return ""
    if grade.is_override:
        return override_sentence(grade)
    is_this = grade.submission_id == status.submitted.id
    text = (
        f"Your grade for this assignment is {score_text(grade.score)} points, from "
        f"{'this' if is_this else 'another'} submission."
    )
    if not grade.late_s:
        return text
    if grade.earned is None or not grade.penalty:
        return f"{text} It came {late_text(grade.late_s)} late, which took nothing off."
    return (
        f"{text} It came {late_text(grade.late_s)} late, which took {100 * grade.penalty:.3g} "
        f"percent off the {points_text(grade.earned.points)} points that it earned."
    )


def override_sentence(grade: GradeTold) -> str:
    """Return what the student is told of a grade that staff set."""
    comment = f" They say: {grade.comment}" if grade.comment else ""
    return (
        f"Your teachers set your grade for this assignment: {score_text(grade.score)} points."
        f"{comment}"
    )


def late_text(seconds: float) -> str:
    """Return how late something is, as people say it; never less than it is."""
    for unit_s, name in ((_DAY_S, "day"), (_HOUR_S, "hour"), (_MINUTE_S, "minute")):
        if seconds > 2 * unit_s or name == "minute":
            number = math.ceil(seconds / unit_s)
            break
    return f"{number} {name}{'s' * (number != 1)}"


def score_text(score: Score) -> str:
    """Return points earned and possible, as `8.5 of 10`."""
    return f"{points_text(score.points)} of {points_text(score.possible)}"


def points_text(points: float) -> str:
    """Return points with two decimals at most."""
    return f"{points:.2f}".rstrip("0").rstrip(".")


def utc_text(moment: datetime) -> str:
    """Return a moment as people read it, in UTC."""
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def duration_text(seconds: float) -> str:
    """Return a duration roughly, as nobody can know it better."""
    if seconds < _A_MOMENT_S:
        return "a few seconds"
    if seconds < _SECONDS_UP_TO_S:
        return f"about {round(seconds / 10) * 10} seconds"
    if seconds < _MINUTES_UP_TO_S:
        minutes = max(round(seconds / _MINUTE_S), 1)
        return "about a minute" if minutes == 1 else f"about {minutes} minutes"
    hours = max(round(seconds / _HOUR_S), 1)
    return "about an hour" if hours == 1 else f"about {hours} hours"


def as_json(status: Status, prefix: str) -> dict[str, Any]:
    """Return what a program reads.

    Args:
        status: of one submission.
        prefix: path under which the server answers.
    """
    submitted = status.submitted
    return {
        "id": submitted.id,
        "short_id": submitted.short_id,
        "state": status.state.value,
        "label": label(status),
        "message": sentence(status),
        "is_open": status.is_open,
        "sha256": submitted.sha256,
        "received_at": submitted.received_at.isoformat(),
        "student": submitted.student,
        "course": submitted.key.course,
        "section": submitted.key.section,
        "assignment": submitted.key.assignment,
        "attempt": submitted.attempt,
        "position": status.position,
        "expected_wait_s": _rounded(status.expected_wait_s),
        "published": status.is_published,
        "publishes_at": None if status.publishes_at is None else status.publishes_at.isoformat(),
        "held": status.is_held,
        "verdict": None if status.verdict is None else status.verdict.value,
        "score": None if status.score is None else status.score.points,
        "points_possible": None if status.score is None else status.score.possible,
        "student_text": status.student_text,
        "graded_at": None if status.graded_at is None else status.graded_at.isoformat(),
        **_questions(status.questions),
        "grade": status.grade and status.grade.score.points,
        "grade_points_possible": status.grade and status.grade.score.possible,
        "grade_text": grade_sentence(status),
        "status_url": f"{prefix}submissions/{submitted.id}",
    }


def given_as_json(given: GivenGrade) -> dict[str, Any]:
    """Return what a program reads of a grade without a submission."""
    key, grade = given.key, given.grade
    return {
        "course": key.course,
        "section": key.section,
        "assignment": key.assignment,
        "grade": grade.score.points,
        "grade_points_possible": grade.score.possible,
        "grade_text": override_sentence(grade),
    }


def _questions(told: QuestionsTold | None) -> dict[str, Any]:
    if told is None:
        return {"questions": None, "hidden_questions": None}
    shown = [
        {
            "question": question.question,
            "score": question.score,
            "points_possible": question.points_possible,
        }
        for question in told.shown
    ]
    hidden = told.hidden and {
        "score": told.hidden.points,
        "points_possible": told.hidden.possible,
    }
    return {"questions": shown, "hidden_questions": hidden}


def _waiting(status: Status) -> str:
    match status.hold:
        case Hold.PAUSED:
            return PAUSED
        case Hold.BLOCKED:
            return BLOCKED
    place = "next in line" if status.position == 1 else f"number {status.position} in line"
    if status.expected_wait_s is None:
        return f"Yours is {place}."
    return f"Yours is {place}; its turn comes in {duration_text(status.expected_wait_s)}."


def _about(status: Status) -> str:
    return duration_text(status.typical_s or 0.0)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
