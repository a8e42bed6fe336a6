"""The port of signing in, and the middleware that lets nobody past it.

It stands in front of everything: pages, websocket, media, uploads and our own routes. The one thing
that is open is the health check, which tells nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.websockets import WebSocket

from gofer_console.web.person import HEADERS, Visit

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

HEALTH: Final = "_stcore/health"
"""Under the prefix: what may be asked without signing in."""

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class SignIn(Protocol):
    """A way to know who somebody is."""

    async def admit(self, connection: HTTPConnection) -> Visit | Response:
        """Return who asks, or what they are answered instead."""

    def still(self, visit_id: str) -> Visit | None:
        """Return who a visit is of now, asked anew at most once a minute; None where it is over.

        Pages call it from their threads, before they deliver anything. It may block for a while.
        """


class SignedIn:
    """Middleware: only who is signed in gets past it, and what is behind it knows who that is.

    Args:
        app: what is behind it.
        sign_in: knows people.
        prefix: the path under which the console answers; begins and ends with a slash.
        hosts: by which it may be asked for, without their ports, in small letters. Another name
            that leads here is a stranger's, made to look like the console's own origin.
        origin: of the public URL, as `https://host`; None where there is none. Beside the host that
            was asked for, it is the only one whose pages may open websockets and send anything.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        sign_in: SignIn,
        prefix: str,
        hosts: frozenset[str],
        origin: str | None = None,
    ) -> None:
        self._app = app
        self._sign_in = sign_in
        self._health = f"{prefix}{HEALTH}"
        self._prefix = prefix
        self._hosts = hosts
        self._origin = origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it past, or answer it."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        ours = HEADERS.encode()
        headers = [(name, value) for name, value in scope["headers"] if not _is_ours(name, ours)]
        scope = {**scope, "headers": headers}
        if scope["type"] == "http" and scope["path"] == self._health:
            await self._app(scope, receive, send)
            return
        if scope["type"] == "http" and f"{scope['path']}/" == self._prefix:
            await RedirectResponse(self._prefix)(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        answer = self._refusal(scope, connection) or await self._sign_in.admit(connection)
        if isinstance(answer, Visit) and _is_upload(scope) and not answer.person.may_edit:
            # Streamlit keeps in memory what is uploaded, whether or not a page asked for it.
            answer = PlainTextResponse("You may look at everything here, and change nothing.", 403)
        if not isinstance(answer, Visit):
            await _refuse(answer, scope, receive, send)
            return
        await self._app({**scope, "headers": [*headers, *answer.headers()]}, receive, send)

    def _refusal(self, scope: Scope, connection: HTTPConnection) -> Response | None:
        """Return what is answered whoever asks; None where that is for the sign-in to say."""
        if _host(connection.headers.get("host", "")) not in self._hosts:
            return PlainTextResponse("Unknown host", 400)
        if _may_change(scope) and not self._is_from_here(connection):
            return PlainTextResponse("Forbidden", 403)
        return None

    def _is_from_here(self, connection: HTTPConnection) -> bool:
        # Streamlit takes a websocket without an origin, and one of any port on this machine; both
        # would come with the cookies of whoever has them.
        origin = connection.headers.get("origin", "").lower()
        if not origin:
            return False
        try:
            is_same_host = urlsplit(origin).netloc == connection.headers["host"].lower()
        except ValueError:
            return False
        return is_same_host or origin == self._origin


def _host(header: str) -> str | None:
    """Return whom a `Host` names, without its port; None where it names nobody."""
    try:
        return urlsplit(f"//{header}").hostname
    except ValueError:
        return None


def _is_ours(name: bytes, ours: bytes) -> bool:
    return name.lower().replace(b"_", b"-").startswith(ours)


def _is_upload(scope: Scope) -> bool:
    return scope["type"] == "http" and scope["method"] not in _SAFE


def _may_change(scope: Scope) -> bool:
    return scope["type"] == "websocket" or _is_upload(scope)


async def _refuse(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await response(scope, receive, send)
        return
    websocket = WebSocket(scope, receive, send)
    await websocket.receive()
    if "websocket.http.response" in scope.get("extensions", {}):
        await websocket.send_denial_response(PlainTextResponse("Forbidden", 403))
    else:
        await websocket.close()  # before it was accepted: the server answers 403
