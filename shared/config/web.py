"""What the console's web pages need beyond the command line: where they answer, and to whom."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from shared.config.console import ConsoleSettings
from shared.config.environment import setting
from shared.config.hub import HubSettings, StaffSettings
from shared.config.values import (  # noqa: TC001 - pydantic looks them up
    Names,
    Prefix,
    Url,
    Words,
    ZoneName,
)


class WebSettings(HubSettings, StaffSettings, ConsoleSettings):
    """What the console's web pages need."""

    console_address: str = setting(
        "GOFER_CONSOLE_ADDRESS", "127.0.0.1", "Address the console listens on."
    )
    console_port: Annotated[int, Field(ge=0, le=65535)] = setting(
        "GOFER_CONSOLE_PORT", 8501, "Port the console listens on; 0 takes any free one and says it."
    )
    console_prefix: Prefix = setting(
        "GOFER_CONSOLE_PREFIX", "/", "Path under which the console answers."
    )
    console_url: Url | None = setting(
        "GOFER_CONSOLE_URL",
        None,
        "URL at which browsers reach the console, where a proxy stands in front of it.",
        shown="its address, port and prefix",
    )
    console_sign_in: Literal["local", "hub", "oidc"] | None = setting(
        "GOFER_CONSOLE_SIGN_IN",
        None,
        "How staff sign in: `hub`, at JupyterHub; `oidc`, at an OpenID Connect provider; or "
        "`local`, a link with a secret that the console prints at its start, on loopback only.",
        shown="`hub` where its token is set, `oidc` where its client is, otherwise `local`",
    )
    console_time_zone: ZoneName | None = setting(
        "GOFER_CONSOLE_TIME_ZONE",
        None,
        "Time zone in which the console shows times, such as `Europe/Berlin`.",
        shown="the course config's, otherwise UTC",
    )
    console_hub_token: SecretStr | None = setting(
        "GOFER_CONSOLE_HUB_TOKEN",
        None,
        "Token of the console's own service at the Hub.",
        shown="`JUPYTERHUB_API_TOKEN`, with `GOFER_CONSOLE_SIGN_IN=hub`",
        secret=True,
    )
    console_hub_service: str | None = setting(
        "GOFER_CONSOLE_HUB_SERVICE",
        None,
        "Name of the console's own service at the Hub.",
        shown="`JUPYTERHUB_SERVICE_NAME`",
    )
    console_oidc_url: Url | None = setting(
        "GOFER_CONSOLE_OIDC_URL",
        None,
        "Issuer of the OpenID Connect provider; its metadata lies at "
        "`.well-known/openid-configuration` under it.",
    )
    console_oidc_client_id: str | None = setting(
        "GOFER_CONSOLE_OIDC_CLIENT_ID", None, "Client that the console is at that provider."
    )
    console_oidc_client_secret: SecretStr | None = setting(
        "GOFER_CONSOLE_OIDC_CLIENT_SECRET", None, "Secret of that client.", secret=True
    )
    console_oidc_name_claim: str = setting(
        "GOFER_CONSOLE_OIDC_NAME_CLAIM",
        "preferred_username",
        "Claim of that provider's that is a person's name here. It has to be one that people "
        "cannot change themselves; of `email`, only a verified one counts.",
    )
    console_cookie_secret: SecretStr | None = setting(
        "GOFER_CONSOLE_COOKIE_SECRET",
        None,
        "Key that signs the console's cookies; 32 bytes or more.",
        shown="a new one at each start",
        secret=True,
    )
    service_prefix: Prefix | None = setting(
        "JUPYTERHUB_SERVICE_PREFIX", None, "Path under which the service answers."
    )
    readers: Names = setting(
        "GOFER_READERS",
        (),
        "Names of people who may look at everything in the console and change nothing, with "
        "commas between.",
    )
    reader_groups: Words = setting(
        "GOFER_READER_GROUPS", (), "Hub groups whose members may do that, with commas between."
    )

    @model_validator(mode="after")
    def _what_the_hub_says(self) -> Self:
        """Take what the Hub tells the service that it starts, where that is the console itself.

        Only `hub` written out says so: server and console may share an environment, and these
        variables are then the server's.
        """
        if self.console_sign_in != "hub" or self.console_hub_token is not None:
            return self
        derived: dict[str, Any] = {
            "console_hub_token": self.hub_api_token,
            "console_hub_service": self.hub_service_name,
        }
        if self.service_prefix is not None and "console_prefix" not in self.model_fields_set:
            derived["console_prefix"] = self.service_prefix
        set_here = {"console_port", "console_address"} & self.model_fields_set
        if self.hub_service_url is not None and not set_here:
            parts = urlsplit(self.hub_service_url)
            derived["console_address"] = parts.hostname or "127.0.0.1"
            derived["console_port"] = parts.port or 80
        for name, value in derived.items():
            object.__setattr__(self, name, value)  # frozen for everyone else
        return self

    @property
    def is_console_loopback(self) -> bool:
        """Whether only this machine can reach the console's address."""
        if self.console_address == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.console_address).is_loopback
        except ValueError:
            return False

    @property
    def console_host(self) -> str | None:
        """The host that browsers ask for, in small letters; None where no public URL is set."""
        return None if self.console_url is None else urlsplit(self.console_url).hostname

    @property
    def console_origin(self) -> str | None:
        """Scheme, host and port of the public URL; None where none is set."""
        if self.console_url is None:
            return None
        parts = urlsplit(self.console_url)
        return f"{parts.scheme}://{parts.netloc}".lower()
