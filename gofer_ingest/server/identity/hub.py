"""The adapter for JupyterHub: whoever the Hub says a token belongs to.

Programs and notebook pages send the token in `Authorization`; browsers that open a page of this
server sign in by OAuth and hold it in a cookie. Nothing else says who somebody is: no `Referer`, no
name in what is sent, no `?token=`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError
from tornado.web import HTTPError

from gofer_ingest.server.errors import BadName, IdentityUnavailable, NotAllowed
from gofer_ingest.server.identity.cookie_secret import kept_secret
from gofer_ingest.server.identity.hub_oauth import (
    HubClient,
    SignedIn,
    asking_the_hub,
    leave_the_hub,
)
from gofer_ingest.server.identity.port import Identity, Person
from shared.errors import ConfigError
from shared.model import opaque_name
from shared.requests import Source

if TYPE_CHECKING:
    from pathlib import Path

    from tornado.web import RequestHandler

    from shared.config import ServerSettings

_CREDENTIALS: Final = re.compile(r"(?:token|bearer) +([\x21-\x7e]{1,4096})", re.IGNORECASE)
_ELSEWHERE: Final = re.compile(r"/[/\\]")
"""How a path begins that browsers take for another host."""
_SECRET_BYTES: Final = 32


class _Told(BaseModel):
    """What the Hub says of a token's owner; it says more than this."""

    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)

    name: str
    kind: str
    scopes: list[str]
    groups: list[str] = []


class HubIdentity(Identity):
    """Asks the Hub; what it said is believed for `identity_cache_s` seconds.

    Raises:
        ConfigError: something is missing without which nobody, or everybody, would be let in.
    """

    challenge = 'Bearer realm="JupyterHub"'
    hint = (
        "Who sends this? Sign in at JupyterHub and reload your notebook's page. If that does not "
        "help, your Submit button does not say who you are: tell your teachers."
    )

    def __init__(self, settings: ServerSettings) -> None:
        self._scopes = required_scopes(settings)
        self._staff = frozenset(settings.staff)
        self._staff_groups = frozenset(settings.staff_groups)
        self._cookie_secret = _configured_secret(settings)
        self._prefix = settings.prefix
        self._callback_path = callback_path(settings)
        self._client = HubClient(
            **_client_settings(settings, self._scopes),
            # Lazily and by itself, the library reads JUPYTERHUB_COOKIE_OPTIONS,
            # _COOKIE_HOST_PREFIX_ENABLED and _SSL_*: they are the Hub's to set for all services.
        )
        self._signs_in = bool(settings.hub_api_token and self._client.oauth_client_id)

    # --- at the start and at the end -------------------------------------------------------------

    def prepare(self, folder: Path) -> None:
        """Find the key of the cookies, or make it."""
        self._client.cookie_secret = self._cookie_secret or kept_secret(folder)

    def application_settings(self) -> dict[str, Any]:
        """Return the key of the cookies, which tornado signs."""
        return {"cookie_secret": self._client.cookie_secret}

    def addresses(self, prefix: str) -> list[tuple[str, type[RequestHandler], dict[str, Any]]]:
        """Return where the Hub sends browsers back, if browsers can sign in."""
        del prefix
        if not self._signs_in:
            return []
        return [(re.escape(self._callback_path), SignedIn, {"hub": self._client})]

    async def close(self) -> None:
        """Let go of the Hub."""
        await leave_the_hub()

    # --- who it is -------------------------------------------------------------------------------

    async def identify(self, handler: RequestHandler) -> Person | None:
        """Return whose token the request carries; None where it carries none that is good."""
        headers = handler.request.headers
        if headers.get("Sec-Fetch-Mode") == "websocket":
            return None  # for these, and there are none here, the library is less strict
        if "Authorization" in headers:
            told = await self._told_by_header(headers["Authorization"])
        else:
            told = await self._told_by_cookie(handler)
        if told is None:
            return None
        person = self._person(handler, told)
        handler.current_user = person.name  # or the library takes the page for nobody's
        return person

    async def _told_by_header(self, authorization: str) -> dict[str, Any] | None:
        credentials = _CREDENTIALS.fullmatch(authorization)
        if credentials is None:
            return None
        async with asking_the_hub():
            told: dict[str, Any] | None = await self._client.user_for_token(
                credentials[1], sync=False
            )
        return told

    async def _told_by_cookie(self, handler: RequestHandler) -> dict[str, Any] | None:
        if not self._signs_in or not handler.get_signed_cookie(self._client.cookie_name):
            return None
        async with asking_the_hub():
            told: dict[str, Any] | None = await self._client.get_user(handler, sync=False)
        if told is None:
            try:
                self._client.check_xsrf_cookie(handler)
            except HTTPError:
                raise NotAllowed("This page is too old. Reload it, then try again.") from None
        return told

    def _person(self, handler: RequestHandler, told: dict[str, Any]) -> Person:
        try:
            owner = _Told.model_validate(told)
        except ValidationError as error:
            raise IdentityUnavailable("The Hub does not say who a token's owner is") from error
        if owner.kind != "user":
            raise NotAllowed("Notebooks are taken from people, not from the Hub's services.")
        if not self._client.check_scopes(self._scopes, told):
            if "Authorization" not in handler.request.headers:
                self._client.clear_cookie(handler)  # or it would be shown at each visit, for weeks
            raise NotAllowed(
                "JupyterHub does not let you in here. If it should, log out of it, log in, and "
                "start your server again; if that does not help, tell your teachers."
            )
        try:
            name = opaque_name(owner.name)
        except ValueError as error:
            raise BadName(f"Your name at JupyterHub cannot be used: {error}.") from None
        is_staff = name in self._staff or not self._staff_groups.isdisjoint(owner.groups)
        return Person(name, Source.HUB, is_staff=is_staff)

    # --- pages -----------------------------------------------------------------------------------

    def sign_in_url(self, handler: RequestHandler) -> str | None:
        """Return the Hub's address for signing in; the browser comes back from there."""
        if not self._signs_in:
            return None
        path = handler.request.path
        is_ours = path.startswith(self._prefix) and _ELSEWHERE.match(path) is None
        return self._client.sign_in_url(handler, path if is_ours else self._prefix)

    def page_token(self, handler: RequestHandler) -> str:
        """Return the token that a page's own requests have to carry beside the cookie."""
        if "Authorization" in handler.request.headers:
            return ""
        token: bytes | str = handler.xsrf_token
        return token.decode("ascii") if isinstance(token, bytes) else token


def required_scopes(settings: ServerSettings) -> frozenset[str]:
    """Return the Hub's scopes of which a token needs one.

    Raises:
        ConfigError: none is known. The library would then take every token of the Hub.
    """
    if settings.hub_access_scopes:
        return frozenset(settings.hub_access_scopes)
    if settings.hub_service_name:
        return frozenset({f"access:services!service={settings.hub_service_name}"})
    raise ConfigError(
        "JUPYTERHUB_SERVICE_NAME: is not set, nor is JUPYTERHUB_OAUTH_ACCESS_SCOPES, so every "
        "token of the Hub would be let in; set it to the name that this service has at the Hub"
    )


def callback_path(settings: ServerSettings) -> str:
    """Return the path at which the Hub sends browsers back.

    Raises:
        ConfigError: the settings name one that is not this server's.
    """
    if settings.hub_callback_url is None:
        return f"{settings.prefix}oauth_callback"
    path = urlsplit(settings.hub_callback_url).path
    if not path.startswith(settings.prefix) or path == settings.prefix:
        raise ConfigError(
            f"JUPYTERHUB_OAUTH_CALLBACK_URL: its path has to begin with {settings.prefix}, as all "
            "addresses of this server do; usually it is oauth_callback under it"
        )
    return path


def _client_settings(settings: ServerSettings, scopes: frozenset[str]) -> dict[str, Any]:
    if settings.hub_api_url is None:
        raise ConfigError(
            "JUPYTERHUB_API_URL: is not set, and with GOFER_IDENTITY=hub the Hub has to be asked "
            "who people are; it is usually http://HOST:8081/hub/api"
        )
    known: dict[str, Any] = {
        "api_url": settings.hub_api_url.rstrip("/"),
        "base_url": settings.prefix,
        "hub_host": settings.hub_host,
        "hub_prefix": f"{settings.hub_base_url}hub/",
        "access_scopes": set(scopes),
        "cache_max_age": settings.identity_cache_s,
        "allow_token_in_url": False,
        "allow_websocket_cookie_auth": False,
        "oauth_redirect_uri": settings.hub_callback_url or f"{settings.prefix}oauth_callback",
    }
    client_id = settings.hub_client_id or (
        settings.hub_service_name and f"service-{settings.hub_service_name}"
    )
    if client_id:
        known["oauth_client_id"] = client_id
    if settings.hub_api_token:
        known["api_token"] = settings.hub_api_token.get_secret_value()
    return known


def _configured_secret(settings: ServerSettings) -> str:
    if settings.cookie_secret is None:
        return ""
    secret = settings.cookie_secret.get_secret_value()
    if len(secret.encode("utf-8")) < _SECRET_BYTES:
        raise ConfigError(
            f"GOFER_COOKIE_SECRET: is shorter than {_SECRET_BYTES} bytes; `openssl rand -hex 32` "
            "makes one"
        )
    return secret
