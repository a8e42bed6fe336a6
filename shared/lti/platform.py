"""Calls to an LTI 1.3 platform's services with a token, and what it means when one goes wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from shared.lti.answers import answer_of_status, throttle_words
from shared.lti.json_words import words_of_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shared.lti.http import LmsHttp, Reply
    from shared.lti.port import LmsAnswer
    from shared.lti.token import Tokens


class Platform:
    """The services of one platform.

    Args:
        tokens: for its services.
        http: by which.
    """

    def __init__(self, tokens: Tokens, http: LmsHttp) -> None:
        self._tokens = tokens
        self._http = http

    def call(
        self,
        scope: str,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> Reply:
        """Call a service; once more with a new token where the first one is not taken.

        Raises:
            CallFailed: there was no answer, or no token.
        """
        token = self._tokens.token(scope)
        reply = self._with_token(token, method, url, headers, body)
        if self._is_about_the_token(reply):
            self._tokens.drop(scope, token)
            token = self._tokens.token(scope)
            reply = self._with_token(token, method, url, headers, body)
        return reply

    def meaning(self, reply: Reply, hidden: Iterable[str | None] = ()) -> LmsAnswer:
        """Return what an answer means that is not the hoped-for one.

        Args:
            reply: the answer.
            hidden: what may not be shown of it.
        """
        words = words_of_json(reply, hidden) or throttle_words(reply.body)
        answer = answer_of_status(reply.status, reply.headers, words, datetime.now(UTC))
        is_locked_out = answer.cause == "signature"
        return replace(answer, cause="credentials") if is_locked_out else answer

    def _with_token(
        self,
        token: str,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> Reply:
        return self._http.send(method, url, {**headers, "Authorization": f"Bearer {token}"}, body)

    def _is_about_the_token(self, reply: Reply) -> bool:
        """Tell an answer to a token: edX's is a 403, which at Canvas may be throttling."""
        if reply.status == HTTPStatus.FORBIDDEN:
            return self.meaning(reply).cause != "throttled"
        return reply.status == HTTPStatus.UNAUTHORIZED
