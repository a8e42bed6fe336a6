"""The adapter for a trusted front, such as an LMS's proxy or a script: it signs each request.

The front knows who its students are. It says so in a token that lives for minutes, is good for one
request, and may name the very body that it belongs to. Whoever has the key can submit as anyone.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Annotated, Final

import jwt
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from gofer_ingest.server.errors import BadName, IdentityUnavailable
from gofer_ingest.server.identity.port import Identity, Person
from shared.errors import ConfigError, NotAuthenticated
from shared.model import opaque_name
from shared.requests import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from tornado.web import RequestHandler

    from gofer_ingest.server.identity.taken_tokens import TakenTokens

_log = logging.getLogger(__name__)

ALGORITHM: Final = "HS256"
AUDIENCE: Final = "gofer"
KEY_MIN_BYTES: Final = 32
"""What HS256 needs: a key as long as its digest (RFC 7518, section 3.2)."""
LIFE_S: Final = 300.0
"""The most that a token may live."""
LEEWAY_S: Final = 30.0
"""Seconds that the front's clock may be ahead of ours."""
TOKEN_MAX_CHARACTERS: Final = 4096

_signatures: Final = jwt.PyJWS([ALGORITHM])


class _Claims(BaseModel):
    model_config = ConfigDict(
        strict=True, extra="ignore", hide_input_in_errors=True, allow_inf_nan=False
    )

    aud: str | list[str]
    sub: str
    exp: float
    jti: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    iat: float | None = None
    nbf: float | None = None
    body_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None


class SignedIdentity(Identity):
    """Believes whom a token names that was signed with the shared key.

    Args:
        key: shared with the front.
        taken: which tokens were used.
        staff: names that may look at any submission; a token cannot say so.
        now: seconds since 1970.

    Raises:
        ConfigError: the key is too short, or one for another purpose.
    """

    challenge = 'Bearer realm="gofer"'
    hint = "Sign in on the page that you submit from, then submit again."

    def __init__(
        self,
        key: str,
        taken: TakenTokens,
        staff: Collection[str] = (),
        now: Callable[[], float] = time.time,
    ) -> None:
        self._key = _checked_key(key)
        self._taken = taken
        self._staff = frozenset(staff)
        self._now = now

    async def identify(self, handler: RequestHandler) -> Person | None:
        """Return whom the token names; None where there is none."""
        sent = handler.request.headers.get_list("Authorization")
        if not sent:
            return None
        if len(sent) > 1:
            raise _refusal("more than one Authorization header")
        scheme, _, token = sent[0].partition(" ")
        if scheme.lower() != "bearer":
            raise _refusal("not a Bearer token")
        claims = self._claims(token.strip())
        try:
            name = opaque_name(claims.sub)
        except ValueError as error:
            raise BadName(f"This name cannot be used: {error}.") from None
        await self._take(claims.jti)
        return Person(
            name, Source.SIGNED, is_staff=name in self._staff, body_sha256=claims.body_sha256
        )

    def _claims(self, token: str) -> _Claims:
        """Check all of a token but whether it was used.

        Raises:
            NotAuthenticated: it is not good.
        """
        if len(token) > TOKEN_MAX_CHARACTERS:
            raise _refusal("too long")
        try:
            signed = _signatures.decode(token, self._key, [ALGORITHM])
            claims = _Claims.model_validate_json(signed)
        except jwt.PyJWTError:
            raise _refusal("not signed with our key") from None
        except ValidationError as error:
            raise _refusal(f"{_first_claim(error)} missing or not as it should be") from None
        now_s = self._now()
        if AUDIENCE not in ([claims.aud] if isinstance(claims.aud, str) else claims.aud):
            raise _refusal("for another audience")
        if claims.exp <= now_s:
            raise _refusal("expired", "The time to submit with this sign-in has run out.")
        if claims.exp > now_s + LIFE_S:
            raise _refusal(f"valid for more than {LIFE_S:.0f} seconds")
        if max(claims.iat or 0.0, claims.nbf or 0.0) > now_s + LEEWAY_S:
            raise _refusal("not valid yet")
        return claims

    async def _take(self, token_id: str) -> None:
        try:
            is_ours = await asyncio.to_thread(self._taken.take, token_id)
        except OSError as error:
            raise IdentityUnavailable(f"A token cannot be taken: {error}") from error
        if not is_ours:
            raise _refusal("used before", "This sign-in has been used already.")


def _checked_key(key: str) -> bytes:
    encoded = key.encode("utf-8")
    if len(encoded) < KEY_MIN_BYTES:
        raise ConfigError(
            f"GOFER_IDENTITY_SECRET: has fewer than {KEY_MIN_BYTES} bytes; make one with "
            "`openssl rand -hex 32`"
        )
    try:
        _signatures.encode(b"", encoded, ALGORITHM)
    except jwt.InvalidKeyError:
        raise ConfigError(
            "GOFER_IDENTITY_SECRET: is a certificate or one half of a pair of keys; make one with "
            "`openssl rand -hex 32`"
        ) from None
    return encoded


def _first_claim(error: ValidationError) -> str:
    """Name the first claim that is not good; only names of ours, none that the token has."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    return next((f"claim {problem['loc'][0]}" for problem in problems if problem["loc"]), "claims")


def _refusal(
    reason: str, for_the_student: str = "This sign-in cannot be used."
) -> NotAuthenticated:
    """Log why a token is refused, for whoever looks after the front, and say the rest in words."""
    _log.info("A token was refused", extra={"action": "identity.refused", "reason": reason})
    return NotAuthenticated(f"{for_the_student} Nothing was accepted; sign in and submit again.")
