"""What the console and the command line need."""

from __future__ import annotations

from shared.config.environment import ProcessSettings, setting
from shared.config.sections import AddressSettings, CatalogueSettings, GradingSettings
from shared.config.values import LOCAL_URL, Url


class ConsoleSettings(GradingSettings, CatalogueSettings, AddressSettings, ProcessSettings):
    """What the console and the command line need."""

    server_url: Url = setting(
        "GOFER_URL", LOCAL_URL, "URL at which the command line reaches the server."
    )
    demo_exit: bool = setting(
        "GOFER_DEMO_EXIT",
        False,  # noqa: FBT003 - a default, named by its place
        "Whether the demo ends with its results, on a terminal too, and says by its exit code "
        "whether they are as expected.",
    )
