"""`python -m gofer_ingest.server [check]`: the composition root of the server process."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import TYPE_CHECKING, Final

from tornado.netutil import bind_sockets

from gofer_ingest.server.identity import Identity, choose_identity
from gofer_ingest.server.inheritance import Inheritance
from gofer_ingest.server.public_keys import read_public_keys
from gofer_ingest.server.serving import serve
from gofer_ingest.server.supervisor import Supervisor
from shared.catalogue import load_catalogue
from shared.config import ServerSettings, read_settings
from shared.errors import ConfigError, SpoolUnavailable
from shared.logs import set_up_logging
from shared.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.catalogue import Catalogue

_log = logging.getLogger("gofer.server")

WAITING_CONNECTIONS: Final = 1024
"""Connections that the kernel keeps for us when a deadline brings a whole course at once."""

CHECK: Final = "check"
"""The argument of a process that looks at its settings as a start does, and ends."""


def run(arguments: Sequence[str]) -> int:
    """Run the server; return its exit code.

    Args:
        arguments: what a supervisor gives one of its processes; none otherwise.

    Returns:
        0 after a stop that was asked for, 2 where the settings or the catalogue cannot be used, 1
        where the disk or the address cannot, or where the server's processes do not stay alive.
    """
    given = Inheritance.read(arguments)
    try:
        settings = read_settings(ServerSettings)
        marks = {} if given is None else {"server_process": given.number}
        set_up_logging(settings.log_level, settings.log_format, marks)
        identity = _identity(settings)
        catalogue = load_catalogue(
            course_config=settings.course_config_path,
            autograders=settings.autograders,
            defaults=settings.defaults,
            course=settings.course,
        )
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    spool = Spool(settings.volume_path)
    try:
        spool.prepare()
        identity.prepare(settings.volume_path / "spool" / "index")
    except (SpoolUnavailable, OSError) as error:
        sys.stderr.write(f"VOLUME_PATH: {settings.volume_path} cannot be used: {error}\n")
        return 1
    if given is not None:
        asyncio.run(serve(settings, given.sockets(), identity, catalogue, spool, given=given))
        return 0
    try:
        sockets = bind_sockets(settings.port, settings.address, backlog=WAITING_CONNECTIONS)
    except OSError as error:
        sys.stderr.write(
            f"GOFER_ADDRESS, GOFER_PORT: cannot listen on {settings.address} port {settings.port}: "
            f"{error.strerror}\n"
        )
        return 1
    _warn(settings, catalogue)
    if settings.processes > 1:
        return asyncio.run(Supervisor(settings.processes, sockets).run())
    asyncio.run(serve(settings, sockets, identity, catalogue, spool))
    return 0


def check() -> int:
    """Look at the settings as a start does, but for the catalogue's, and end.

    Returns:
        2 where they cannot be used; the reason is on the standard error as at a start.
    """
    try:
        _identity(read_settings(ServerSettings))
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _identity(settings: ServerSettings) -> Identity:
    identity = choose_identity(settings)
    read_public_keys(settings.public_key)  # one that cannot be used is told of now
    return identity


def _warn(settings: ServerSettings, catalogue: Catalogue) -> None:
    """Say what is not set up for a course."""
    if settings.identity == "dev":
        _log.warning(
            "Identity `dev`: ANYONE ON THIS MACHINE CAN SUBMIT AS ANYONE. For trying Gofer only.",
            extra={"action": "identity.dev"},
        )
    if not len(catalogue):
        _log.warning(
            "The catalogue is empty, so no submission can be accepted",
            extra={"action": "catalogue.empty", "autograders": str(settings.autograders)},
        )


if __name__ == "__main__":
    sys.exit(check() if sys.argv[1:] == [CHECK] else run(sys.argv[1:]))
