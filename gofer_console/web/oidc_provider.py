"""An OpenID Connect provider as who knows people: a school's own, where there is no JupyterHub.

It is asked once for each sign-in and believed for as long as the visit lasts; who is staff here is
looked up anew each minute.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import httpx
import jwt
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
_LEEWAY_S: Final = 60
_ALGORITHMS: Final = ("RS256", "PS256", "ES256", "EdDSA")
"""What an id token may be signed with: a key pair, never a secret, and never nothing."""


class _Metadata(BaseModel):
    """OpenID Connect Discovery 1.0, section 3, as far as it is needed."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class OidcProvider:
    """Asks the provider.

    Raises:
        ConfigError: something that it needs is not set.
    """

    name = "Your school's sign-in"

    def __init__(self, settings: WebSettings, *, url: str) -> None:
        self._staff = Staff.of(settings)
        issuer, client_id = settings.console_oidc_url, settings.console_oidc_client_id
        secret = settings.console_oidc_client_secret
        if issuer is None or client_id is None or secret is None:
            raise ConfigError(
                "GOFER_CONSOLE_OIDC_URL, GOFER_CONSOLE_OIDC_CLIENT_ID, "
                "GOFER_CONSOLE_OIDC_CLIENT_SECRET: all three are needed to sign in there"
            )
        self._issuer = issuer.rstrip("/")
        self._client_id = client_id
        self._secret = secret.get_secret_value()
        self._name_claim = settings.console_oidc_name_claim
        self._callback = f"{url}{CALLBACK}"
        self._client = httpx.Client(timeout=_PATIENCE_S, trust_env=may_use_proxy(issuer))
        self._lock = threading.Lock()
        self._known: _Metadata | None = None

    def authorize_url(self, *, state: str, challenge: str, nonce: str) -> str:
        """Return the provider's page for signing in.

        Raises:
            ProviderAway: it does not say where that is.
        """
        asked = {
            "client_id": self._client_id,
            "redirect_uri": self._callback,
            "response_type": "code",
            "scope": "openid profile email",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        endpoint = self._metadata().authorization_endpoint
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    def redeem(self, code: str, *, verifier: str, nonce: str) -> Vouched:
        """Return whom a code stands for.

        Raises:
            ProviderAway: it does not answer.
            SignInRefused: the code is not good, or the id token that it gave is not.
        """
        answer = self._call(
            "POST",
            self._metadata().token_endpoint,
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self._callback,
                "code_verifier": verifier,
            },
            auth=httpx.BasicAuth(self._client_id, self._secret),
        )
        if not answer.is_success:
            raise SignInRefused
        claims = self._claims(_object(answer).get("id_token"), nonce)
        name, groups = claims.get(self._name_claim), claims.get("groups", [])
        if self._name_claim == "email" and claims.get("email_verified") is not True:
            raise SignInRefused
        if not isinstance(name, str):
            raise SignInRefused
        kept = [one for one in groups if isinstance(one, str)] if isinstance(groups, list) else []
        token = json.dumps([name, kept])
        return Vouched(self.ask(token), token)

    def ask(self, token: str) -> Person | None:
        """Return who it is by now; None where they may no longer in."""
        name, groups = json.loads(token)
        return self._staff.person(name, groups)

    def _claims(self, id_token: object, nonce: str) -> dict[str, Any]:
        # OpenID Connect Core 1.0, section 3.1.3.7.
        if not isinstance(id_token, str):
            raise SignInRefused
        metadata = self._metadata()
        try:
            keys = jwt.PyJWKSet.from_dict(_object(self._call("GET", metadata.jwks_uri)))
            key = keys[jwt.get_unverified_header(id_token)["kid"]]
            claims: dict[str, Any] = jwt.decode(
                id_token,
                key,
                algorithms=list(_ALGORITHMS),
                audience=self._client_id,
                issuer=metadata.issuer,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "iat", "aud", "iss", "sub"]},
            )
        except (jwt.PyJWTError, KeyError) as error:
            raise SignInRefused from error
        is_for_us = claims.get("azp", self._client_id) == self._client_id
        if claims.get("nonce") != nonce or not is_for_us:
            raise SignInRefused
        return claims

    def _metadata(self) -> _Metadata:
        with self._lock:
            if self._known is None:
                answer = self._call("GET", f"{self._issuer}/.well-known/openid-configuration")
                try:
                    known = _Metadata.model_validate_json(answer.content)
                except ValidationError as error:
                    raise ProviderAway from error
                if known.issuer.rstrip("/") != self._issuer:  # Discovery 1.0, section 4.3
                    raise ProviderAway
                self._known = known
            return self._known

    def _call(self, method: str, url: str, **options: Any) -> httpx.Response:
        try:
            answer = self._client.request(method, url, **options)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ProviderAway from error
        if answer.is_server_error:
            raise ProviderAway
        return answer


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        read = answer.json()
    except ValueError as error:
        raise ProviderAway from error
    if not isinstance(read, dict):
        raise ProviderAway
    return read
