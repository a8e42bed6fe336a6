"""Access tokens of an LTI 1.3 platform: asked for once, used until shortly before they expire.

Only what a call needs is asked for: some LMSs refuse a request for more than they would give.
"""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from shared.lti.answers import answer_of_status, refused, sentence, try_later
from shared.lti.json_words import words_of_json
from shared.lti.port import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.lti.answers import CallFailed
    from shared.lti.http import LmsHttp, Reply
    from shared.lti.tool_key import ToolKey

_SCOPES: Final = "https://purl.imsglobal.org/spec/lti-ags/scope/"
LINE_ITEM: Final = _SCOPES + "lineitem"
LINE_ITEM_READ: Final = _SCOPES + "lineitem.readonly"
RESULT_READ: Final = _SCOPES + "result.readonly"
SCORE: Final = _SCOPES + "score"

_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_BACKDATED_S: Final = 5
_ASSERTION_LIFE_S: Final = 60
_DEFAULT_LIFE_S: Final = 300.0
_MARGIN_S: Final = 60.0
"""A token in its last minute is not begun with; of a short one the last fifth is left unused."""
_MARGIN_PART: Final = 0.2
_CLIENT_ERROR: Final = 400
_SERVER_ERROR: Final = 500


class _TokenAnswer(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    access_token: Annotated[
        str, StringConstraints(strict=True, pattern=r"^[\x21-\x7e]+$", max_length=16_384)
    ]
    expires_in: Annotated[float | None, Field(gt=0, allow_inf_nan=False)] = None
    scope: str | None = None


class _ErrorAnswer(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    error: str = ""


@dataclass(frozen=True, slots=True)
class Registration:
    """Gofer as a tool of one platform.

    Attributes:
        client_id: as the platform gave it.
        token_url: where tokens are given.
        key: whose public half the platform has.
        audience: what the assertion is addressed to; None takes the token URL.
    """

    client_id: str
    token_url: str
    key: ToolKey = field(repr=False)
    audience: str | None = None


class Tokens:
    """The tokens of one registration; threads that want the same one wait for one request.

    Args:
        registration: who asks.
        http: by which.
        clock: seconds that only go forward.
        now: seconds since 1970.
    """

    def __init__(
        self,
        registration: Registration,
        http: LmsHttp,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._registration = registration
        self._http = http
        self._clock = clock
        self._now = now
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[str, float]] = {}

    def token(self, scope: str) -> str:
        """Return a token with this scope.

        Raises:
            CallFailed: the platform gives none; cause `scope` where it gives others.
        """
        with self._lock:
            token, good_until = self._kept.get(scope, ("", 0.0))
            if token and self._clock() < good_until:
                return token
            token, life_s = self._ask(scope)
            margin_s = min(_MARGIN_S, life_s * _MARGIN_PART)
            self._kept[scope] = (token, self._clock() + life_s - margin_s)
            return token

    def drop(self, scope: str, token: str) -> None:
        """Forget a token that the platform no longer takes, unless a newer one is kept by now."""
        with self._lock:
            if self._kept.get(scope, ("", 0.0))[0] == token:
                del self._kept[scope]

    def forget(self) -> None:
        """Forget all tokens, so that the next one is asked for."""
        with self._lock:
            self._kept.clear()

    def _ask(self, scope: str) -> tuple[str, float]:
        registration = self._registration
        assertion = registration.key.signed(self._claims())
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": _ASSERTION,
            "client_assertion": assertion,
            "scope": scope,
        }
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        reply = self._http.send(
            "POST", registration.token_url, headers, urlencode(form).encode("ascii")
        )
        if not reply.is_good:
            raise self._refusal(reply, assertion)
        try:
            answer = _TokenAnswer.model_validate(reply.json())
        except ValidationError:
            text = "The LMS answered the request for a token with something else."
            raise try_later(text, "not_understood", status=reply.status) from None
        if answer.scope is not None and scope not in answer.scope.split():
            raise _no_scope(scope, reply.status)
        return answer.access_token, answer.expires_in or _DEFAULT_LIFE_S

    def _claims(self) -> dict[str, object]:
        registration = self._registration
        at = int(self._now())
        return {
            "iss": registration.client_id,
            "sub": registration.client_id,
            "aud": registration.audience or registration.token_url,
            "iat": at - _BACKDATED_S,
            "exp": at + _ASSERTION_LIFE_S,
            "jti": str(uuid.uuid4()),
        }

    def _refusal(self, reply: Reply, assertion: str) -> CallFailed:
        now = datetime.fromtimestamp(self._now(), UTC)
        words = words_of_json(reply, (assertion,))
        answer = answer_of_status(reply.status, reply.headers, words, now)
        if answer.answer is Answer.TRY_LATER:
            text = sentence("The LMS gave no token.", answer.text)
            return try_later(
                text,
                answer.cause or "server_error",
                status=reply.status,
                retry_after_s=answer.retry_after_s,
            )
        if not _CLIENT_ERROR <= reply.status < _SERVER_ERROR or answer.cause == "not_found":
            return refused(answer.text, answer.cause or "refused", status=reply.status)
        if _error_of(reply) == "invalid_scope":
            return _no_scope("", reply.status, words)
        text = "The LMS gives Gofer no token: client id, key or audience is not what it knows."
        return refused(sentence(text, words), "credentials", status=reply.status)


def _error_of(reply: Reply) -> str:
    try:
        return _ErrorAnswer.model_validate(reply.json()).error
    except ValidationError:
        return ""


def _no_scope(scope: str, status: int, words: str = "") -> CallFailed:
    named = f" ({scope.removeprefix(_SCOPES)})" if scope else ""
    text = f"The LMS does not allow Gofer this{named}: see the tool's settings there."
    return refused(sentence(text, words), "scope", status=status)
