"""`gofer console`: the composition root of the console's process."""

from __future__ import annotations

import logging
import signal
import socket
import sys
import threading
from typing import TYPE_CHECKING, Final

import uvicorn

from gofer_console import terminal
from gofer_console.web.app import make_app, take_over_logs
from gofer_console.web.choosing import chosen_way, make_sign_in, own_url
from gofer_console.web.local_sign_in import LocalSignIn
from shared.errors import ConfigError, GoferError, SpoolUnavailable
from shared.logs import set_up_logging
from shared.spool import Spool

if TYPE_CHECKING:
    from shared.config import WebSettings

_log = logging.getLogger("gofer.console")

_BACKLOG: Final = 256
_STOP_S: Final = 5


def serve(settings: WebSettings, *, for_window: bool = False) -> int:
    """Serve the console until it is asked to stop; return the exit code.

    Args:
        settings: of the console.
        for_window: it is for one window: its link works once, and it stops when standard input
            ends, as it does with whoever holds the other end.

    Raises:
        ConfigError: the settings cannot be used.
        GoferError: the address or the volume cannot.
    """
    set_up_logging(settings.log_level, settings.log_format)
    chosen_way(settings)
    try:
        Spool(settings.volume_path).prepare()
    except SpoolUnavailable as error:
        raise GoferError(f"VOLUME_PATH: {settings.volume_path} cannot be used: {error}") from error
    listening = _listen(settings.console_address, settings.console_port)
    port: int = listening.getsockname()[1]
    sign_in = make_sign_in(settings, port=port, is_link_once=for_window)
    app = make_app(settings, sign_in, port=port)
    link = settings.console_url or own_url(settings, port)
    if isinstance(sign_in, LocalSignIn):
        link = f"{link}?{sign_in.query}"
    terminal.err().print(f"The console answers at {link}", soft_wrap=True)
    _log.info(
        "The console is listening",
        extra={
            "action": "console.listening",
            "address": settings.console_address,
            "port": port,
            "sign_in": chosen_way(settings),
        },
    )
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            ws="websockets-sansio",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=_STOP_S,
        )
    )
    take_over_logs()
    asked = _stopping_on_signals(server)
    if for_window:
        threading.Thread(target=_stop_with_input, name="window", daemon=True).start()
    server.run(sockets=[listening])
    return 0 if server.started or asked else 1


def _stopping_on_signals(server: uvicorn.Server) -> list[int]:
    """Have signals stop the server from now on; return those that came, as they come.

    uvicorn heeds them itself once it runs, and when it has stopped hands them on to whoever was
    there before it. One that comes just before it runs would be lost on it.
    """
    asked: list[int] = []

    def on_signal(number: int, _frame: object) -> None:
        asked.append(number)
        server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    return asked


def _stop_with_input() -> None:
    sys.stdin.buffer.read()
    signal.raise_signal(signal.SIGTERM)


def _listen(address: str, port: int) -> socket.socket:
    try:
        family, kind, _, _, where = socket.getaddrinfo(
            address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind)
    except OSError as error:
        raise ConfigError(f"GOFER_CONSOLE_ADDRESS: {address} is no address: {error}") from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(where)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise GoferError(
            f"GOFER_CONSOLE_ADDRESS, GOFER_CONSOLE_PORT: cannot listen on {address} port {port}: "
            f"{error.strerror}"
        ) from error
    return listening
