"""What staff decide about single students: a score in place of the autograde, a new due date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gofer_ingest.grader.staff_actions.answer import Answer, Means
from shared.errors import UnknownAssignment
from shared.gradebook.staff_decisions import (
    grade_now,
    record_extensions,
    record_override,
    usual_points,
)
from shared.gradebook.staff_requests import Outcome
from shared.model import Score

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.grade_policy import GradePolicy
    from shared.gradebook.policy import Grade
    from shared.model import AssignmentKey
    from shared.requests import ExtendPayload, OverridePayload, StaffRequest

_NAMED: Final = 5


def override(means: Means, request: StaffRequest, payload: OverridePayload) -> Answer:
    """Let staff's score be the grade, or the autograde again."""
    key = payload.key
    try:
        policy = means.catalogue.find(key).policy
    except UnknownAssignment:
        return Answer(Outcome.REFUSED, f"The catalogue has no {key}.")
    grade = grade_now(means.gradebook, payload.student, key, policy)
    if payload.score is None:
        if grade is None or grade.override is None:
            return Answer(Outcome.REFUSED, f"No score of staff's counts for {key}.")
        score, message = None, _restored(grade)
    else:
        possible = _points_possible(means, payload, grade, policy)
        if possible is None:
            return Answer(
                Outcome.REFUSED,
                f"Nobody has a grade for {key} yet: say out of how many points it is.",
            )
        score = Score(payload.score, possible)
        message = f"{_points(score)} counts from now on. Beneath it: {_beneath(grade)}"
    record_override(means.gradebook, request, payload, score, policy, message)
    return Answer(Outcome.DONE, message)


def extend(means: Means, request: StaffRequest, payload: ExtendPayload) -> Answer:
    """Give students new due dates, all or none."""
    policies: dict[AssignmentKey, GradePolicy] = {}
    unknown, never_due = set(), set()
    for key in {extension.key for extension in payload.extensions}:
        try:
            policies[key] = means.catalogue.find(key).policy
        except UnknownAssignment:
            unknown.add(key)
        else:
            if policies[key].due_at is None:
                never_due.add(key)
    if unknown:
        return Answer(Outcome.REFUSED, f"The catalogue has no {_list(unknown)}.")
    if never_due:
        return Answer(Outcome.REFUSED, f"There is no due date to extend of {_list(never_due)}.")
    number = len(payload.extensions)
    message = f"{number} due date{'s' * (number != 1)} set."
    record_extensions(means.gradebook, request, payload, policies, message)
    return Answer(Outcome.DONE, message)


def _points_possible(
    means: Means, payload: OverridePayload, grade: Grade | None, policy: GradePolicy
) -> float | None:
    if payload.points_possible is not None:
        return payload.points_possible
    if grade is not None and grade.autograde is not None:
        return grade.autograde.earned.possible
    if policy.points is not None:
        return policy.points
    return usual_points(means.gradebook, payload.key)


def _restored(grade: Grade) -> str:
    if grade.autograde is None:
        return "Staff's score counts no longer, and nothing else gives the student a grade."
    return f"The autograde counts again: {_points(grade.autograde.score)}."


def _beneath(grade: Grade | None) -> str:
    if grade is None:
        return "nothing, for no notebook of this student has a grade here. Is the name right?"
    if grade.autograde is None:
        return "no autograde."
    return f"the autograde, {_points(grade.autograde.score)}."


def _points(score: Score) -> str:
    return f"{score.points:g} of {score.possible:g}"


def _list(keys: Iterable[AssignmentKey]) -> str:
    names = [str(key) for key in sorted(keys)]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
