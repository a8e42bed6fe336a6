"""LTI 1.1 Basic Outcomes: a grade as a fraction in signed XML.

Each request is signed anew, also when it is sent again: LMSs refuse a signature that they have
seen. There is no time in a request, so the last one wins; whoever posts keeps the order.
"""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from oauthlib.oauth1 import Client

from shared.lti.answers import (
    CallFailed,
    answer_of_status,
    cannot_withdraw,
    human_words,
    refused,
    sentence,
    throttle_words,
)
from shared.lti.envelopes import (
    OutcomeAnswer,
    delete_result,
    fraction_of,
    harmless_request,
    parse_answer,
    read_result,
    replace_result,
)
from shared.lti.http import LmsHttp, Reply, check_address
from shared.lti.port import Answer, Lms, LmsAnswer, PostedGrade, Recipient, Withdrawal

if TYPE_CHECKING:
    from collections.abc import Callable

_CONTENT_TYPE: Final = "application/xml"
"""Bare: Canvas compares it. Without it oauthlib signs no body hash."""
_NOBODY: Final = "gofer-connection-test"
_CAUSES: Final = (
    (re.compile(r"past due|accept grades|not available|concluded|closed", re.IGNORECASE), "closed"),
    (re.compile(r"xml parsing|failed to parse", re.IGNORECASE), "unreadable"),
    (re.compile(r"oauth|signature|nonce|timestamp|authoriz", re.IGNORECASE), "signature"),
    (re.compile(r"user|student|enrol|sourced_?id|result record", re.IGNORECASE), "unknown_user"),
    (re.compile(r"score|points", re.IGNORECASE), "score"),
)
"""How LMSs word their refusals (docs/passback.md); the first that fits."""
_OURS: Final = {
    "closed": "The LMS takes no grade for this assignment any more.",
    "unreadable": "The LMS could not read the request.",
    "signature": "The LMS does not accept the signature: key, secret or the clock is wrong.",
    "unknown_user": "The LMS does not know this student here.",
    "score": "The LMS does not accept this score.",
    "unsupported": "The LMS does not offer this.",
    "refused": "The LMS refused the request.",
}
_AFTER_THE_SIGNATURE: Final = frozenset({"unknown_user", "unsupported", "score", "refused"})
"""Refusals by which an LMS shows that it had accepted the signature."""


class Outcomes(Lms):
    """An LMS by LTI 1.1.

    Args:
        key: the consumer key.
        secret: belongs to the key.
        service_url: of the outcomes service, where a recipient names none, and for the test.
        http: closed with this; None makes one.
        now: aware.
    """

    def __init__(
        self,
        key: str,
        secret: str,
        *,
        service_url: str | None = None,
        http: LmsHttp | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._key = key
        self._secret = secret
        self._service_url = service_url
        self._http = http or LmsHttp()
        self._now = now

    def post(self, grade: PostedGrade) -> LmsAnswer:
        """Send a grade; what the LMS held for this recipient is replaced."""
        try:
            sourcedid = _sourcedid(grade.recipient)
            body = _written(replace_result, sourcedid, grade.points / grade.possible)
            return self._ask(grade.recipient, body)[0]
        except CallFailed as failed:
            return failed.answer

    def withdraw(self, withdrawal: Withdrawal) -> LmsAnswer:
        """Take a grade back; Canvas and Moodle do it, and edX does not."""
        recipient = withdrawal.recipient
        try:
            answer, _ = self._ask(recipient, _written(delete_result, _sourcedid(recipient)))
        except CallFailed as failed:
            return failed.answer
        if answer.cause in {"unsupported", "unreadable"}:  # edX reads a score in it
            return cannot_withdraw(answer.status)
        if answer.answer is Answer.ARRIVED:
            return LmsAnswer(Answer.ARRIVED, "The LMS has taken the grade out.", answer.status)
        return answer

    def read(self, recipient: Recipient) -> tuple[LmsAnswer, float | None]:
        """Ask what the LMS holds; edX does not tell, and Canvas and Moodle do."""
        try:
            answer, outcome = self._ask(recipient, _written(read_result, _sourcedid(recipient)))
        except CallFailed as failed:
            return failed.answer, None
        if answer.answer is not Answer.ARRIVED or outcome is None or not outcome.score:
            return _no_reading(answer), None
        try:
            return answer, fraction_of(outcome.score)
        except ValueError:
            text = "The LMS holds something that is no score from 0 to 1."
            return LmsAnswer(Answer.REFUSED, text, answer.status, cause="not_understood"), None

    def test(self) -> LmsAnswer:
        """Ask for the grade of nobody: the refusal says whether the signature was accepted."""
        try:
            answer, outcome = self._ask(Recipient(), _written(harmless_request, _NOBODY))
        except CallFailed as failed:
            return failed.answer
        if outcome is not None and answer.cause in _AFTER_THE_SIGNATURE:
            return LmsAnswer(Answer.ARRIVED, "The LMS accepts our signature.", answer.status)
        return answer

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _ask(self, recipient: Recipient, body: bytes) -> tuple[LmsAnswer, OutcomeAnswer | None]:
        """Send a request and read the answer.

        Raises:
            CallFailed: there is no address, or no answer.
        """
        url = recipient.service_url or self._service_url
        if url is None:
            raise refused("There is no address of the LMS's outcomes service.", "address")
        url = signable(url)
        headers = self._signed(url, body)
        reply = self._http.send("POST", url, headers, body)
        outcome = parse_answer(reply.body) if reply.is_whole else None
        hidden = (*_forms_of(recipient.sourcedid), self._secret, headers["Authorization"])
        words = human_words(outcome.description if outcome else "", hidden)
        return self._meaning(reply, outcome, words), outcome

    def _signed(self, url: str, body: bytes) -> dict[str, str]:
        """Return the headers of a request, with a nonce and a time of its own."""
        client = Client(self._key, client_secret=self._secret)
        try:
            _, headers, _ = client.sign(
                url,
                http_method="POST",
                body=body.decode("utf-8"),
                headers={"Content-Type": _CONTENT_TYPE},
            )
        except ValueError:
            raise refused("The address or the key cannot be signed with.", "address") from None
        return {str(name): str(value) for name, value in headers.items()}

    def _meaning(self, reply: Reply, outcome: OutcomeAnswer | None, words: str) -> LmsAnswer:
        by_status = answer_of_status(
            reply.status, reply.headers, words or throttle_words(reply.body), self._now()
        )
        is_refusal = reply.is_good or by_status.answer is Answer.REFUSED
        if outcome is None or not is_refusal or by_status.cause == "redirect":
            return by_status
        if outcome.major == "success" and reply.is_good:
            return LmsAnswer(Answer.ARRIVED, "The LMS has the grade.", reply.status)
        if outcome.major == "processing":
            text = "The LMS is still at work on it."
            return LmsAnswer(
                Answer.TRY_LATER, text, reply.status, by_status.retry_after_s, "processing"
            )
        if outcome.major not in {"failure", "unsupported"}:
            return by_status
        cause = "unsupported" if outcome.major == "unsupported" else _cause(reply, words)
        return LmsAnswer(Answer.REFUSED, sentence(_OURS[cause], words), reply.status, None, cause)


def signable(url: str) -> str:
    """Return an address with the escapes of its path undone that a path does not need.

    edX undoes them before it checks a signature, so one over `%3A` and `%2B` is refused there. What
    is sent is what was signed, so LMSs that do not undo them see the same.

    Raises:
        CallFailed: it is no address.
    """
    check_address(url)
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=quote(unquote(parts.path), safe="/:@!$&'()*+,;=~")))


def _sourcedid(recipient: Recipient) -> str:
    if not recipient.sourcedid:
        raise refused(
            "It is not known where this student's grade goes (sourcedid).", "unknown_user"
        )
    return recipient.sourcedid


def _written(make: Callable[..., bytes], sourcedid: str, *more: float) -> bytes:
    try:
        return make(uuid.uuid4().hex, sourcedid, *more)
    except ValueError:
        raise refused("The student's sourcedid cannot be sent as XML.", "unknown_user") from None


def _forms_of(sourcedid: str | None) -> tuple[str, ...]:
    """Return what of a sourcedid may not be shown: all of it, and the student's part of it."""
    if sourcedid is None:
        return ()
    return (sourcedid, sourcedid.rpartition(":")[2])


def _cause(reply: Reply, words: str) -> str:
    if reply.status == HTTPStatus.UNAUTHORIZED:
        return "signature"
    return next((cause for pattern, cause in _CAUSES if pattern.search(words)), "refused")


def _no_reading(answer: LmsAnswer) -> LmsAnswer:
    """Say of a reading without a score what it means: edX does not offer readings."""
    if answer.cause == "unreadable":
        text = "The LMS does not tell which grades it holds."
        return LmsAnswer(Answer.REFUSED, text, answer.status, None, "unsupported")
    if answer.answer is Answer.ARRIVED:
        return LmsAnswer(Answer.ARRIVED, "The LMS holds no grade.", answer.status)
    return answer
