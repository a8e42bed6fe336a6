"""What the ingest benchmark is measured beside: a plain Tornado handler that promises nothing.

`python -m tests.bench.plain_server PORT FOLDER PROCESSES` parses what is posted as JSON and writes
it to a file of its own, without asking who sends it, what it is, or whether the disk has it.
"""

from __future__ import annotations

import json
import sys
import uuid
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets
from tornado.process import fork_processes
from tornado.web import Application, RequestHandler


class Plain(RequestHandler):
    def initialize(self, folder: Path) -> None:
        self._folder = folder

    def post(self) -> None:
        json.loads(self.request.body)
        name = uuid.uuid4().hex
        (self._folder / name).write_bytes(self.request.body)
        self.set_status(202)
        self.write({"id": name})


def main(port: int, folder: Path, processes: int) -> None:
    fork_processes(processes)
    server = HTTPServer(Application([("/", Plain, {"folder": folder})]))
    # a socket each, so that the kernel spreads the connections over the processes
    server.add_sockets(bind_sockets(port, "127.0.0.1", backlog=1024, reuse_port=True))
    print("listening", flush=True)  # noqa: T201 - to whoever started it
    IOLoop.current().start()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
