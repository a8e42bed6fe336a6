"""Who sends a request: a port, and the adapter for trying Gofer out on one's own machine."""

from __future__ import annotations

import abc
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from gofer_ingest.server.errors import BadName, NotAllowed
from shared.errors import ConfigError
from shared.model import opaque_name
from shared.requests import Source

if TYPE_CHECKING:
    from tornado.httputil import HTTPServerRequest

    from shared.config import ServerSettings

STUDENT_HEADER: Final = "X-Gofer-Student"


@dataclass(frozen=True, slots=True)
class Student:
    """Who sends a request, as an adapter verified it."""

    name: str
    source: Source


class Identity(abc.ABC):
    """A way to know students. It sees headers only: the body has not been read yet.

    Attributes:
        challenge: what WWW-Authenticate says to someone who is not known.
        hint: what that person is told.
    """

    challenge: str
    hint: str

    @abc.abstractmethod
    async def identify(self, request: HTTPServerRequest) -> Student | None:
        """Return who sends the request; None where nobody is signed in.

        Raises:
            NotAllowed: a request that may not be made at all, whoever sends it.
            BadName: what the request says cannot be a student's name.
        """


class DevIdentity(Identity):
    """Believes the header `X-Gofer-Student`. Only ever for a server that listens on loopback.

    Everyone on this machine can submit as anyone; web pages must not. A page elsewhere that points
    a name of its own at 127.0.0.1 shows that name in Host, and a page that simply sends a request
    shows itself in Origin or Sec-Fetch-Site, so each of them has to be this server's own.
    """

    challenge = f'GoferDev header="{STUDENT_HEADER}"'
    hint = f"Say who you are: put your name into the header {STUDENT_HEADER}."

    async def identify(self, request: HTTPServerRequest) -> Student | None:
        """Return the student that the header names; None where there is none."""
        host = request.headers.get("Host", "")
        if not _is_loopback_host(host):
            raise NotAllowed("This server answers only under its own loopback address.")
        origin = request.headers.get("Origin")
        fetched_from = request.headers.get("Sec-Fetch-Site", "none")
        if (origin is not None and origin.lower() != f"http://{host}".lower()) or (
            fetched_from not in {"same-origin", "none"}
        ):
            raise NotAllowed("Pages of other sites may not use this server.")
        named = request.headers.get_list(STUDENT_HEADER)
        if not any(named):
            return None
        if len(named) > 1:
            raise BadName(f"Send one header {STUDENT_HEADER}, not {len(named)}.")
        try:
            # HTTP hands header bytes over as Latin-1; people type UTF-8.
            name = opaque_name(named[0].encode("latin-1").decode("utf-8"))
        except UnicodeError:
            raise BadName(f"Write the name in {STUDENT_HEADER} in UTF-8.") from None
        except ValueError as error:
            raise BadName(f"This name cannot be used: {error}.") from None
        return Student(name, Source.DEV)


def choose_identity(settings: ServerSettings) -> Identity:
    """Return the adapter that the settings name.

    Raises:
        ConfigError: they name none, or one that may not be used on this address.
    """
    if settings.identity is None:
        raise ConfigError(
            "GOFER_IDENTITY: is not set, so nobody could sign in; set it to `dev` to try Gofer on "
            "this machine"
        )
    if not settings.is_loopback:
        raise ConfigError(
            "GOFER_ADDRESS: is not a loopback address, and with GOFER_IDENTITY=dev anyone who can "
            "reach it could submit as anyone; use 127.0.0.1"
        )
    return DevIdentity()


def _is_loopback_host(host: str) -> bool:
    if "@" in host:  # no Host has a user; what stands before it would hide the real name
        return False
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
