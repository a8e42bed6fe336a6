"""`python -m gofer_ingest.server`: the composition root of the server process."""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from gofer_ingest.server.app import make_app
from gofer_ingest.server.bodies import BodyBudget
from gofer_ingest.server.door import Door
from gofer_ingest.server.identity import choose_identity
from gofer_ingest.server.means import Means
from shared.catalogue import load_catalogue
from shared.config import ServerSettings, read_settings
from shared.errors import ConfigError, SpoolUnavailable
from shared.logs import set_up_logging
from shared.spool import Spool

if TYPE_CHECKING:
    import socket

    from gofer_ingest.server.identity import Identity
    from shared.catalogue import Catalogue

_log = logging.getLogger("gofer.server")

STOP_S: Final = 10.0
"""Seconds that requests in hand may take to finish at a stop."""
HEADERS_BYTES: Final = 64 << 10
READ_BYTES: Final = 64 << 10
BUFFER_BYTES: Final = 1 << 20
"""What tornado may buffer of a connection by itself; bodies are bounded elsewhere."""
BODIES_IN_HAND: Final = 32
"""How many of the largest bodies may be in memory at one time."""
WAITING_CONNECTIONS: Final = 1024
"""Connections that the kernel keeps for us when a deadline brings a whole course at once."""
THREADS: Final = 8
"""Deliveries at one time: they wait for fsync, which a journal does for several at once."""


async def main(
    settings: ServerSettings,
    sockets: list[socket.socket],
    identity: Identity,
    catalogue: Catalogue,
    spool: Spool,
) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is in hand."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with ThreadPoolExecutor(THREADS, thread_name_prefix="delivery") as executor:
        means = Means(
            prefix=settings.prefix,
            door=Door(catalogue=catalogue, spool=spool),
            spool=spool,
            identity=identity,
            executor=executor,
            budget=BodyBudget(BODIES_IN_HAND * settings.max_body_bytes),
            max_body_bytes=settings.max_body_bytes,
        )
        server = HTTPServer(
            make_app(means),
            chunk_size=READ_BYTES,
            max_header_size=HEADERS_BYTES,
            max_buffer_size=BUFFER_BYTES,
            max_body_size=sys.maxsize,  # the handlers count: tornado would answer 400, not 413
            idle_connection_timeout=settings.head_timeout_s,
            body_timeout=settings.body_timeout_s,
            xheaders=settings.identity == "hub",  # its proxy says who asks, and whether by https
        )
        server.add_sockets(sockets)
        _log.info(
            "Listening",
            extra={
                "action": "listening",
                "url": _url(sockets[0], settings.prefix),
                "assignments": len(catalogue),
                "volume_path": str(settings.volume_path),
            },
        )
        await stop.wait()
        server.stop()
        _log.info("Stopping", extra={"action": "stopping", "requests": len(means.in_hand)})
        if not await means.in_hand.finished(STOP_S):
            _log.warning(
                "Stopped although requests were unfinished",
                extra={"action": "stopped", "requests": len(means.in_hand)},
            )
        await server.close_all_connections()
        await identity.close()
    _log.info("Stopped", extra={"action": "stopped"})


def _allow_many_connections() -> None:
    """Use as many file descriptors as the system allows: each connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _url(listening: socket.socket, prefix: str) -> str:
    address, port = listening.getsockname()[:2]
    host = f"[{address}]" if ":" in address else address
    return f"http://{host}:{port}{prefix}"


def run() -> int:
    """Run the server process; return its exit code.

    Returns:
        0 after a stop that was asked for, 2 where the settings or the catalogue cannot be used, 1
        where the disk or the address cannot.
    """
    try:
        settings = read_settings(ServerSettings)
        set_up_logging(settings.log_level, settings.log_format)
        identity = choose_identity(settings)
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
    try:
        sockets = bind_sockets(settings.port, settings.address, backlog=WAITING_CONNECTIONS)
    except OSError as error:
        sys.stderr.write(
            f"GOFER_ADDRESS, GOFER_PORT: cannot listen on {settings.address} port {settings.port}: "
            f"{error.strerror}\n"
        )
        return 1
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
    _allow_many_connections()
    asyncio.run(main(settings, sockets, identity, catalogue, spool))
    return 0


if __name__ == "__main__":
    sys.exit(run())
