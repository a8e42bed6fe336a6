"""Signing in on one's own machine: a link with a secret that the console makes at its start.

Everybody on the machine can reach a loopback port, and so can what runs in a browser there; only
who has the link gets in. It is for one person, who may do everything.
"""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from starlette.responses import PlainTextResponse, RedirectResponse

from gofer_console.web.person import Person, Role, Visit

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection
    from starlette.responses import Response

PARAMETER: Final = "launch"
LOCAL: Final = "local"
"""The id of the one visit; it cannot be signed out of."""

_REFUSAL: Final = (
    "This console is for whoever started it. Open it with the link that `gofer console` printed; "
    "the link of an earlier start no longer works.\n"
)


class LocalSignIn:
    """Knows who has the link.

    Args:
        name: who that is, as requests carry it.
        prefix: the path under which the console answers.
        port: of the console; cookies do not tell ports of one machine apart, so its name does.
        is_link_once: whether the link works once alone. A window gets it in a place where others
            on the machine may read it, and uses it at once.
    """

    def __init__(self, *, name: str, prefix: str, port: int, is_link_once: bool = False) -> None:
        self._visit = Visit(Person(name, Role.EDITOR), LOCAL)
        self._prefix = prefix
        self._cookie = f"gofer_console_{port}"
        self._launch = secrets.token_urlsafe(32)
        self._is_link_once = is_link_once
        self._was_used = False
        self._session = secrets.token_urlsafe(32)

    @property
    def query(self) -> str:
        """What makes the console's address the link."""
        return urlencode({PARAMETER: self._launch})

    async def admit(self, connection: HTTPConnection) -> Visit | Response:
        """Let in who has the cookie; give it to who has the link."""
        if _is_same(connection.cookies.get(self._cookie), self._session):
            if connection.scope["type"] == "http" and PARAMETER in connection.query_params:
                return RedirectResponse(self._prefix, 303)  # the secret leaves the address bar
            return self._visit
        if (
            connection.scope["type"] == "http"
            and connection.scope["method"] == "GET"
            and connection.url.path == self._prefix
            and not (self._is_link_once and self._was_used)
            and _is_same(connection.query_params.get(PARAMETER), self._launch)
        ):
            self._was_used = True
            response = RedirectResponse(self._prefix, 303, {"Cache-Control": "no-store"})
            # Lax: a window's first page may lie in a file, whose link Strict would not count.
            response.set_cookie(
                self._cookie, self._session, path=self._prefix, httponly=True, samesite="lax"
            )
            return response
        return PlainTextResponse(_REFUSAL, 403, {"Cache-Control": "no-store"})

    def still(self, visit_id: str) -> Visit | None:
        """Return the one person; that does not end before the console does."""
        return self._visit if visit_id == self._visit.id else None


def _is_same(given: str | None, expected: str) -> bool:
    return given is not None and hmac.compare_digest(given.encode(), expected.encode())
