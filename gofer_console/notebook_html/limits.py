"""How much of a notebook is shown: enough to read it, and not enough to stop a browser."""

from __future__ import annotations

from typing import Final

INPUT_BYTES: Final = 32 << 20
"""Of a notebook; a larger one can be downloaded alone."""
CELLS: Final = 1000
SOURCE_CHARACTERS: Final = 100_000
"""Of one cell."""
OUTPUT_CHARACTERS: Final = 60_000
"""Of one output, images left out."""
OUTPUTS: Final = 100
"""Of one cell."""
TEXT_CHARACTERS: Final = 2_000_000
"""Of all sources and outputs together, images left out."""
DRAWN_CHARACTERS: Final = 200_000
"""Of all code that is coloured and all Markdown that is set; what comes after is shown as text."""
IMAGE_CHARACTERS: Final = 16 << 20
"""Of all images together, in base64."""
MATHS_CHARACTERS: Final = 4000
"""Of one formula; a longer one is shown as it was written."""

_TAIL: Final = 10_000


def cut(text: str, most: int) -> tuple[str, int]:
    """Return a text with what is beyond `most` characters taken out before its end.

    Returns:
        The text, and how many characters were taken out.
    """
    beyond = len(text) - most
    if beyond <= 0:
        return text, 0
    tail = min(_TAIL, most // 4)
    return f"{text[: most - tail]}\n…\n{text[len(text) - tail :]}", beyond
