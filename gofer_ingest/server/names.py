"""Names that arrive with a request."""

from __future__ import annotations

import re

from shared.model import opaque_name


def plain_name(text: str) -> str:
    """Return `text` as an opaque name that does not look like a way through folders either.

    Names are never part of a path, so this guards nothing of ours. It spares everyone who later
    exports names to some other program.

    Raises:
        ValueError: it is no opaque name, or a part of it between slashes is `.` or `..`.
    """
    name = opaque_name(text)
    if any(part in {".", ".."} for part in re.split(r"[/\\]", name)):
        raise ValueError("a name may not hold . or .. as a part between slashes")
    return name
