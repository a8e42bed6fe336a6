"""Pure: whether a request was made on this machine, by whoever looks after it."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

FORWARDED: Final = (
    "Forwarded",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Proto",
    "X-Forwarded-Server",
    "X-Real-Ip",
    "X-Scheme",
)
"""What proxies add. A client that adds them counts as remote, which gains it nothing."""


def is_loopback_host(host: str) -> bool:
    """Tell whether a Host header names this machine's own loopback address, port or not."""
    if "@" in host:  # no Host has a user; what stands before it would hide the real name
        return False
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def is_local(peer: str, headers: Mapping[str, str]) -> bool:
    """Tell whether a request comes straight from a program on this machine.

    A proxy on this machine also connects from loopback. It is told by what it adds, or by the name
    it was reached under and passes on; one that hides both cannot be told.

    Args:
        peer: the address at the other end of the connection itself, whatever headers say.
        headers: of the request.
    """
    try:
        is_loopback = ipaddress.ip_address(peer).is_loopback
    except ValueError:
        return False
    return (
        is_loopback
        and not any(name in headers for name in FORWARDED)
        and is_loopback_host(headers.get("Host", ""))
    )
