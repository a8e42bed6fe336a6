"""LTI 1.3 Assignment and Grade Services: points with the time they were decided.

A platform keeps the newest by that time, so a grade may be sent again and again: the time says that
it is the same one.
"""

from __future__ import annotations

import json
from datetime import UTC
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from shared.lti.answers import CallFailed, cannot_withdraw, refused, try_later
from shared.lti.http import LmsHttp
from shared.lti.line_items import LineItems, is_edx, pages, with_query
from shared.lti.platform import Platform
from shared.lti.port import Answer, Lms, LmsAnswer, PostedGrade, Recipient, Withdrawal
from shared.lti.token import RESULT_READ, SCORE, Registration, Tokens

if TYPE_CHECKING:
    from shared.lti.http import Reply

_SCORE: Final = "application/vnd.ims.lis.v1.score+json"
_RESULTS: Final = "application/vnd.ims.lis.v2.resultcontainer+json"
_CANVAS_PATH: Final = "/api/lti/courses/"
_CANVAS_SUBMISSION: Final = "https://canvas.instructure.com/lti/submission"
"""Without it Canvas takes each score for a new submission of now, and a late one after the due
date (its Score API)."""
_SAME: Final = ("already exists for the provided timestamp",)
_OLDER: Final = ("later point in time", "before last updated timestamp")
"""How edX and Canvas word it; Moodle answers 409 to both (docs/passback.md)."""
_TOLERANCE: Final = 1e-4
"""Platforms round what they keep; Moodle to five decimals of the maximum."""


class _Result(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True, coerce_numbers_to_str=True)

    user_id: str = Field(alias="userId")
    score: Annotated[float | None, Field(alias="resultScore", allow_inf_nan=False)] = None
    maximum: Annotated[float | None, Field(alias="resultMaximum", gt=0, allow_inf_nan=False)] = None


_RESULT_LIST: Final = TypeAdapter(list[_Result])


class GradeServices(Lms):
    """An LMS by LTI 1.3.

    Args:
        registration: Gofer as its tool.
        line_items_url: the container of line items; None where each recipient names its own.
        may_make: whether a line item that is not there is made.
        http: closed with this; None makes one.
    """

    def __init__(
        self,
        registration: Registration,
        *,
        line_items_url: str | None = None,
        may_make: bool = True,
        http: LmsHttp | None = None,
    ) -> None:
        self._http = http or LmsHttp()
        self._tokens = Tokens(registration, self._http)
        self._platform = Platform(self._tokens, self._http)
        self._line_items = LineItems(line_items_url, self._platform, may_make=may_make)

    def post(self, grade: PostedGrade) -> LmsAnswer:
        """Send a grade; what the LMS held for this recipient is replaced, unless it is newer."""
        try:
            line_item = self._line_items.address(grade.recipient, grade.possible)
            return self._meaning(self._sent(line_item, grade, grade.possible), grade)
        except CallFailed as failed:
            return failed.answer

    def withdraw(self, withdrawal: Withdrawal) -> LmsAnswer:
        """Take a grade back, by a score without points: the platform clears what it had.

        So AGS 2.0 has it, under `scoreGiven`; Canvas and Moodle do it (docs/passback.md).
        edX answers 201 to that, forgets what it was sent, and keeps the grade in its gradebook
        (`publish_grade_on_score_update` of its consumer). So it is not asked.
        """
        try:
            line_item = self._line_items.address(withdrawal.recipient, None)
            if is_edx(line_item):
                return cannot_withdraw()
            return self._meaning(self._sent(line_item, withdrawal, None), withdrawal)
        except CallFailed as failed:
            return failed.answer

    def read(self, recipient: Recipient) -> tuple[LmsAnswer, float | None]:
        """Ask what the LMS holds."""
        try:
            fraction = self._held(recipient)
        except CallFailed as failed:
            return failed.answer, None
        text = "The LMS holds no grade." if fraction is None else "The LMS holds a grade."
        return LmsAnswer(Answer.ARRIVED, text), fraction

    def test(self) -> LmsAnswer:
        """Ask for a new token that may send scores."""
        self._tokens.forget()
        try:
            self._tokens.token(SCORE)
        except CallFailed as failed:
            return failed.answer
        return LmsAnswer(Answer.ARRIVED, "The LMS lets Gofer send scores.")

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _sent(
        self, line_item: str, sent: PostedGrade | Withdrawal, possible: float | None
    ) -> Reply:
        """Send it, and once more where the line item has gone elsewhere meanwhile.

        Raises:
            CallFailed: there was no answer, or the line item is not found again.
        """
        reply = self._send(line_item, sent)
        if reply.status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
            self._line_items.forget(line_item)
            again = self._line_items.address(sent.recipient, possible)
            if again != line_item:
                reply = self._send(again, sent)
        return reply

    def _send(self, line_item: str, sent: PostedGrade | Withdrawal) -> Reply:
        score: dict[str, object] = {"userId": _user_id(sent.recipient)}
        if isinstance(sent, Withdrawal):
            at = sent.decided_at
            score |= {"activityProgress": "Initialized", "gradingProgress": "NotReady"}
        else:
            at = sent.graded_at
            score |= {
                "scoreGiven": sent.points,
                "scoreMaximum": sent.possible,
                "activityProgress": "Completed",
                "gradingProgress": "FullyGraded",
            }
            if sent.comment is not None:
                score["comment"] = sent.comment
        score["timestamp"] = at.astimezone(UTC).isoformat(timespec="milliseconds")
        if _CANVAS_PATH in urlsplit(line_item).path:
            score[_CANVAS_SUBMISSION] = {"new_submission": False}
        body = json.dumps(score).encode("utf-8")
        return self._platform.call(
            SCORE, "POST", below(line_item, "scores"), {"Content-Type": _SCORE}, body
        )

    def _meaning(self, reply: Reply, sent: PostedGrade | Withdrawal) -> LmsAnswer:
        comment = sent.comment if isinstance(sent, PostedGrade) else None
        if reply.is_good:
            is_grade = isinstance(sent, PostedGrade)
            text = "The LMS has the grade." if is_grade else "The LMS has taken the grade out."
            return LmsAnswer(Answer.ARRIVED, text, reply.status)
        hidden = (sent.recipient.user_id, comment)
        answer = self._platform.meaning(reply, hidden)
        words = answer.text.lower()
        if reply.status == HTTPStatus.BAD_REQUEST and any(part in words for part in _SAME):
            return _had_it(reply)
        is_older = reply.status == HTTPStatus.CONFLICT or (
            reply.status == HTTPStatus.BAD_REQUEST and any(part in words for part in _OLDER)
        )
        if not is_older:
            return answer
        return self._confirmed(reply, sent)

    def _confirmed(self, reply: Reply, sent: PostedGrade | Withdrawal) -> LmsAnswer:
        """Tell our own grade, whose answer was lost, from one that is newer.

        Raises:
            CallFailed: the LMS cannot be asked just now.
        """
        newer = LmsAnswer(
            Answer.REFUSED, "The LMS holds a newer grade.", reply.status, None, "too_old"
        )
        try:
            fraction = self._held(sent.recipient)
        except CallFailed as failed:
            if failed.answer.answer is Answer.TRY_LATER:
                raise
            return newer
        if isinstance(sent, Withdrawal):
            return _had_it(reply) if fraction is None else newer
        ours = sent.points / sent.possible
        # A platform may cut off what is above the maximum.
        is_ours = fraction is not None and any(
            abs(fraction - held) <= _TOLERANCE for held in (ours, min(ours, 1.0))
        )
        return _had_it(reply) if is_ours else newer

    def _held(self, recipient: Recipient) -> float | None:
        user_id = _user_id(recipient)
        line_item = self._line_items.address(recipient, None)
        if is_edx(line_item):
            # It knows no `user_id` in the query, and gives everyone's; one student's have a path.
            url = below(line_item, "results", user_id)
        else:
            url = with_query(below(line_item, "results"), user_id=user_id)
        for reply in pages(self._platform, RESULT_READ, url, _RESULTS):
            try:
                results = _RESULT_LIST.validate_python(reply.json())
            except ValidationError:
                text = "The LMS's results cannot be read."
                raise try_later(text, "not_understood", status=reply.status) from None
            for result in results:
                if result.user_id == user_id and result.score is not None:
                    return result.score / (result.maximum or 1.0)
        return None


def below(url: str, *names: str) -> str:
    """Return an address further down a path; the query, as Moodle has one, stays at the end."""
    parts = urlsplit(url)
    path = "/".join([parts.path.rstrip("/"), *(quote(name, safe="") for name in names)])
    return urlunsplit(parts._replace(path=path))


def _user_id(recipient: Recipient) -> str:
    if not recipient.user_id:
        text = "The LMS's id of this student is not known: import a roster."
        raise refused(text, "unknown_user")
    if not recipient.user_id.isprintable():
        raise refused("The LMS's id of this student is damaged in the roster.", "unknown_user")
    return recipient.user_id


def _had_it(reply: Reply) -> LmsAnswer:
    return LmsAnswer(Answer.ARRIVED, "The LMS knew that already.", reply.status)
