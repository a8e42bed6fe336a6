"""What the console and the command line need."""

from __future__ import annotations

from pydantic import SecretStr  # noqa: TC002 - pydantic looks it up

from shared.config.environment import ProcessSettings, setting
from shared.config.hub import HubApiSettings
from shared.config.sections import (
    AddressSettings,
    BackupSettings,
    CatalogueSettings,
    GradingSettings,
)
from shared.config.values import LOCAL_URL, Url


class ConsoleSettings(
    GradingSettings,
    CatalogueSettings,
    AddressSettings,
    BackupSettings,
    HubApiSettings,
    ProcessSettings,
):
    """What the console and the command line need."""

    server_url: Url = setting(
        "GOFER_URL", LOCAL_URL, "URL at which the command line reaches the server."
    )
    hub_launches_token: SecretStr | None = setting(
        "GOFER_HUB_LAUNCHES_TOKEN",
        None,
        "Token at the Hub by which `gofer roster launches` reads what it keeps of LTI launches.",
        secret=True,
    )
    demo_exit: bool = setting(
        "GOFER_DEMO_EXIT",
        False,  # noqa: FBT003 - a default, named by its place
        "Whether the demo ends with its results, on a terminal too, and says by its exit code "
        "whether they are as expected.",
    )
