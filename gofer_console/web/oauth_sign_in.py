"""Signing in elsewhere, by OAuth's authorization code: at JupyterHub or an OpenID Connect provider.

What a browser holds on its way there and back is signed and lasts minutes; once it is back, it
holds the random id of a visit. Tokens stay in this process.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import re
import secrets
from typing import TYPE_CHECKING, Final

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, RedirectResponse

from gofer_console.web.provider import ProviderAway, SignInRefused
from gofer_console.web.visits import Visits
from shared.errors import NotAuthenticated

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection
    from starlette.responses import Response

    from gofer_console.web.person import Visit
    from gofer_console.web.provider import Provider

CALLBACK: Final = "oauth_callback"
SIGN_OUT: Final = "sign-out"
"""Under the prefix: where browsers come back, and where they leave."""

_VISIT: Final = "gofer_console_visit"
_WAY: Final = "gofer_console_way_"
_ON_THE_WAY_S: Final = 600
_NO_STORE: Final = {"Cache-Control": "no-store"}
_ELSEWHERE: Final = re.compile(r"/[/\\]")
"""How a path begins that browsers take for another host."""

_log = logging.getLogger(__name__)


class OAuthSignIn:
    """Sends browsers to a provider, and knows who came back.

    Args:
        provider: knows people.
        prefix: the path under which the console answers.
        is_secure: whether browsers reach it by HTTPS alone; cookies then go no other way.
        secret: signs what browsers hold on their way.
    """

    def __init__(self, provider: Provider, *, prefix: str, is_secure: bool, secret: str) -> None:
        self._provider = provider
        self._prefix = prefix
        self._is_secure = is_secure
        self._visits = Visits(provider.ask)
        self._signer = URLSafeTimedSerializer(secret, salt="gofer console sign-in")

    def still(self, visit_id: str) -> Visit | None:
        """Return who a visit is of by now; None where it is over.

        Raises:
            NotAuthenticated: the provider does not answer, so nobody knows.
        """
        try:
            return self._visits.now(visit_id)
        except ProviderAway as error:
            raise NotAuthenticated(
                f"{self._provider.name} does not answer, so it cannot be seen whether you may do "
                "this. Nothing was changed; try again in a minute."
            ) from error

    async def admit(self, connection: HTTPConnection) -> Visit | Response:
        """Let in who has signed in; send the others away to do so, if a page was asked for."""
        is_page = connection.scope["type"] == "http" and connection.scope["method"] == "GET"
        path = connection.scope["path"]
        try:
            if is_page and path == f"{self._prefix}{CALLBACK}":
                return await self._came_back(connection)
            visit_id = connection.cookies.get(_VISIT)
            if is_page and path == f"{self._prefix}{SIGN_OUT}":
                return self._sign_out(connection, visit_id)
            visit = await run_in_threadpool(self._visits.now, visit_id) if visit_id else None
            if visit is not None:
                return visit
            if is_page and "text/html" in connection.headers.get("accept", ""):
                return await self._send_away(connection)
        except ProviderAway:
            _log.warning("Nobody can sign in to the console", extra={"action": "sign_in.away"})
            return _said(f"{self._provider.name} does not answer. Try again in a minute.", 503)
        return _said("Sign in first.", 403)

    async def _send_away(self, connection: HTTPConnection) -> Response:
        state, verifier, nonce = (secrets.token_urlsafe(32) for _ in range(3))
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        url = await run_in_threadpool(
            self._provider.authorize_url, state=state, challenge=challenge, nonce=nonce
        )
        query = connection.url.query
        asked_for = connection.scope["path"] + (f"?{query}" if query else "")
        response = RedirectResponse(url, 303, _NO_STORE)
        self._set_cookie(
            response,
            _name_of_way(state),
            str(self._signer.dumps([state, verifier, nonce, asked_for])),
            max_age=_ON_THE_WAY_S,
        )
        return response

    async def _came_back(self, connection: HTTPConnection) -> Response:
        state = connection.query_params.get("state", "")
        code = connection.query_params.get("code", "")
        way = _name_of_way(state)
        try:
            sent, verifier, nonce, asked_for = self._signer.loads(
                connection.cookies.get(way, ""), max_age=_ON_THE_WAY_S
            )
        except (BadData, ValueError, TypeError):
            sent = ""
        if not code or not sent or not hmac.compare_digest(sent.encode(), state.encode()):
            return _said("This sign-in is over. Open the console again.", 403)
        try:
            vouched = await run_in_threadpool(
                self._provider.redeem, code, verifier=verifier, nonce=nonce
            )
        except SignInRefused:
            _log.warning("A sign-in was refused", extra={"action": "sign_in.refused"})
            return _said(f"{self._provider.name} did not sign you in. Open the console again.", 403)
        if vouched.person is None:
            return _said(
                "The console is for course staff, and you are not among them. If you should be, "
                "tell whoever looks after Gofer.",
                403,
            )
        visit = self._visits.begin(vouched.person, vouched.token)
        is_ours = asked_for.startswith(self._prefix) and _ELSEWHERE.match(asked_for) is None
        response = RedirectResponse(asked_for if is_ours else self._prefix, 303, _NO_STORE)
        self._set_cookie(response, _VISIT, visit.id)
        response.delete_cookie(way, path=self._prefix)
        _log.info(
            "Somebody signed in",
            extra={
                "action": "sign_in.done",
                "person": visit.person.name,
                "role": visit.person.role.value,
            },
        )
        return response

    def _sign_out(self, connection: HTTPConnection, visit_id: str | None) -> Response:
        # A page elsewhere may lead here; browsers say so, and then nothing is done.
        if visit_id and connection.headers.get("sec-fetch-site") in {None, "same-origin", "none"}:
            self._visits.end(visit_id)
        response = _said("You are signed out of the console.", 200)
        response.delete_cookie(_VISIT, path=self._prefix)
        return response

    def _set_cookie(
        self, response: Response, name: str, value: str, max_age: int | None = None
    ) -> None:
        response.set_cookie(
            name,
            value,
            max_age=max_age,
            path=self._prefix,
            secure=self._is_secure,
            httponly=True,
            samesite="lax",
        )


def _name_of_way(state: str) -> str:
    # Of several tabs each has its own; what a state holds that no cookie's name may is left out.
    return _WAY + re.sub(r"[^A-Za-z0-9]", "", state)[:12]


def _said(sentence: str, status: int) -> Response:
    return PlainTextResponse(f"{sentence}\n", status, _NO_STORE)
