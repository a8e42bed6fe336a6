"""What staff asked for, in words: the same in the terminal and on the pages."""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter, ValidationError

from gofer_console.terminal import short_id
from shared.requests import (
    AcceptFlaggedPayload,
    DiscardPayload,
    ExtendPayload,
    OverridePayload,
    PublishPayload,
    RecomputePayload,
    RegradeApplyPayload,
    RegradeCancelPayload,
    RegradeStartPayload,
    RetryPayload,
    RosterImportPayload,
    Selection,
    StaffPayload,
)

if TYPE_CHECKING:
    from shared.gradebook.audit import AuditEntry
    from shared.model import PublishRule, Score

ACTION_WORDS: Final = {
    "retry": "Retry a failed submission",
    "discard": "Discard a failed submission",
    "accept_flagged": "Accept a flagged run",
    "regrade_start": "Start a regrade",
    "regrade_apply": "Apply a regrade",
    "regrade_cancel": "Cancel a regrade",
    "post_send": "Post grades",
    "post_retry": "Retry posting",
    "post_dismiss": "Dismiss postings",
    "post_hold": "Hold grades",
    "post_release": "Release grades",
    "post_test": "Test the connection",
    "post_reconcile": "Compare with the LMS",
    "roster_import": "Import a roster",
    "override": "Override a grade",
    "extend": "Extend a due date",
    "recompute": "Recompute grades",
    "publish": "Publish results",
    "grade": "Grade changed",
}
"""By the action's name in the envelope; what any other is called is its name."""

_payloads: Final = TypeAdapter[StaffPayload](StaffPayload)


def action_words(action: str) -> str:
    """Return what an action is called."""
    return ACTION_WORDS.get(action, action.replace("_", " ").capitalize())


@singledispatch
def about(payload: object) -> str:
    """Return what a request is about, without its verb; the payload is of `shared.requests`."""
    raise TypeError(f"{type(payload).__name__} is no payload")


@about.register(RecomputePayload)
def _(payload: RecomputePayload) -> str:
    return str(payload.key)


@about.register(RetryPayload)
@about.register(DiscardPayload)
def _(payload: RetryPayload | DiscardPayload) -> str:
    return f"submission {short_id(payload.entry)}"


@about.register(AcceptFlaggedPayload)
def _(payload: AcceptFlaggedPayload) -> str:
    return f"run {short_id(payload.run)}"


@about.register(RegradeStartPayload)
def _(payload: RegradeStartPayload) -> str:
    return f"{payload.key}, {_choice(payload)}"


@about.register(RegradeApplyPayload)
@about.register(RegradeCancelPayload)
def _(payload: RegradeApplyPayload | RegradeCancelPayload) -> str:
    return f"regrade {short_id(payload.regrade)}"


@about.register(RosterImportPayload)
def _(payload: RosterImportPayload) -> str:
    return f"{payload.file}, {_counted(len(payload.rows), 'row')}"


@about.register(OverridePayload)
def _(payload: OverridePayload) -> str:
    score = "back to the autograde" if payload.score is None else f"{payload.score:g}"
    return f"{payload.student}, {payload.key}: {score}"


@about.register(ExtendPayload)
def _(payload: ExtendPayload) -> str:
    first, *others = payload.extensions
    more = f" and {len(others)} more" if others else ""
    return f"{first.student}, {first.key}, until {first.until:%Y-%m-%d %H:%M %Z}{more}"


@about.register(PublishPayload)
def _(payload: PublishPayload) -> str:
    return f"{payload.key}: {rule_words(payload.publish)}"


@about.register(Selection)
def _(payload: Selection) -> str:
    names = (payload.course, payload.section, payload.assignment)
    place = "/".join(name for name in names if name)
    return ", ".join(part for part in (place, payload.student) if part) or "all"


def about_json(payload: str) -> str:
    """Return the same of a payload as the gradebook has it; empty where it cannot be understood."""
    try:
        return about(_payloads.validate_json(payload))
    except ValidationError:
        return ""


def entry_about(entry: AuditEntry) -> str:
    """Return what an entry of the audit list is about."""
    if entry.after is None:
        return about_json(entry.payload)
    before = "no grade" if entry.before is None else _points(entry.before)
    return f"{entry.student}, {entry.key}: {before} → {_points(entry.after)}"


def rule_words(rule: PublishRule | None) -> str:
    """Return when results are shown, in a few words."""
    if rule is None:
        return "as the course config says"
    if rule.starts_at is None:
        return "not before staff publish them"
    if str(rule) == "immediately":
        return "at once"
    return f"from {rule.starts_at:%Y-%m-%d %H:%M} UTC on"


def _choice(payload: RegradeStartPayload) -> str:
    parts = [
        {"all": "all submissions", "failed": "those without a score"}.get(
            payload.choice.value, f"{payload.choice.value} submissions"
        )
    ]
    if payload.students:
        parts.append(_counted(len(payload.students), "student"))
    if payload.questions:
        parts.append(f"not full on {', '.join(payload.questions)}")
    if payload.old_zip:
        parts.append("graded with another zip")
    return ", ".join(parts)


def _points(score: Score) -> str:
    return f"{score.points:.2f} of {score.possible:g}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
