"""The adapter for trying Gofer out on one's own machine: it believes what it is told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from gofer_ingest.server.errors import BadName, NotAllowed
from gofer_ingest.server.identity.dev_cookie import SignIn, SignOut, cookie_name_of
from gofer_ingest.server.identity.port import Identity, Person
from gofer_ingest.server.locality import is_loopback_host
from shared.model import opaque_name
from shared.requests import Source

if TYPE_CHECKING:
    from collections.abc import Collection

    from tornado.httputil import HTTPHeaders, HTTPServerRequest
    from tornado.web import RequestHandler

STUDENT_HEADER: Final = "X-Gofer-Student"
SIGN_IN: Final = "dev/sign-in"
SIGN_OUT: Final = "dev/sign-out"


class DevIdentity(Identity):
    """Believes the header `X-Gofer-Student`, and for browsers a cookie that a form sets.

    Only ever for a server that listens on loopback. The header wins over the cookie.

    Everyone on this machine can submit as anyone; web pages must not. A page elsewhere that points
    a name of its own at 127.0.0.1 shows that name in Host, and a page that simply sends a request
    shows itself in Origin or Sec-Fetch-Site, so each of them has to be this server's own. Pages of
    the origins that the settings name may: whoever runs the server wrote them there.

    Args:
        staff: names that may look at any submission.
        allowed_origins: exact origins whose pages may submit from elsewhere.
    """

    challenge = f'GoferDev header="{STUDENT_HEADER}"'
    hint = f"Say who you are: put your name into the header {STUDENT_HEADER}."

    def __init__(self, staff: Collection[str] = (), allowed_origins: Collection[str] = ()) -> None:
        self._staff = frozenset(staff)
        self._allowed_origins = frozenset(allowed_origins)

    async def identify(self, handler: RequestHandler) -> Person | None:
        """Return the student that header or cookie names; None where there is none."""
        request = handler.request
        self.check(request)
        named = request.headers.get_list(STUDENT_HEADER)
        name = _name_in(named) if any(named) else cookie_name_of(handler)
        return None if name is None else Person(name, Source.DEV, is_staff=name in self._staff)

    def check(self, request: HTTPServerRequest) -> None:
        """Check that a request comes from this machine's own programs or our own pages.

        Raises:
            NotAllowed: it does not.
        """
        host = request.headers.get("Host", "")
        if not is_loopback_host(host):
            raise NotAllowed("This server answers only under its own loopback address.")
        if not self._is_own_or_allowed(request.headers, host):
            raise NotAllowed("Pages of other sites may not use this server.")

    def addresses(self, prefix: str) -> list[tuple[str, type[RequestHandler], dict[str, Any]]]:
        """Return where the forms of the pages go."""
        own = {"check": self.check}
        return [
            (f"{re.escape(prefix)}{SIGN_IN}", SignIn, own),
            (f"{re.escape(prefix)}{SIGN_OUT}", SignOut, own),
        ]

    def name_form_url(self, prefix: str) -> str | None:
        """Return where the form that asks for a name goes."""
        return f"{prefix}{SIGN_IN}"

    def sign_out_url(self, handler: RequestHandler, prefix: str) -> str | None:
        """Return where signing out goes, for whom the cookie names."""
        return None if STUDENT_HEADER in handler.request.headers else f"{prefix}{SIGN_OUT}"

    def _is_own_or_allowed(self, headers: HTTPHeaders, host: str) -> bool:
        origin = headers.get("Origin")
        if origin in self._allowed_origins:
            return True
        is_own = origin is None or origin.lower() == f"http://{host}".lower()
        return is_own and headers.get("Sec-Fetch-Site", "none") in {"same-origin", "none"}


def _name_in(named: list[str]) -> str:
    if len(named) > 1:
        raise BadName(f"Send one header {STUDENT_HEADER}, not {len(named)}.")
    try:
        # HTTP hands header bytes over as Latin-1; people type UTF-8.
        return opaque_name(named[0].encode("latin-1").decode("utf-8"))
    except UnicodeError:
        raise BadName(f"Write the name in {STUDENT_HEADER} in UTF-8.") from None
    except ValueError as error:
        raise BadName(f"This name cannot be used: {error}.") from None
