"""JupyterHub's own client for services, set up for a server of several processes, and its callback.

It signs browsers in by OAuth and asks the Hub who a token's owner is. This module owns the library:
what it raises and how long it may take is translated here. It decides nothing about people.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Final

from aiohttp import ClientError
from jupyterhub.httpclient import JupyterHubHTTPClient
from jupyterhub.services.auth import HubOAuth, HubOAuthCallbackHandler
from tornado.httputil import url_concat
from tornado.web import HTTPError, create_signed_value, decode_signed_value
from traitlets import Unicode

from gofer_ingest.server.answering import Handler
from gofer_ingest.server.errors import IdentityUnavailable, NotAllowed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tornado.web import RequestHandler

    from gofer_ingest.server.means import Means

ANSWER_S: Final = 10.0
"""Seconds that the Hub may take; its client would wait five minutes."""
_STATE: Final = "oauth-state"
_STATE_AGE_S: Final = 600
_DAY_S: Final = 24 * 60 * 60


@asynccontextmanager
async def asking_the_hub() -> AsyncIterator[None]:
    """Bound a conversation with the Hub, and translate what goes wrong in it.

    Raises:
        NotAllowed: the client refused what the browser sent.
        IdentityUnavailable: the Hub did not answer, or not as a Hub does.
    """
    try:
        async with asyncio.timeout(ANSWER_S):
            yield
    except HTTPError as error:
        if error.status_code < 500:  # noqa: PLR2004 - where HTTP draws the line
            raise NotAllowed(
                "Signing in did not work. Open this server's page once more; if you came here by a "
                "link, do not use it again."
            ) from error
        raise IdentityUnavailable(error.log_message) from error
    except (ClientError, OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        # Its client lets through what follows the first byte: an answer cut short, or no JSON, or
        # one nested thousands deep. TimeoutError is an OSError.
        raise IdentityUnavailable(f"The Hub's answer is of no use: {error!r}") from error


class HubClient(HubOAuth):  # type: ignore[misc]  # it has no types
    """JupyterHub's OAuth client, which several server processes share.

    The library keeps what it has to know of a sign-in that is under way in its process's memory.
    The browser may come back to another process, so here it travels in OAuth's `state`, signed; the
    proof of who began (RFC 7636) is no part of it, but made from it and the key.
    """

    cookie_secret = Unicode(help="The key that signs cookies.")

    def sign_in_url(self, handler: RequestHandler, next_path: str) -> str:
        """Return the Hub's address for signing in; set the cookie that the way back needs.

        Args:
            handler: answers with a redirect to it.
            next_path: where the browser is sent afterwards.
        """
        state = self.set_state_cookie(handler, next_url=next_path)
        digest = hashlib.sha256(self.get_code_verifier(state).encode("ascii")).digest()
        url: str = url_concat(
            self.login_url,
            {"state": state, "code_challenge": _url_safe(digest), "code_challenge_method": "S256"},
        )
        return url

    def generate_state(self, next_url: str | None = None, **extra: Any) -> str:
        """Return what OAuth's `state` is to be: all we have to know later, signed and dated."""
        content = json.dumps({"next_url": next_url, "nonce": secrets.token_hex(16), **extra})
        return _url_safe(create_signed_value(self.cookie_secret, _STATE, content))

    def get_code_verifier(self, state_id: str = "", /) -> str:
        """Return the proof that belongs to a state; only the holder of the key can make it."""
        proof = hmac.digest(
            self.cookie_secret.encode("utf-8"),
            b"code verifier " + state_id.encode("utf-8"),
            "sha256",
        )
        return _url_safe(proof)

    def clear_oauth_state(self, state_id: str) -> None:
        """Nothing is kept; the code that comes with a state is good once."""

    def _decode_state(self, state_id: str, /) -> dict[str, Any]:
        padded = state_id.encode("utf-8", "replace") + b"=" * (-len(state_id) % 4)
        try:
            signed = base64.urlsafe_b64decode(padded)
        except ValueError:
            return {}
        content = decode_signed_value(
            self.cookie_secret, _STATE, signed, max_age_days=_STATE_AGE_S / _DAY_S
        )
        return {} if content is None else dict(json.loads(content))


class SignedIn(Handler, HubOAuthCallbackHandler):  # type: ignore[misc]  # it has no types
    """`{prefix}oauth_callback`: where the Hub sends a browser back after signing in."""

    allowed: ClassVar = frozenset({"GET"})

    def initialize(self, means: Means, hub: HubClient) -> None:  # type: ignore[override]
        """Take the client beside what every handler has."""
        super().initialize(means)
        self.hub_auth = hub

    @property
    def is_json_usual(self) -> bool:
        """People come here, not programs."""
        return False

    async def answer(self, *words: str) -> None:
        """Finish signing in, and go on to the page that was asked for."""
        del words
        async with asking_the_hub():
            # Found out beforehand: the library would block the whole server to look it up.
            self.current_user = await self.hub_auth.get_user(self, sync=False)
            await HubOAuthCallbackHandler.get(self)


async def leave_the_hub() -> None:
    """Close the connections to it that are kept open."""
    await JupyterHubHTTPClient.loop_instance().close()


def _url_safe(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")
