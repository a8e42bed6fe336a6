"""The connections of one server process: taken one by one, counted, and ended.

Tornado's own server takes all the connections that wait at one go. Where several processes share
an address that gives one of them most of a burst; here each takes one at a time, and lets one that
has fewer go first. Tornado also waits for ever for a client that does not read its answer, spins
where no descriptor is left, and goes on with requests that had arrived before it closed their
connection; none of it is so here.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final, cast

from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream, StreamClosedError

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable, Iterable

    from tornado.http1connection import HTTP1ServerConnection

_log = logging.getLogger(__name__)

_SWEEP_S: Final = 2.0
"""Seconds between two looks for clients that do not read."""
_PAUSE_S: Final = 1.0
"""Seconds in which no connection is taken after one could not be."""
_COURTESY_S: Final = 0.002
"""Seconds that a connection is left to other processes which have fewer."""


class Connections(HTTPServer):
    """An HTTP server over listening sockets; used inside a running event loop.

    Args:
        application: answers the requests.
        unread_s: seconds after which a client that does not read its answer is cut.
        changed: is told how many connections there are whenever that changes.
        is_ahead: whether some other process on these sockets has fewer.
        options: as tornado's server takes them.
    """

    def initialize(  # type: ignore[override]  # tornado's way of configuring, not a constructor
        self,
        application: Callable[..., Any],
        *,
        unread_s: float,
        changed: Callable[[int], object],
        is_ahead: Callable[[], bool],
        **options: Any,
    ) -> None:
        """Take what the constructor was given."""
        super().initialize(application, **options)
        self._unread_s = unread_s
        self._changed = changed
        self._is_ahead = is_ahead
        self._loop = asyncio.get_running_loop()
        self._listening: list[socket.socket] = []
        self._streams: set[IOStream] = set()
        self._unread_since: dict[IOStream, float] = {}
        self._sweeping: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._streams)

    # --- taking them -----------------------------------------------------------------------------

    def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        """Take connections from these listening sockets, non-blocking and ours from now on."""
        for listening in sockets:
            self._listening.append(listening)
            self._listen(listening)
        if self._sweeping is None:
            self._sweep()

    def _listen(self, listening: socket.socket) -> None:
        if listening in self._listening:
            self._loop.add_reader(listening, self._accept_fairly, listening)

    def _accept_fairly(self, listening: socket.socket) -> None:
        if self._is_ahead():
            self._loop.remove_reader(listening)
            self._loop.call_later(_COURTESY_S, self._accept_late, listening)
        else:
            self._accept(listening)

    def _accept_late(self, listening: socket.socket) -> None:
        self._listen(listening)
        if listening in self._listening:
            self._accept(listening)

    def _accept(self, listening: socket.socket) -> None:
        try:
            connection, address = listening.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # another process was faster, or the client has gone
        except OSError as error:
            _log.warning(
                "A connection could not be taken",
                extra={"action": "accept_failed", "reason": str(error), "connections": len(self)},
            )
            self._loop.remove_reader(listening)
            self._loop.call_later(_PAUSE_S, self._listen, listening)
            return
        stream = _Stream(
            connection, max_buffer_size=self.max_buffer_size, read_chunk_size=self.read_chunk_size
        )
        self.handle_stream(stream, address)

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        """Serve one connection."""
        self._streams.add(stream)
        self._changed(len(self))
        super().handle_stream(stream, address)

    def on_close(self, server_conn: object) -> None:
        """Forget one that has ended."""
        super().on_close(server_conn)
        stream = cast("HTTP1ServerConnection", server_conn).stream
        self._streams.discard(stream)
        self._unread_since.pop(stream, None)
        self._changed(len(self))

    def _sweep(self) -> None:
        """Cut the clients that leave their answers unread."""
        now = self._loop.time()
        for stream in list(self._streams):
            if not stream.writing():
                self._unread_since.pop(stream, None)
            elif now - self._unread_since.setdefault(stream, now) > self._unread_s:
                stream.close()
        self._sweeping = self._loop.call_later(min(_SWEEP_S, self._unread_s), self._sweep)

    # --- ending them -----------------------------------------------------------------------------

    def stop(self) -> None:
        """Take no more connections, and let each that there is carry no further request.

        The listening sockets are closed at once: a client that comes now is refused by the kernel,
        or by another server.
        """
        for listening in self._listening:
            self._loop.remove_reader(listening)
            listening.close()
        self._listening.clear()
        self.conn_params.no_keep_alive = True

    async def end(self, within_s: float) -> None:
        """Close all connections; answers that are on their way get a moment to leave.

        Args:
            within_s: seconds that all this may take.
        """
        if self._sweeping is not None:
            self._sweeping.cancel()
        try:
            async with asyncio.timeout(within_s):
                while any(stream.writing() for stream in self._streams):  # noqa: ASYNC110 - no bell
                    await asyncio.sleep(within_s / 100)
        except TimeoutError:
            pass
        for stream in list(self._streams):
            stream.close()
        try:
            async with asyncio.timeout(within_s):
                await self.close_all_connections()
        except TimeoutError:
            pass  # something in them does not end by itself; the process does


class _Stream(IOStream):
    """A connection. Once it is closed, no request begins on it: nobody could be answered."""

    def read_until_regex(self, regex: bytes, max_bytes: int | None = None) -> Awaitable[bytes]:
        """Read what tornado reads this way: the head of a request, and nothing else.

        Raises:
            StreamClosedError: the connection is closed, whatever of a head has arrived.
        """
        if self.closed():
            raise StreamClosedError
        return super().read_until_regex(regex, max_bytes)
