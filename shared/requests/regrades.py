"""What staff may ask for about regrades: start one, let it count, give it up."""

from __future__ import annotations

import enum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shared.requests.payload import EntryId, Name, OfAssignment, Payload

Fingerprint = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")]
"""Of what a regrade would change: enough of a SHA-256 that people can compare it."""


class Choice(enum.StrEnum):
    """Which of each student's submissions a regrade takes, before its other filters.

    `latest` is the one received last, `best` the one whose counted run has the highest percent,
    `failed` are those whose counted run ended without a score.
    """

    ALL = "all"
    LATEST = "latest"
    BEST = "best"
    FAILED = "failed"


class RegradeStartPayload(OfAssignment):
    """Grade submissions again with the autograder zip of now; no grade changes by it.

    The filters narrow what `choice` takes, each of them.

    Attributes:
        choice: which of each student's submissions.
        students: only theirs; empty for everybody's.
        questions: only where one of these did not get full points; empty for any.
        old_zip: only what was graded with another zip than the one of now.
    """

    action: Literal["regrade_start"] = "regrade_start"
    choice: Choice = Choice.ALL
    students: tuple[Name, ...] = ()
    questions: tuple[Annotated[str, Field(min_length=1, max_length=1000)], ...] = ()
    old_zip: bool = False


class RegradeApplyPayload(Payload):
    """Let a regrade's runs count.

    Attributes:
        regrade: which.
        fingerprint: of what was shown; another one now means that who moves has changed.
    """

    action: Literal["regrade_apply"] = "regrade_apply"
    regrade: EntryId
    fingerprint: Fingerprint


class RegradeCancelPayload(Payload):
    """Give a regrade up; every grade stays as it is.

    Attributes:
        regrade: which.
    """

    action: Literal["regrade_cancel"] = "regrade_cancel"
    regrade: EntryId
