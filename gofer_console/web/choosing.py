"""Which sign-in the settings ask for; none of them is ever left out."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from gofer_console.actions import requester
from gofer_console.web.hub_provider import HubProvider
from gofer_console.web.local_sign_in import LocalSignIn
from gofer_console.web.oauth_sign_in import OAuthSignIn
from gofer_console.web.oidc_provider import OidcProvider
from shared.errors import ConfigError

if TYPE_CHECKING:
    from gofer_console.web.sign_in import SignIn
    from shared.config import WebSettings

_SECRET_BYTES: Final = 32


def chosen_way(settings: WebSettings) -> str:
    """Return `local`, `hub` or `oidc`.

    Raises:
        ConfigError: people from elsewhere would reach a console without a sign-in for them.
    """
    way = settings.console_sign_in
    if way is None:
        if settings.console_hub_token is not None:
            way = "hub"
        elif settings.console_oidc_client_id is not None:
            way = "oidc"
        else:
            way = "local"
    if way == "local" and not settings.is_console_loopback:
        raise ConfigError(
            f"GOFER_CONSOLE_ADDRESS: others can reach {settings.console_address}, and nothing says "
            "how staff sign in. Set GOFER_CONSOLE_SIGN_IN to hub or oidc, or leave the address at "
            "127.0.0.1."
        )
    if way == "local" and settings.console_url is not None:
        raise ConfigError(
            "GOFER_CONSOLE_URL: it says that others reach the console, and nothing says how staff "
            "sign in. Set GOFER_CONSOLE_SIGN_IN to hub or oidc, or leave GOFER_CONSOLE_URL empty."
        )
    if way != "local" and settings.console_url is None and not settings.is_console_loopback:
        raise ConfigError(
            "GOFER_CONSOLE_URL: say at which URL browsers reach the console, such as "
            "https://grading.example.edu/"
        )
    return way


def make_sign_in(settings: WebSettings, *, port: int, is_link_once: bool = False) -> SignIn:
    """Return the sign-in that the settings ask for.

    Args:
        settings: of the console.
        port: that it listens on.
        is_link_once: whether a link of the console's own opens it once alone.

    Raises:
        ConfigError: what it needs is not set.
    """
    way = chosen_way(settings)
    if way == "local":
        return LocalSignIn(
            name=requester(),
            prefix=settings.console_prefix,
            port=port,
            is_link_once=is_link_once,
        )
    url = settings.console_url or own_url(settings, port)
    provider = HubProvider(settings) if way == "hub" else OidcProvider(settings, url=url)
    return OAuthSignIn(
        provider,
        prefix=settings.console_prefix,
        is_secure=url.startswith("https:"),
        secret=_cookie_secret(settings),
    )


def own_url(settings: WebSettings, port: int) -> str:
    """Return the URL of the console where nothing stands in front of it.

    Args:
        settings: of the console.
        port: that it listens on.
    """
    address = settings.console_address
    host = f"[{address}]" if ":" in address else address
    return f"http://{host}:{port}{settings.console_prefix}"


def _cookie_secret(settings: WebSettings) -> str:
    if settings.console_cookie_secret is None:
        return secrets.token_urlsafe(_SECRET_BYTES)
    secret = settings.console_cookie_secret.get_secret_value()
    if len(secret.encode()) < _SECRET_BYTES:
        raise ConfigError(
            f"GOFER_CONSOLE_COOKIE_SECRET: is shorter than {_SECRET_BYTES} bytes; "
            "`openssl rand -hex 32` makes one"
        )
    return secret
