"""What an HTTP answer means, where the protocol says nothing more: pure, without a connection.

An LMS's own words go on to staff, and only those: they are cut at the first mark-up, since some
LMSs repeat a whole request in them, and lose every secret and every name of a student's place.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

from shared.errors import PassbackError
from shared.lti.port import RETRY_AFTER_MAX_S, TEXT_MAX_CHARACTERS, Answer, LmsAnswer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_DIGITS: Final = re.compile(r"[0-9]{1,9}")
_THROTTLED: Final = "rate limit exceeded"
"""Canvas's 403 for a client that asks too much (docs/passback.md)."""
_LATER: Final = frozenset({408, 425, 429})
_HIDDEN_MIN_CHARACTERS: Final = 3
"""Shorter names would be cut out of ordinary words."""


class CallFailed(PassbackError):
    """A call to an LMS did not do what it was for; the answer says what that means."""

    def __init__(self, answer: LmsAnswer) -> None:
        super().__init__(answer.text)
        self.answer = answer


def refused(text: str, cause: str, *, status: int | None = None) -> CallFailed:
    """Return the failure that no sending again will help."""
    return CallFailed(LmsAnswer(Answer.REFUSED, text, status=status, cause=cause))


def try_later(
    text: str, cause: str, *, status: int | None = None, retry_after_s: float | None = None
) -> CallFailed:
    """Return the failure that may be over the next time."""
    return CallFailed(
        LmsAnswer(Answer.TRY_LATER, text, status=status, cause=cause, retry_after_s=retry_after_s)
    )


def cannot_withdraw(status: int | None = None) -> LmsAnswer:
    """Return the answer of an LMS that keeps a grade which is taken back."""
    text = "There is no grade any more, and this LMS lets nobody take one back. Take it out there."
    return LmsAnswer(Answer.REFUSED, text, status, None, "unsupported")


def retry_after_s(written: str | None, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks to wait, 0 to 3600; None without one.

    Args:
        written: the header: seconds or an HTTP date (RFC 9110, section 10.2.3).
        now: aware.
    """
    if written is None:
        return None
    written = written.strip()
    if _DIGITS.fullmatch(written):
        seconds = float(written)
    else:
        try:
            date = parsedate_to_datetime(written)
            if date.tzinfo is None:
                date = date.replace(tzinfo=UTC)
            seconds = (date - now).total_seconds()
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    return min(max(seconds, 0.0), RETRY_AFTER_MAX_S)


def human_words(message: str, hidden: Iterable[str | None]) -> str:
    """Return what of an LMS's message staff may read.

    Args:
        message: as the LMS wrote it.
        hidden: secrets, sourcedids and the like. They are left out as they are, and with their
            URL escapes put in or taken out.

    Returns:
        Up to 500 printable characters; empty where there was nothing else.
    """
    forms = {
        form
        for word in hidden
        if word
        for form in (word, _escaped(word, ""), _escaped(word, "/"), unquote(word))
        if len(form) >= _HIDDEN_MIN_CHARACTERS
    }
    for form in sorted(forms, key=len, reverse=True):
        message = message.replace(form, "…")
    before_markup = message.partition("<")[0]
    printable = "".join(letter if letter.isprintable() else " " for letter in before_markup)
    return " ".join(printable.split())[:TEXT_MAX_CHARACTERS]


def _escaped(word: str, safe: str) -> str:
    return quote(word, safe=safe, errors="replace")


def sentence(ours: str, theirs: str) -> str:
    """Return what we say of an answer, with what the LMS said of it."""
    said = f"{ours} It said: {theirs}" if theirs else ours
    return said[:TEXT_MAX_CHARACTERS]


def throttle_words(body: bytes) -> str:
    """Return Canvas's words for a client that asks too much, where an answer begins with them."""
    is_said = _THROTTLED.encode("ascii") in body[:1000].lower()
    return "Rate Limit Exceeded" if is_said else ""


def answer_of_status(
    status: int, headers: Mapping[str, str], theirs: str, now: datetime
) -> LmsAnswer:
    """Return what a status means by itself.

    Args:
        status: three digits; the caller has no better reading of it.
        headers: of the answer; names in lower case.
        theirs: the LMS's words, already made safe by `human_words`.
        now: aware.
    """
    wait_s = retry_after_s(headers.get("retry-after"), now)
    is_throttled = status == HTTPStatus.TOO_MANY_REQUESTS or (
        status == HTTPStatus.FORBIDDEN and _THROTTLED in theirs.lower()
    )
    if is_throttled:
        text = sentence("The LMS asks us to send less often.", theirs)
        return LmsAnswer(Answer.TRY_LATER, text, status, wait_s, "throttled")
    if status in _LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        text = sentence(f"The LMS could not answer ({_named(status)}).", theirs)
        return LmsAnswer(Answer.TRY_LATER, text, status, wait_s, "server_error")
    if status < HTTPStatus.MULTIPLE_CHOICES:
        text = sentence("The LMS answered what Gofer does not understand.", theirs)
        return LmsAnswer(Answer.TRY_LATER, text, status, wait_s, "not_understood")
    ours, cause = _refusal(status)
    return LmsAnswer(Answer.REFUSED, sentence(ours, theirs), status, None, cause)


def _refusal(status: int) -> tuple[str, str]:
    if status < HTTPStatus.BAD_REQUEST:
        ours = f"The LMS sends on to another address ({_named(status)}), and Gofer follows none."
        return f"{ours} Write its present address in the course config.", "redirect"
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return f"The LMS does not let Gofer in ({_named(status)}).", "signature"
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        return f"The LMS has no such address ({_named(status)}).", "not_found"
    return f"The LMS refused the request ({_named(status)}).", "refused"


def _named(status: int) -> str:
    try:
        return f"HTTP {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"HTTP {status}"
