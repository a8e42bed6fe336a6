"""What the server needs."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from shared.config.environment import ProcessSettings, setting
from shared.config.hub import HubServiceSettings, StaffSettings
from shared.config.sections import AddressSettings, CatalogueSettings, GradebookSettings
from shared.config.values import (  # noqa: TC001 - pydantic looks them up
    AbsolutePath,
    Origins,
    Prefix,
    Size,
)


class ServerSettings(
    HubServiceSettings,
    StaffSettings,
    GradebookSettings,
    CatalogueSettings,
    AddressSettings,
    ProcessSettings,
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

    public_key: AbsolutePath | None = setting(
        "GOFER_LTI_PUBLIC_KEY",
        None,
        "File with the public half of the LTI 1.3 key, PEM; told at `jwks.json` under the prefix.",
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
