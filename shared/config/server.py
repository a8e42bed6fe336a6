"""What the server needs, and what JupyterHub tells a service of its."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings

from shared.config.environment import ProcessSettings, setting
from shared.config.sections import AddressSettings, CatalogueSettings, GradebookSettings
from shared.config.values import Names, Origins, Prefix, Size, Url, Words


class _HubSettings(BaseSettings):
    """What JupyterHub tells a service of its; a managed one gets all of it by itself."""

    hub_api_url: Url | None = setting(
        "JUPYTERHUB_API_URL", None, "Where the Hub's API answers this service."
    )
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
    hub_base_url: Prefix = setting(
        "JUPYTERHUB_BASE_URL", "/", "Path under which the Hub's proxy answers."
    )
    hub_host: str = setting(
        "JUPYTERHUB_HOST", "", "Scheme and host of the Hub, where it is not this service's own."
    )


class ServerSettings(
    _HubSettings, GradebookSettings, CatalogueSettings, AddressSettings, ProcessSettings
):
    """What the server needs."""

    port: Annotated[int, Field(ge=0, le=65535)] = setting(
        "GOFER_PORT", 10101, "Port the server listens on; 0 takes any free one and logs it."
    )
    prefix: Prefix = setting(
        "JUPYTERHUB_SERVICE_PREFIX", "/services/gofer_nb/", "Path under which the server answers."
    )
    processes: Annotated[int, Field(ge=1, le=64)] = setting(
        "GOFER_SERVER_PROCESSES", 1, "How many server processes share the address."
    )
    identity: Literal["hub", "signed", "dev"] | None = setting(
        "GOFER_IDENTITY",
        None,
        "How students are known: by `hub`, JupyterHub; `signed`, tokens of a trusted front; or "
        "`dev`, which believes the header `X-Gofer-Student`, on loopback only.",
        shown="`hub` where `JUPYTERHUB_API_URL` is set",
    )
    identity_secret: SecretStr | None = setting(
        "GOFER_IDENTITY_SECRET",
        None,
        "Key of the tokens of `GOFER_IDENTITY=signed`; 32 bytes or more.",
        secret=True,
    )
    cookie_secret: SecretStr | None = setting(
        "GOFER_COOKIE_SECRET",
        None,
        "Key that signs the sign-in cookies; 32 bytes or more.",
        shown="made once and kept in the volume",
        secret=True,
    )
    identity_cache_s: Annotated[int, Field(ge=1, le=3600)] = setting(
        "GOFER_IDENTITY_CACHE_S",
        30,
        "Seconds for which what JupyterHub said of a token is believed without asking again.",
    )
    staff: Names = setting(
        "GOFER_STAFF", (), "Names of staff, with commas between; they may look at any submission."
    )
    staff_groups: Words = setting(
        "GOFER_STAFF_GROUPS", (), "Hub groups whose members are staff, with commas between."
    )
    allowed_origins: Origins = setting(
        "GOFER_ALLOWED_ORIGINS",
        (),
        "Origins whose pages may submit from elsewhere, with commas between.",
    )
    max_body_bytes: Size = setting(
        "GOFER_MAX_BODY_BYTES", "10m", "Largest submission taken, such as `10m`."
    )
    max_cells: Annotated[int, Field(ge=1)] = setting(
        "GOFER_MAX_CELLS", 5000, "Most cells a notebook may have."
    )
    max_depth: Annotated[int, Field(ge=10, le=200)] = setting(
        "GOFER_MAX_DEPTH", 100, "How deeply lists and objects in a notebook may be nested."
    )
    max_waiting: Annotated[int, Field(ge=1)] = setting(
        "GOFER_MAX_WAITING", 50_000, "Most submissions that may wait for grading."
    )
    min_free_disk: Size = setting(
        "GOFER_MIN_FREE_DISK", "1g", "Space that submissions leave free on the volume's disk."
    )
    repeat_window_s: Annotated[float, Field(ge=0, le=31_536_000, allow_inf_nan=False)] = setting(
        "GOFER_REPEAT_WINDOW_S",
        600.0,
        "Seconds in which the same notebook sent again gets the same receipt.",
    )
    head_timeout_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = setting(
        "GOFER_HEAD_TIMEOUT_S",
        75.0,
        "Seconds a connection may take to send a request's head, or be idle.",
    )
    body_timeout_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = setting(
        "GOFER_BODY_TIMEOUT_S",
        300.0,
        "Seconds a submission may take to arrive, and an answer to be read.",
    )

    @model_validator(mode="after")
    def _defaults_of_a_hub(self) -> Self:
        """Take what the Hub says where nothing else was set."""
        derived: dict[str, Any] = {}
        if self.identity is None and self.hub_api_url is not None:
            derived["identity"] = "hub"
        if self.hub_service_url is not None and not {"port", "address"} & self.model_fields_set:
            parts = urlsplit(self.hub_service_url)
            derived["address"] = parts.hostname or "127.0.0.1"
            derived["port"] = parts.port or 80
        for name, value in derived.items():
            object.__setattr__(self, name, value)  # frozen for everyone else
        return self
