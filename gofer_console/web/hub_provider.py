"""JupyterHub as who knows people: the console is one of its services.

The Hub lets nobody through whom it does not let use that service, and says of the others who they
are and in which groups.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from gofer_console.submit import may_use_proxy
from gofer_console.web.oauth_sign_in import CALLBACK
from gofer_console.web.provider import ProviderAway, SignInRefused, Vouched
from gofer_console.web.staff import Staff
from shared.errors import ConfigError

if TYPE_CHECKING:
    from gofer_console.web.person import Person
    from shared.config import WebSettings

_PATIENCE_S: Final = 10.0


class _Told(BaseModel):
    """What the Hub says of a token's owner; it says more than this."""

    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)

    name: str
    kind: str
    scopes: list[str]
    groups: list[str] = []


class HubProvider:
    """Asks the Hub.

    Raises:
        ConfigError: something is missing without which nobody, or everybody, would be let in.
    """

    name = "JupyterHub"

    def __init__(self, settings: WebSettings) -> None:
        self._staff = Staff.of(settings)
        service, token = settings.console_hub_service, settings.console_hub_token
        if settings.hub_api_url is None:
            raise ConfigError(
                "JUPYTERHUB_API_URL: is not set, and the Hub has to be asked who people are; it is "
                "usually http://HOST:8081/hub/api"
            )
        if service is None or token is None:
            missing = "GOFER_CONSOLE_HUB_SERVICE" if token else "GOFER_CONSOLE_HUB_TOKEN"
            raise ConfigError(
                f"{missing}: is not set; the console is a service of the Hub's, with a name and a "
                "token of its own"
            )
        self._api = settings.hub_api_url.rstrip("/")
        self._client_id = f"service-{service}"
        self._secret = token.get_secret_value()
        self._scopes = frozenset({f"access:services!service={service}", "access:services"})
        # The Hub compares letter by letter with what it was told of the service: the path alone for
        # a service on its own host, the whole URL for one that has a host of its own.
        host = settings.console_url if settings.hub_host else None
        self._callback = f"{host or settings.console_prefix}{CALLBACK}"
        self._authorize = f"{settings.hub_host}{settings.hub_base_url}hub/api/oauth2/authorize"
        self._client = httpx.Client(timeout=_PATIENCE_S, trust_env=may_use_proxy(self._api))

    def authorize_url(self, *, state: str, challenge: str, nonce: str) -> str:
        """Return the Hub's page for signing in."""
        del nonce
        asked = {
            "client_id": self._client_id,
            "redirect_uri": self._callback,
            "response_type": "code",
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{self._authorize}?{urlencode(asked)}"

    def redeem(self, code: str, *, verifier: str, nonce: str) -> Vouched:
        """Return whom a code stands for.

        Raises:
            ProviderAway: the Hub does not answer.
            SignInRefused: the code is not good.
        """
        del nonce
        answer = self._call(
            "POST",
            "oauth2/token",
            data={
                "client_id": self._client_id,
                "client_secret": self._secret,
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self._callback,
                "code_verifier": verifier,
            },
        )
        if not answer.is_success:
            raise SignInRefused
        try:
            token = answer.json().get("access_token")
        except (ValueError, AttributeError) as error:
            raise ProviderAway from error
        if not isinstance(token, str):
            raise SignInRefused
        return Vouched(self.ask(token), token)

    def ask(self, token: str) -> Person | None:
        """Return who it is by now; None where they may no longer in.

        Raises:
            ProviderAway: the Hub does not answer.
        """
        answer = self._call("GET", "user", headers={"Authorization": f"Bearer {token}"})
        if not answer.is_success:
            return None  # the token has ended, or the person is gone
        try:
            told = _Told.model_validate_json(answer.content)
        except ValidationError as error:
            raise ProviderAway from error
        if told.kind != "user" or self._scopes.isdisjoint(told.scopes):
            return None
        return self._staff.person(told.name, told.groups)

    def _call(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            answer = self._client.request(method, f"{self._api}/{path}", **options)
        except httpx.HTTPError as error:
            raise ProviderAway from error
        if answer.is_server_error:
            raise ProviderAway
        return answer
