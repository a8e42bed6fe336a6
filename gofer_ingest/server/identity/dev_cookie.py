"""A way in for browsers where names are believed: a form, a cookie, and a way out.

Only for the identity `dev`. Whoever may send a request there may be anyone, so the cookie is
neither signed nor secret; it is kept from other sites' pages and from scripts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final
from urllib.parse import parse_qs, quote, unquote

from gofer_ingest.server.answering import Handler
from gofer_ingest.server.bodies import Body
from gofer_ingest.server.errors import BadName
from gofer_ingest.server.negotiation import wants_page
from shared.errors import WrongContentType
from shared.model import opaque_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from tornado.httputil import HTTPServerRequest
    from tornado.web import RequestHandler

    from gofer_ingest.server.means import Means

    Check = Callable[[HTTPServerRequest], None]

COOKIE: Final = "gofer_dev_student"
_FORM: Final = "application/x-www-form-urlencoded"
_FORM_BYTES: Final = 8 << 10
_NEXT: Final = r"(?:submissions(?:/[0-9a-f-]{36})?)?"


def cookie_name_of(handler: RequestHandler) -> str | None:
    """Return the name in the cookie; None where there is none that can be used."""
    written = handler.get_cookie(COOKIE)
    if not written:
        return None
    try:
        return opaque_name(unquote(written, errors="strict"))
    except ValueError:
        return None


class _Form(Handler):
    """A form's address: small, and for this server's own pages alone."""

    allowed: ClassVar = frozenset({"POST"})

    def initialize(self, means: Means, check: Check) -> None:  # type: ignore[override]
        """Take the identity's check beside what every handler has."""
        super().initialize(means)
        self._check = check

    @property
    def is_page_wanted(self) -> bool:
        """A browser that posts a form shows what comes back."""
        return wants_page(",".join(self.request.headers.get_list("Accept")))

    async def admit(self) -> None:
        """Let forms of our own pages in."""
        self._check(self.request)
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind != _FORM:
            raise WrongContentType(f"Send this as a form does ({_FORM}).")
        self.body = Body(_FORM_BYTES, self.means.budget)

    def _go_on(self, path: str) -> None:
        self.set_status(303)
        self.set_header("Location", path)


class SignIn(_Form):
    """`{prefix}dev/sign-in`: takes a name and believes it."""

    async def answer(self, *words: str) -> None:
        """Set the cookie, and go on to the page that was asked for."""
        del words
        content = self.body.whole() if self.body else b""
        try:
            fields = parse_qs(content.decode("ascii"), errors="strict", max_num_fields=10)
            name = opaque_name(fields.get("student", [""])[-1].strip())
        except UnicodeError:
            raise BadName("Write the name in UTF-8.") from None
        except ValueError as error:
            raise BadName(f"This name cannot be used: {error}.") from None
        prefix = self.means.prefix
        self.set_cookie(COOKIE, quote(name, safe=""), path=prefix, httponly=True, samesite="Strict")
        wanted = fields.get("next", [""])[-1]
        is_ours = re.fullmatch(re.escape(prefix) + _NEXT, wanted) is not None
        self._go_on(wanted if is_ours else prefix)


class SignOut(_Form):
    """`{prefix}dev/sign-out`: forgets the name."""

    async def answer(self, *words: str) -> None:
        """Clear the cookie, and go on to where the next one can say who they are."""
        del words
        prefix = self.means.prefix
        self.clear_cookie(COOKIE, path=prefix, httponly=True, samesite="Strict")
        self._go_on(prefix)
