"""Whether an answer is wanted as JSON, as text or as a page, and whether a person looks at it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_QUALITY: Final = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", re.IGNORECASE)


def wants_json(accept: str, *, otherwise: bool) -> bool:
    """Tell whether an Accept header asks for JSON rather than for text.

    JSON is asked for only by naming it: a browser's `fetch` sends `*/*` by itself, which says
    nothing. Where both are named, the better quality wins, and JSON if they are equal (RFC 9110,
    section 12.5.1).

    Args:
        accept: the header; empty where there is none.
        otherwise: what to answer where neither is named.
    """
    json = _quality(accept, lambda kind: kind in {"application/json", "application/*"})
    text = _quality(accept, lambda kind: kind.startswith("text/"))
    if json == text == 0.0:
        return otherwise
    return json >= text


def wants_page(accept: str) -> bool:
    """Tell whether an Accept header asks for a page, as browsers do.

    A page is asked for only by naming HTML, and given where JSON is not asked for more.
    """
    html = _quality(accept, lambda kind: kind == "text/html")
    return html > 0 and html >= _quality(accept, lambda kind: kind == "application/json")


def is_page_visit(method: str | None, headers: Mapping[str, str]) -> bool:
    """Tell whether a browser opens a page with this request, so that it can be sent elsewhere.

    A page's own `fetch` cannot: it would follow to another site and be refused there. It says what
    it is in Sec-Fetch-Mode, which browsers leave out where the page has no https.

    Args:
        method: of the request.
        headers: of the request.
    """
    return (
        method == "GET"
        and headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
        and "text/html" in headers.get("Accept", "").lower()
    )


def _quality(accept: str, is_meant: Callable[[str], bool]) -> float:
    """Return the best quality that an Accept header gives to a kind that is meant."""
    best = 0.0
    for part in accept.split(","):
        kind, *parameters = (word.strip().lower() for word in part.split(";"))
        if is_meant(kind):
            quality = 1.0
            for parameter in parameters:
                if match := _QUALITY.fullmatch(parameter):
                    quality = float(match[1])
            best = max(best, quality)
    return best
