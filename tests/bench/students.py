"""Many students who post notebooks, in one light process; the load of the ingest benchmark.

`python -m tests.bench.students < plan.json` does what the plan says and prints what came back.
It keeps its connections alive, makes bodies by joining three pieces, and does nothing with an
answer but keep it: what it takes of the processors is taken from the server that is measured.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from tests.bench.posted_notebooks import PostedNotebooks

_PATIENCE_S: Final = 60.0
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_PAUSE_S: Final = 0.002
"""Between two connections being opened, so that each server process gets its share."""


@dataclass(frozen=True)
class Plan:
    """What the students do.

    Attributes:
        host: of the server.
        port: of the server.
        path: what is posted to.
        first: number of the first notebook; each is posted once, by a student of its own.
        connections: how many students post at one time.
        seconds: for how long they go on; in a burst, within how long each comes once.
        is_burst: whether each student comes once, at a moment of their own, on a new connection.
    """

    host: str
    port: int
    path: str
    first: int
    connections: int
    seconds: float
    is_burst: bool = False


@dataclass
class Came:
    """What came of it.

    Attributes:
        latencies_s: of each notebook, from the first byte sent to the last one received.
        receipts: number of the notebook and the answer's JSON, for each that was accepted.
        others: how many had another status, by status; 0 is a broken connection.
        seconds: from the first request to the last answer.
        cpu_s: what all this took of the processors.
    """

    latencies_s: list[float] = field(default_factory=list)
    receipts: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    others: dict[int, int] = field(default_factory=dict)
    seconds: float = 0.0
    cpu_s: float = 0.0


class _Student(asyncio.Protocol):
    """One connection: one request at a time, and its answer."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, content = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        length = _LENGTH.search(head)
        if self._answer is None or length is None or len(content) < int(length[1]):
            return
        self._received = b""
        if not self._answer.done():
            self._answer.set_result((int(head[9:12]), content))

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((0, b""))

    async def post(self, request: bytes) -> tuple[int, bytes]:
        """Send a request; return the status and content of its answer."""
        assert self.transport is not None
        if self.transport.is_closing():
            return 0, b""
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await asyncio.wait_for(self._answer, _PATIENCE_S)


class _Crowd:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._notebooks = PostedNotebooks.of("demo101", "1", "lab01")
        self._next = plan.first
        self.came = Came()

    async def come(self) -> Came:
        plan, came = self._plan, self.came
        if plan.is_burst:
            begun_s = time.perf_counter()
            gap_s = plan.seconds / plan.connections
            await asyncio.gather(*(self._come_at(n * gap_s) for n in range(plan.connections)))
        else:
            students = []
            for _ in range(plan.connections):
                students.append(await self._connected())
                await asyncio.sleep(_PAUSE_S)
            begun_s = time.perf_counter()
            deadline_s = begun_s + plan.seconds
            await asyncio.gather(*(self._go_on(student, deadline_s) for student in students))
            for student in students:
                _leave(student)
        came.seconds = time.perf_counter() - begun_s
        came.cpu_s = time.process_time()
        return came

    async def _go_on(self, student: _Student, deadline_s: float) -> None:
        while time.perf_counter() < deadline_s:
            if not await self._post(student):
                student = await self._connected()

    async def _come_at(self, moment_s: float) -> None:
        await asyncio.sleep(moment_s)
        try:
            student = await self._connected()
        except OSError:
            self._note_other(0)
            return
        await self._post(student)
        _leave(student)

    async def _connected(self) -> _Student:
        loop = asyncio.get_running_loop()
        _, student = await loop.create_connection(_Student, self._plan.host, self._plan.port)
        return student

    async def _post(self, student: _Student) -> bool:
        number, self._next = self._next, self._next + 1
        body = self._notebooks.body(number)
        head = (
            f"POST {self._plan.path} HTTP/1.1\r\nHost: {self._plan.host}:{self._plan.port}\r\n"
            f"X-Gofer-Student: student{number}\r\nContent-Type: application/json\r\n"
            f"Accept: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        request = head.encode() + body
        begun_s = time.perf_counter()
        status, content = await student.post(request)
        if status == 202:
            self.came.latencies_s.append(time.perf_counter() - begun_s)
            self.came.receipts.append((number, json.loads(content)))
        else:
            self._note_other(status)
        return status != 0

    def _note_other(self, status: int) -> None:
        self.came.others[status] = self.came.others.get(status, 0) + 1


def _leave(student: _Student) -> None:
    assert student.transport is not None
    student.transport.close()


def main() -> None:
    """Do what the plan on standard input says."""
    plan = Plan(**json.load(sys.stdin))
    came = asyncio.run(_Crowd(plan).come())
    json.dump(asdict(came), sys.stdout)


if __name__ == "__main__":
    main()
