"""What a browser may do with the console's answers: load nothing from elsewhere, first of all."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import streamlit

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY: Final = b"content-security-policy"

_INLINE_SCRIPT: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def policy(
    origin: str | None = None,
    index: Path = Path(streamlit.__file__).parent / "static" / "index.html",
) -> str:
    """Return the Content-Security-Policy of the pages.

    Args:
        origin: of the console's public URL. Its websocket is named as well: to older browsers it is
            not part of `'self'`.
        index: Streamlit's page; its inline scripts are the only ones that may run, by their hash.
    """
    sockets = "" if origin is None else f" ws{origin.removeprefix('http')}"
    hashes = [
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        for script in _INLINE_SCRIPT.findall(index.read_text("utf-8"))
    ]
    scripts = " ".join(f"'sha256-{one}'" for one in hashes)
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' {scripts}",
            "style-src 'self' 'unsafe-inline'",  # emotion, Streamlit's styles, writes them inline
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            f"connect-src 'self'{sockets}",
            "frame-src 'self'",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'self'",
        )
    )


class SecurityHeaders:
    """Middleware: puts the headers on every answer; one that has a policy of its own keeps it.

    Args:
        app: what answers.
        origin: of the console's public URL; None where it has none.
    """

    def __init__(self, app: ASGIApp, *, origin: str | None = None) -> None:
        self._app = app
        self._policy = policy(origin).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the headers."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", []))
                names = {name.lower() for name, _ in headers}
                headers += [
                    (name, value)
                    for name, value in (
                        (POLICY, self._policy),
                        (b"x-content-type-options", b"nosniff"),
                        (b"referrer-policy", b"same-origin"),
                        (b"cross-origin-opener-policy", b"same-origin"),
                        (b"cross-origin-resource-policy", b"same-origin"),
                        (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
                    )
                    if name not in names
                ]
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, send_with_headers)
