"""What JupyterHub tells a service of its, and who of its users is staff."""

from __future__ import annotations

from pydantic import SecretStr
from pydantic_settings import BaseSettings

from shared.config.environment import setting
from shared.config.values import Names, Prefix, Url, Words


class HubApiSettings(BaseSettings):
    """Where the Hub is asked."""

    hub_api_url: Url | None = setting(
        "JUPYTERHUB_API_URL", None, "Where the Hub's API answers this service."
    )


class HubSettings(HubApiSettings):
    """What JupyterHub tells a service of its; a managed one gets all of it by itself."""

    hub_api_token: SecretStr | None = setting(
        "JUPYTERHUB_API_TOKEN", None, "Token of this service at the Hub.", secret=True
    )
    hub_service_name: str | None = setting(
        "JUPYTERHUB_SERVICE_NAME", None, "Name of this service at the Hub."
    )
    hub_service_url: Url | None = setting(
        "JUPYTERHUB_SERVICE_URL",
        None,
        "Where the Hub's proxy reaches this service: it listens there, unless `GOFER_PORT` is set.",
    )
    hub_base_url: Prefix = setting(
        "JUPYTERHUB_BASE_URL", "/", "Path under which the Hub's proxy answers."
    )
    hub_host: str = setting(
        "JUPYTERHUB_HOST", "", "Scheme and host of the Hub, where it is not this service's own."
    )


class HubServiceSettings(HubSettings):
    """What it tells of how a service is known to it, beyond its name."""

    hub_access_scopes: Words = setting(
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES",
        (),
        "Hub scopes of which a person needs one to be let in.",
        shown="those of the service's name",
    )
    hub_client_id: str | None = setting(
        "JUPYTERHUB_CLIENT_ID",
        None,
        "OAuth client that this service is at the Hub.",
        shown="`service-` and the service's name",
    )
    hub_callback_url: str | None = setting(
        "JUPYTERHUB_OAUTH_CALLBACK_URL",
        None,
        "Where the Hub sends browsers back after signing in.",
        shown="`oauth_callback` under the prefix",
    )


class StaffSettings(BaseSettings):
    """Who is staff."""

    staff: Names = setting(
        "GOFER_STAFF", (), "Names of staff, with commas between; they may look at any submission."
    )
    staff_groups: Words = setting(
        "GOFER_STAFF_GROUPS", (), "Hub groups whose members are staff, with commas between."
    )
