"""An HTTP server on loopback whose answers go wrong as a test wants them to.

It needs the standard library alone: the process of the real edX consumer loads it too, in another
environment. What is behind it is any function from a request to an answer.

A test steers it over HTTP, so that it is the same for a server in another process: `POST /_faults`
with a list of faults, `GET /_told` for what the one behind wants to tell tests.
"""

from __future__ import annotations

import json
import threading
import urllib.request
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Mapping

HELD_S = 20.0


@dataclass(frozen=True)
class Request:
    method: str
    path: str  # with its query
    headers: Mapping[str, str]  # names in lower case
    body: bytes


@dataclass(frozen=True)
class Response:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_json(cls, status: int, found: object, **headers: str) -> Response:
        return cls(
            status, json.dumps(found).encode(), {"Content-Type": "application/json", **headers}
        )


@dataclass(frozen=True)
class Fault:
    """How an answer goes wrong.

    Attributes:
        kind: `answer` (this status, these headers and this body instead of asking who is behind),
            `cut_before` (closed undone), `cut_after` (done, then closed), `half` (done, then half
            of the answer), `hold` (not answered until the caller has gone), `drip` (a byte of the
            head at a time without end).
        count: how many requests it meets; None for all.
        one_in: it meets every so-manieth of the requests that it is for.
        of: text in the path of the requests that it is for.
    """

    kind: str = "answer"
    count: int | None = 1
    one_in: int = 1
    of: str = ""
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    body: str = "Service Unavailable"
    repeat: int = 1  # times of the body


class Faults:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[Fault, list[int]]] = []

    def plan(self, faults: Iterable[Fault]) -> None:
        """Have these from now on, and no others."""
        with self._lock:
            self._waiting = [(fault, [0, 0]) for fault in faults]

    def is_spent(self) -> bool:
        """Whether every fault has met all the requests that it was for."""
        with self._lock:
            return all(fault.count == counts[1] for fault, counts in self._waiting)

    def for_request(self, path: str) -> Fault | None:
        with self._lock:
            for fault, counts in self._waiting:
                if fault.of not in path or (fault.count is not None and counts[1] >= fault.count):
                    continue
                counts[0] += 1
                if counts[0] % fault.one_in == 0:
                    counts[1] += 1
                    return fault
            return None


class FaultyServer:
    """A server in threads of this process, or the whole of another one.

    Args:
        answer: who is behind it; called by many threads at once.
        told: what tests may know, as JSON.
        port: 0 takes a free one.
        tls: None speaks plainly.
    """

    def __init__(
        self,
        answer: Callable[[Request], Response],
        told: Callable[[], object] = dict,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.answer = answer
        self.told = told
        self.faults = Faults()
        self.gone = threading.Event()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.owner = self
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{self.port}"

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.gone.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Steering:
    """The test's end: what goes wrong next, and what the one behind has to tell."""

    def __init__(self, url: str) -> None:
        self._url = url

    def plan(self, *faults: Fault) -> None:
        body = json.dumps([asdict(fault) for fault in faults]).encode()
        with urllib.request.urlopen(f"{self._url}/_faults", body) as answer:
            answer.read()

    def told(self) -> Any:
        with urllib.request.urlopen(f"{self._url}/_told") as answer:
            return json.load(answer)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    owner: FaultyServer


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = HELD_S
    # An answer in one packet: with two, Nagle's algorithm waits for the caller's delayed ACK.
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *told: object) -> None:
        pass

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        body = self.rfile.read(length)
        if self.path == "/_faults":
            self.server.owner.faults.plan(Fault(**fault) for fault in json.loads(body))
            self._send(Response.of_json(200, {}))
        elif self.path == "/_told":
            self._send(Response.of_json(200, self.server.owner.told()))
        else:
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, self.path, headers, body)
            self._serve_faultily(request, self.server.owner.faults.for_request(self.path))

    def _serve_faultily(self, request: Request, fault: Fault | None) -> None:
        if fault is None:
            self._send(self.server.owner.answer(request))
        elif fault.kind == "answer":
            self._send(Response(fault.status, fault.body.encode() * fault.repeat, fault.headers))
        elif fault.kind == "half":
            self._send(self.server.owner.answer(request), part=0.5)
            self.close_connection = True
        else:
            {
                "cut_before": lambda: None,
                "cut_after": lambda: self.server.owner.answer(request),
                "hold": self._hold,
                "drip": self._drip,
            }[fault.kind]()
            self.close_connection = True

    def _send(self, answer: Response, part: float = 1.0) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        try:
            self.wfile.write(answer.body[: int(len(answer.body) * part)])
            self.wfile.flush()
        except OSError:
            self.close_connection = True

    def _hold(self) -> None:
        """Wait until the caller hangs up, which makes its end of the connection readable."""
        self.connection.settimeout(HELD_S)
        with suppress(OSError):
            self.connection.recv(1)

    def _drip(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        with suppress(OSError):
            while not self.server.owner.gone.wait(0.05):
                self.wfile.write(b"x")
                self.wfile.flush()

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the names of http.server
