"""How Streamlit is set up: quiet, closed to the outside, and in the console's colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from streamlit.web.bootstrap import load_config_options

if TYPE_CHECKING:
    from collections.abc import Iterable

_ACCENT: Final = {"light": "#1f5fbf", "dark": "#2f70d9"}
"""White stands on it, on buttons and in what is chosen: it has to be dark enough for that."""

_OPTIONS: Final[dict[str, Any]] = {
    "browser.gatherUsageStats": False,
    "client.allowedOrigins": [],  # Streamlit's own hosting may otherwise send messages to the page
    "client.disableDataExport": True,  # a table's own CSV lets formulas through; ours does not
    "client.showErrorDetails": "none",
    "client.showErrorLinks": False,
    "client.toolbarMode": "minimal",
    "global.developmentMode": False,
    "logger.enableRich": False,
    "logger.hideWelcomeMessage": True,
    "runner.magicEnabled": False,
    "runner.postScriptGC": False,  # a full collection after each run costs 100 ms of a core
    "server.enableAgentApi": False,
    "server.enableStaticServing": False,
    "server.fileWatcherType": "none",
    "server.headless": True,
    "server.maxUploadSize": 200,
    "server.showEmailPrompt": False,
    "theme.baseFontSize": 15,
    "theme.baseRadius": "0.4rem",
    "theme.showWidgetBorder": True,
    "theme.headingFontSizes": ["1.6rem", "1.3rem", "1.1rem", "1rem", "1rem", "1rem"],
    "theme.headingFontWeights": [600, 600, 600, 600, 600, 600],
    "theme.metricValueFontSize": "1.6rem",
    "theme.paddingTop": "2.5rem",
    "theme.paddingBottom": "2rem",
    "theme.light.primaryColor": _ACCENT["light"],
    "theme.light.linkColor": _ACCENT["light"],
    "theme.light.backgroundColor": "#ffffff",
    "theme.light.secondaryBackgroundColor": "#f4f6f9",
    "theme.light.textColor": "#1c2430",
    "theme.light.borderColor": "#d9dfe7",
    "theme.light.dataframeHeaderBackgroundColor": "#f4f6f9",
    "theme.light.sidebar.backgroundColor": "#f4f6f9",
    "theme.light.sidebar.secondaryBackgroundColor": "#e8ecf2",
    "theme.light.chartCategoricalColors": ["#1f5fbf", "#8a94a3", "#2f8f6b", "#b7791f", "#b4434a"],
    "theme.dark.primaryColor": _ACCENT["dark"],
    "theme.dark.linkColor": "#7db0ff",
    "theme.dark.backgroundColor": "#12161d",
    "theme.dark.secondaryBackgroundColor": "#1c222c",
    "theme.dark.textColor": "#e6eaf0",
    "theme.dark.borderColor": "#303947",
    "theme.dark.dataframeHeaderBackgroundColor": "#1c222c",
    "theme.dark.sidebar.backgroundColor": "#171c25",
    "theme.dark.sidebar.secondaryBackgroundColor": "#232b38",
    "theme.dark.chartCategoricalColors": ["#7db0ff", "#9aa5b5", "#5cc39a", "#e0b15c", "#e58a90"],
}


def set_options(
    *, prefix: str, address: str, port: int, hosts: Iterable[str], origin: str | None
) -> None:
    """Set Streamlit's options, over whatever its own files and variables say.

    Args:
        prefix: the path under which the console answers.
        address: that the console listens on.
        port: that the console listens on.
        hosts: by which browsers may ask for it.
        origin: of its public URL; None where it has none.
    """
    load_config_options(
        {
            **_OPTIONS,
            "server.address": address,
            "server.port": port,
            "server.baseUrlPath": prefix.strip("/"),
            "server.allowedHosts": sorted(hosts),
            # A proxy may ask for it by another host than the browser did.
            "server.corsAllowedOrigins": [] if origin is None else [origin],
        }
    )
