"""How each error is told over HTTP: one table of statuses, one place for the words.

What a student reads is either an error's public message, written for students, or the fixed
sentence of its class: the text of an error of ours may name paths, and stays in the log.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from shared.errors import (
    GoferError,
    MalformedMetadata,
    MissingMetadata,
    NotANotebook,
    NotAuthenticated,
    SpoolFull,
    SpoolUnavailable,
    SubmissionRejected,
    TooLarge,
    TooMany,
    UnknownAssignment,
    UnknownEntry,
    WrongContentType,
)


class BadName(SubmissionRejected):
    """This name cannot be used as a student's name."""


class NotAllowed(GoferError):
    """This request is not allowed."""


class IdentityUnavailable(GoferError):
    """Who you are cannot be checked just now. Nothing was accepted; try again in a minute."""


class NotFound(GoferError):
    """There is nothing here. Check the address."""


class UnknownSubmission(UnknownEntry):
    """There is no submission of yours under this address.

    Check the address, and whether you are signed in under the right name.
    """


class BadQuery(GoferError):
    """What stands behind the question mark of this address cannot be used."""


class WrongMethod(GoferError):
    """This address does not take this kind of request."""

    def __init__(self, allowed: frozenset[str]) -> None:
        super().__init__()
        self.allowed = allowed


class WrongExpectation(GoferError):
    """Of the Expect header, only 100-continue is understood here."""


class ServerBusy(GoferError):
    """Many submissions are arriving right now. Nothing was accepted; try again in a minute."""


class TooManyWaiting(GoferError):
    """Very many submissions wait to be graded. Nothing was accepted; try again in a few minutes."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An error as HTTP tells it.

    Attributes:
        status: HTTP status.
        code: the error in one word for programs; stable.
        message: plain words for a person.
        headers: beyond the usual ones.
    """

    status: HTTPStatus
    code: str
    message: str
    headers: tuple[tuple[str, str], ...] = ()


_TABLE: Final[dict[type[GoferError], tuple[HTTPStatus, str]]] = {
    NotANotebook: (HTTPStatus.BAD_REQUEST, "not_a_notebook"),
    MissingMetadata: (HTTPStatus.BAD_REQUEST, "missing_metadata"),
    MalformedMetadata: (HTTPStatus.BAD_REQUEST, "malformed_metadata"),
    BadName: (HTTPStatus.BAD_REQUEST, "bad_name"),
    BadQuery: (HTTPStatus.BAD_REQUEST, "bad_query"),
    NotAuthenticated: (HTTPStatus.UNAUTHORIZED, "not_signed_in"),
    NotAllowed: (HTTPStatus.FORBIDDEN, "not_allowed"),
    UnknownAssignment: (HTTPStatus.NOT_FOUND, "unknown_assignment"),
    UnknownSubmission: (HTTPStatus.NOT_FOUND, "unknown_submission"),
    UnknownEntry: (HTTPStatus.NOT_FOUND, "unknown_submission"),
    NotFound: (HTTPStatus.NOT_FOUND, "not_found"),
    WrongMethod: (HTTPStatus.METHOD_NOT_ALLOWED, "wrong_method"),
    TooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large"),
    WrongContentType: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "wrong_content_type"),
    WrongExpectation: (HTTPStatus.EXPECTATION_FAILED, "wrong_expectation"),
    SubmissionRejected: (HTTPStatus.UNPROCESSABLE_ENTITY, "rejected"),
    TooMany: (HTTPStatus.TOO_MANY_REQUESTS, "too_many"),
    IdentityUnavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "identity_unavailable"),
    ServerBusy: (HTTPStatus.SERVICE_UNAVAILABLE, "busy"),
    TooManyWaiting: (HTTPStatus.SERVICE_UNAVAILABLE, "too_many_waiting"),
    SpoolUnavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "storage_unavailable"),
    SpoolFull: (HTTPStatus.INSUFFICIENT_STORAGE, "storage_full"),
}

_SPEAKS_TO_STUDENTS: Final = (SubmissionRejected, NotAuthenticated, NotAllowed, BadQuery)
_RETRY_AFTER_S: Final = 60

UNEXPECTED: Final = Answer(
    HTTPStatus.INTERNAL_SERVER_ERROR,
    "unexpected",
    "Something went wrong on our side. Nothing was accepted; try again, and tell your teachers if "
    "it keeps happening.",
)


def too_many_bytes(limit_bytes: int) -> TooLarge:
    """Return what says that a notebook has more bytes than may be taken."""
    return TooLarge(
        f"This notebook is too large: more than {limit_bytes / (1 << 20):.3g} MB cannot be taken. "
        "Clear the outputs of your cells, save, and submit again."
    )


def answer_to(error: BaseException) -> Answer:
    """Return how an error is told; `UNEXPECTED` for one that the table does not know."""
    for cls in type(error).__mro__:
        if cls in _TABLE:
            status, code = _TABLE[cls]
            return Answer(status, code, _message(error, cls), _headers(error, status))
    return UNEXPECTED


def _message(error: BaseException, known_as: type[GoferError]) -> str:
    if isinstance(error, _SPEAKS_TO_STUDENTS):
        return str(error)
    return " ".join((inspect.getdoc(known_as) or "").split())


def _headers(error: BaseException, status: HTTPStatus) -> tuple[tuple[str, str], ...]:
    if isinstance(error, TooMany):
        return (("Retry-After", str(error.retry_after_s)),)
    if isinstance(error, WrongMethod):
        return (("Allow", ", ".join(sorted(error.allowed))),)
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        return (("Retry-After", str(_RETRY_AFTER_S)),)
    return ()
