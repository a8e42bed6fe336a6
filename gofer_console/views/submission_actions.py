"""The page Submission: what staff can ask for about it and its student's grade."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import streamlit as st
from pydantic import ValidationError

from gofer_console.request_words import about, action_words
from gofer_console.terminal import short_id
from gofer_console.views import chips, foreign, moments, requesting, scores
from gofer_console.views.requesting import Wish
from shared.errors import ConfigError, GoferError, UnknownAssignment
from shared.gradebook.grades import Origin
from shared.model import RunReason, SubmissionId, utc_now
from shared.requests import (
    AcceptFlaggedPayload,
    ExtendPayload,
    Extension,
    OverridePayload,
    RegradeStartPayload,
    StaffRequest,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gofer_console.submission_story import Story
    from gofer_console.views.desk import Desk
    from shared.gradebook.grade_history import PastGrade
    from shared.requests import StaffPayload

_MOST_POINTS: Final = 1e9
_COMMENT_CHARACTERS: Final = 4000


def waiting(here: Desk, story: Story) -> None:
    """Show what was asked for about it, by anybody, and the grader has not done yet."""
    for request in _about(story, here.pending()):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            chips.chip(chips.REQUESTS["pending"])
            words = f"{action_words(request.action)}: {about(request.payload)}"
            foreign.line(f"{words}. Asked for by {request.requested_by}.")


def buttons(here: Desk, story: Story) -> None:
    """Show the buttons, to those who may change things; to others none."""
    if not here.person.may_edit:
        return
    key = short_id(story.id)
    if story.held_run is not None:
        requesting.ask_button(
            here,
            "Accept the run",
            Wish(
                [AcceptFlaggedPayload(run=SubmissionId(story.held_run))],
                "Its score will count, whatever was found in it. It stays flagged.",
                needs_reason=True,
            ),
            key=f"accept_{key}",
            icon=":material/verified:",
            is_primary=True,
        )
    _override(here, story, f"override_{key}")
    _extend(here, story, f"extend_{key}")
    _regrade(here, story, f"regrade_{key}")


def _about(story: Story, requests: Sequence[StaffRequest]) -> list[StaffRequest]:
    """Return those requests that are about this submission, its student's grade, or its runs."""
    runs = {SubmissionId(run.run_id) for run in story.runs}

    def is_about(payload: StaffPayload) -> bool:
        match payload:
            case OverridePayload():
                return payload.student == story.student and payload.key == story.key
            case ExtendPayload():
                return any(
                    one.student == story.student and one.key == story.key
                    for one in payload.extensions
                )
            case RegradeStartPayload():
                is_theirs = not payload.students or story.student in payload.students
                return payload.key == story.key and is_theirs
            case AcceptFlaggedPayload():
                return payload.run in runs
            case _:
                return getattr(payload, "entry", None) == story.id

    return [one for one in requests if is_about(one.payload)]


def _of_record(story: Story) -> PastGrade | None:
    grades = story.history.grades if story.history is not None else ()
    return next((one for one in grades if one.superseded_at is None), None)


def _place(story: Story) -> dict[str, Any]:
    key = story.key
    return {"course": key.course, "section": key.section, "assignment": key.assignment}


def _override(here: Desk, story: Story, key: str) -> None:
    now = _of_record(story)
    run = story.counted
    possible = now.score.possible if now else run.points_possible if run else None

    def fields(turn: int) -> None:
        left, right = st.columns(2)
        with left:
            st.number_input(
                "Points",
                min_value=0.0,
                max_value=_MOST_POINTS,
                value=None,
                format="%g",
                placeholder=f"{now.score.points:g}" if now else None,
                key=f"{key}_score_{turn}",
            )
        with right:
            st.number_input(
                "Out of",
                min_value=0.0,
                max_value=_MOST_POINTS,
                value=possible,
                format="%g",
                key=f"{key}_possible_{turn}",
            )
        st.text_area(
            "Comment to the student (optional)",
            max_chars=_COMMENT_CHARACTERS,
            key=f"{key}_comment_{turn}",
            help="The student reads it beside the score.",
        )

    def made(turn: int) -> list[StaffPayload]:
        score = st.session_state.get(f"{key}_score_{turn}")
        if score is None:
            raise GoferError("Say how many points count.")
        try:
            return [
                OverridePayload(
                    student=story.student,
                    **_place(story),
                    score=score,
                    points_possible=st.session_state.get(f"{key}_possible_{turn}"),
                    comment=str(st.session_state.get(f"{key}_comment_{turn}") or "").strip(),
                )
            ]
        except ValidationError as error:
            raise GoferError(_first_problem(error)) from None

    is_overridden = now is not None and now.origin is Origin.OVERRIDE
    said = "These points will be the grade, whatever the attempts earned."
    if now is not None:
        said += f" Now it is {scores.points(now.score)}."
    requesting.ask_button(
        here,
        "Override",
        Wish([], said, made=made),
        key=key,
        icon=":material/edit:",
        fields=fields,
    )
    if is_overridden:
        requesting.ask_button(
            here,
            "Restore the autograde",
            Wish(
                [OverridePayload(student=story.student, **_place(story), score=None)],
                "What the attempts earned will be the grade again.",
            ),
            key=f"{key}_restore",
            icon=":material/undo:",
        )


def _extend(here: Desk, story: Story, key: str) -> None:
    zone = here.zone(story.key)
    due_at = story.history.until if story.history is not None else None
    said = "Nothing is due for this assignment, so this changes nothing until something is."
    if due_at is None:
        try:
            due_at = here.catalogue.find(story.key).policy.due_at
        except UnknownAssignment:
            due_at = None
        except ConfigError:
            said = "For this student alone. When it is due now stands in the course config."
    # The same from run to run: another proposal would take the place of what somebody has chosen.
    proposed = (due_at or utc_now()).astimezone(zone) + timedelta(days=1)
    local = proposed.replace(tzinfo=None, second=0, microsecond=0)
    if due_at is None:
        local = local.replace(hour=23, minute=59)

    def fields(turn: int) -> None:
        st.datetime_input(f"New due date, in {zone.key}", value=local, key=f"{key}_until_{turn}")

    def made(turn: int) -> list[StaffPayload]:
        until = st.session_state.get(f"{key}_until_{turn}")
        if not isinstance(until, datetime):
            raise GoferError("Say until when.")
        extension = Extension(
            student=story.student, **_place(story), until=until.replace(tzinfo=zone)
        )
        return [ExtendPayload(extensions=(extension,))]

    if due_at is not None:
        said = f"For this student alone. Now it is due {moments.moment(due_at, zone)}."
    requesting.ask_button(
        here,
        "Extend",
        Wish([], said, needs_reason=True, made=made),
        key=key,
        icon=":material/event:",
        fields=fields,
    )


def _regrade(here: Desk, story: Story, key: str) -> None:
    try:
        here.catalogue.find(story.key)
    except (UnknownAssignment, ConfigError):
        return  # there is no zip to grade it with
    number = len(story.attempts)
    if not any(run.reason is RunReason.INITIAL for run in story.runs):
        return
    requesting.ask_button(
        here,
        "Regrade",
        Wish(
            [RegradeStartPayload(**_place(story), students=(story.student,))],
            f"{scores.counted(number, 'attempt')} of this student will be graded again with the "
            "autograder zip of now. No grade changes before you apply it, on the page Regrades.",
            touches=number,
            needs_reason=True,
        ),
        key=key,
        icon=":material/autorenew:",
    )


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    return f"{name}: {first['msg'].removeprefix('Value error, ')}."
