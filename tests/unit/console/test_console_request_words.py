"""Every request of staff has words of its own, in the terminal and on the pages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

import pytest

from gofer_console.request_words import ACTION_WORDS, about, about_json, action_words, rule_words
from shared.model import PublishRule, SubmissionId, new_submission_id
from shared.requests import (
    AcceptFlaggedPayload,
    Choice,
    DiscardPayload,
    ExtendPayload,
    Extension,
    OverridePayload,
    PostDismissPayload,
    PostHoldPayload,
    PostReconcilePayload,
    PostReleasePayload,
    PostRetryPayload,
    PostSendPayload,
    PostTestPayload,
    PublishPayload,
    RecomputePayload,
    RegradeApplyPayload,
    RegradeCancelPayload,
    RegradeStartPayload,
    RetryPayload,
    RosterImportPayload,
    RosterRow,
    StaffPayload,
)

ID = SubmissionId(new_submission_id())
END = ID[-8:]
PLACE = {"course": "demo101", "section": "fa26", "assignment": "lab01"}
UNTIL = datetime(2026, 12, 1, 18, tzinfo=UTC)

SAMPLES: list[tuple[StaffPayload, str]] = [
    (RetryPayload(entry=ID), f"submission {END}"),
    (DiscardPayload(entry=ID), f"submission {END}"),
    (AcceptFlaggedPayload(run=ID), f"run {END}"),
    (RegradeStartPayload(**PLACE), "demo101/fa26/lab01, all submissions"),
    (
        RegradeStartPayload(
            **PLACE, choice=Choice.BEST, students=("ada",), questions=("q1",), old_zip=True
        ),
        "demo101/fa26/lab01, best submissions, 1 student, not full on q1, graded with another zip",
    ),
    (RegradeApplyPayload(regrade=ID, fingerprint="0" * 12), f"regrade {END}"),
    (RegradeCancelPayload(regrade=ID), f"regrade {END}"),
    (PostSendPayload(every=True), "all"),
    (PostRetryPayload(**PLACE, student="ada"), "demo101/fa26/lab01, ada"),
    (PostDismissPayload(student="ada"), "ada"),
    (PostHoldPayload(assignment="lab01"), "lab01"),
    (PostReleasePayload(course="demo101"), "demo101"),
    (PostTestPayload(every=True), "all"),
    (PostReconcilePayload(student="ada"), "ada"),
    (
        RosterImportPayload(file="roster.csv", rows=(RosterRow(student="ada"),)),
        "roster.csv, 1 row",
    ),
    (OverridePayload(student="ada", score=8.5, **PLACE), "ada, demo101/fa26/lab01: 8.5"),
    (
        OverridePayload(student="ada", score=None, **PLACE),
        "ada, demo101/fa26/lab01: back to the autograde",
    ),
    (
        ExtendPayload(
            extensions=tuple(
                Extension(student=name, until=UNTIL, **PLACE) for name in ("ada", "ben", "cy")
            )
        ),
        "ada, demo101/fa26/lab01, until 2026-12-01 18:00 UTC and 2 more",
    ),
    (RecomputePayload(**PLACE), "demo101/fa26/lab01"),
    (
        PublishPayload(**PLACE, rule="manual"),
        "demo101/fa26/lab01: not before staff publish them",
    ),
]


@pytest.mark.parametrize(("payload", "said"), SAMPLES)
def test_a_request_is_told_in_words_from_what_the_gradebook_keeps(
    payload: StaffPayload, said: str
) -> None:
    assert about(payload) == said
    assert about_json(payload.model_dump_json()) == said
    assert action_words(payload.action) == ACTION_WORDS[payload.action]


def test_every_action_that_there_is_has_words() -> None:
    actions = {model.model_fields["action"].default for model in get_args(StaffPayload)}
    assert {type(payload) for payload, _ in SAMPLES} == set(get_args(StaffPayload))
    assert actions | {"grade"} == set(ACTION_WORDS)


def test_what_an_older_or_newer_gofer_wrote_is_told_without_failing() -> None:
    assert about_json('{"action": "polish"}') == ""
    assert about_json("") == ""
    assert action_words("polish_all") == "Polish all"


def test_rules_of_publishing_are_told() -> None:
    assert rule_words(None) == "as the course config says"
    assert rule_words(PublishRule.parse("immediately")) == "at once"
    assert rule_words(PublishRule.parse(UNTIL)) == "from 2026-12-01 18:00 UTC on"
