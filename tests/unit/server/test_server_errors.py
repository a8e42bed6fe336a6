from __future__ import annotations

import pytest

from gofer_ingest.server import errors as told
from gofer_ingest.server.errors import UNEXPECTED, answer_to
from shared import errors
from shared.errors import (
    GoferError,
    MissingMetadata,
    NotANotebook,
    NotAuthenticated,
    SpoolFull,
    SpoolUnavailable,
    SubmissionRejected,
    TooLarge,
    TooMany,
    UnknownAssignment,
    WrongContentType,
)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotANotebook(), 400, "not_a_notebook"),
        (MissingMetadata(), 400, "missing_metadata"),
        (errors.MalformedMetadata(), 400, "malformed_metadata"),
        (NotAuthenticated(), 401, "not_signed_in"),
        (told.NotAllowed(), 403, "not_allowed"),
        (UnknownAssignment(), 404, "unknown_assignment"),
        (TooLarge(), 413, "too_large"),
        (WrongContentType(), 415, "wrong_content_type"),
        (SubmissionRejected(), 422, "rejected"),
        (TooMany(), 429, "too_many"),
        (told.ServerBusy(), 503, "busy"),
        (SpoolUnavailable(), 503, "storage_unavailable"),
        (SpoolFull(), 507, "storage_full"),
    ],
)
def test_each_error_has_its_status_and_code(error: GoferError, status: int, code: str) -> None:
    answer = answer_to(error)
    assert (answer.status, answer.code) == (status, code)
    assert answer.message.endswith(".")


def test_a_rejection_of_a_kind_not_listed_is_told_as_its_parent() -> None:
    class TooClever(SubmissionRejected):
        """Too clever."""

    assert answer_to(TooClever()).status == 422


def test_our_errors_are_told_without_their_details() -> None:
    answer = answer_to(SpoolUnavailable("cannot write /srv/gofer/spool/tmp: Input/output error"))
    assert "/srv" not in answer.message
    assert "try again" in answer.message
    assert answer_to(SpoolFull("/srv")).message.startswith("The server's disk is full.")


def test_rejections_are_told_in_their_own_words() -> None:
    assert answer_to(NotANotebook("Save it first.")).message == "Save it first."


def test_what_nobody_foresaw_is_a_general_sentence() -> None:
    assert answer_to(ValueError("secret")) is UNEXPECTED
    assert answer_to(GoferError("secret")) is UNEXPECTED


def test_answers_to_try_again_say_when() -> None:
    assert dict(answer_to(TooMany(retry_after_s=7)).headers) == {"Retry-After": "7"}
    assert dict(answer_to(SpoolUnavailable()).headers) == {"Retry-After": "60"}
    assert dict(answer_to(told.WrongMethod(frozenset({"GET", "POST"}))).headers) == {
        "Allow": "GET, POST"
    }
