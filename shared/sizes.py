"""Sizes as people write them: `1g`, `512m`, `10485760`."""

from __future__ import annotations

import re
from typing import Final

_SIZE: Final = re.compile(
    r"\s*([0-9]{1,18}(?:\.[0-9]+)?)\s*(?:([kmgt])(?:i?b)?|b)?\s*", re.IGNORECASE
)
_POWERS: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def size_bytes(written: object, *, least: int = 1) -> int:
    """Return a size in bytes.

    Args:
        written: a whole number of bytes, or text such as `512m`, `1g`, `1.5 GiB`. As in Docker, the
            letters k, m, g and t always mean powers of 1024.
        least: the smallest that makes sense, 1 byte or 0.

    Raises:
        ValueError: it is no such size, or less than that.
    """
    if isinstance(written, int) and not isinstance(written, bool):
        size = written
    elif isinstance(written, str) and (match := _SIZE.fullmatch(written)):
        number, letter = match.groups()
        size = int(float(number) * 1024 ** _POWERS[(letter or "").lower()])
    else:
        raise ValueError("write a size as bytes or with k, m or g, such as 512m")
    if size < least:
        raise ValueError("a size is at least one byte" if least else "a size is not negative")
    return size
