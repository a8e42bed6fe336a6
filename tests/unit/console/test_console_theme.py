"""The console's colours: what stands on them can be read."""

from __future__ import annotations

import pytest
from streamlit import config

from gofer_console.web.streamlit_options import set_options

ENOUGH_CONTRAST = 4.5
"""For text of any size (WCAG 2.2, 1.4.3)."""
ENOUGH_FOR_LINES = 3
"""For what is no text and tells of a state (WCAG 2.2, 1.4.11)."""


def brightness(colour: str) -> float:
    """Return the relative luminance of a colour such as `#1f5fbf`, as WCAG 2.2 has it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((brightness(one), brightness(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_stands_on_the_accent_and_links_can_be_read(scheme: str) -> None:
    set_options(prefix="/", address="127.0.0.1", port=8501, hosts=(), origin=None)
    theme = {
        name: str(config.get_option(f"theme.{scheme}.{name}"))
        for name in ("primaryColor", "linkColor", "backgroundColor", "textColor")
    }
    assert contrast("#ffffff", theme["primaryColor"]) >= ENOUGH_CONTRAST  # Streamlit's buttons
    line_of_a_tab = contrast(theme["primaryColor"], theme["backgroundColor"])
    assert line_of_a_tab >= ENOUGH_FOR_LINES
    assert contrast(theme["linkColor"], theme["backgroundColor"]) >= ENOUGH_CONTRAST
    assert contrast(theme["textColor"], theme["backgroundColor"]) >= ENOUGH_CONTRAST
