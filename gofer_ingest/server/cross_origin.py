"""Pure: which pages of other origins may use the server, and how a browser is told (CORS).

Only origins that the settings name, and only with what a request carries itself: cookies of this
server are never allowed along, so a page elsewhere acts with a token it was given or not at all.
The rules are those of the Fetch standard, section 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gofer_ingest.server.errors import NotAllowed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

Headers = tuple[tuple[str, str], ...]

ORIGIN: Final = "Origin"
REQUEST_HEADERS: Final = ("Authorization", "Content-Type", "Accept")
"""What requests may carry, whoever signs people in."""
_ASKED_METHOD: Final = "Access-Control-Request-Method"
_READABLE: Final = "Location, Retry-After"
"""Beyond what the standard lets a page read of every answer."""
_MAX_AGE_S: Final = 600
"""Seconds for which a browser may go by a preflight's answer."""


@dataclass(frozen=True, slots=True)
class CrossOrigin:
    """The origins that may, and what their requests may carry.

    Attributes:
        origins: exact, as browsers write them; empty turns all of this off.
        headers: of requests, beyond those that need no leave.
    """

    origins: frozenset[str]
    headers: tuple[str, ...] = REQUEST_HEADERS

    def is_preflight(self, method: str | None, headers: Mapping[str, str]) -> bool:
        """Tell whether a browser asks for leave here, rather than for something."""
        return (
            bool(self.origins)
            and method == "OPTIONS"
            and ORIGIN in headers
            and _ASKED_METHOD in headers
        )

    def leave(self, origin: str | None, methods: Collection[str]) -> Headers:
        """Return what a preflight is answered beyond what every answer carries.

        Args:
            origin: of the page that asks.
            methods: those that the address takes.

        Raises:
            NotAllowed: it is none of the origins that may.
        """
        if origin not in self.origins:
            raise NotAllowed("Pages of this origin may not use this server.")
        return (
            ("Access-Control-Allow-Methods", ", ".join(sorted(methods))),
            ("Access-Control-Allow-Headers", ", ".join(self.headers)),
            ("Access-Control-Max-Age", str(_MAX_AGE_S)),
        )

    def every_answer(self, origin: str | None) -> Headers:
        """Return what every answer carries, refusals included, so that a page can read them.

        Args:
            origin: of the page that asks; None where the request names none.
        """
        if not self.origins:
            return ()
        varies = (("Vary", ORIGIN),)
        if origin not in self.origins:
            return varies
        return (
            *varies,
            ("Access-Control-Allow-Origin", str(origin)),
            ("Access-Control-Expose-Headers", _READABLE),
        )
