"""Measure what a queue of thousands costs: whoever hands in, and the grader that sweeps it.

`python -m tests.bench.full_queue [--posts 200]` prints a table, and writes `var/bench/queue.json`
and the picture `docs/img/queue.svg`. It exits 1 where a notebook was refused, and never for a time.

Each depth has a volume and a server of its own, and they take turns, post by post: whatever else
goes on on the machine meets all of them. The grader's part is measured when the servers have gone.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import signal
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gofer_console import terminal
from gofer_ingest.grader.autograders import Autograders
from gofer_ingest.grader.process_sandbox import ProcessSandbox
from gofer_ingest.grader.runs import Tools
from gofer_ingest.grader.worker import Worker
from shared.catalogue import Catalogue
from shared.gradebook.engine import open_gradebook
from shared.model import Sha256, new_submission_id, utc_now
from shared.requests import NOTEBOOK_NAME, Envelope, Source, SubmitPayload
from shared.spool import Spool
from shared.spool.entry import ENVELOPE_NAME, encode_envelope
from tests.bench.ingest_report import Conditions
from tests.bench.measured_servers import ROOT, MeasuredServer, gofer
from tests.bench.posted_notebooks import PostedNotebooks
from tests.bench.queue_report import AtDepth, drawn, show, write
from tests.bench.report import load

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

DEPTHS: Final = (0, 1_000, 5_000, 10_000, 20_000)
POSTS: Final = 200
ROUNDS: Final = 21
COURSE: Final = ("demo101", "1", "lab01")
_WARM_UP: Final = 5
_PATIENCE_S: Final = 60.0
_WAITING: Final = b"{}"
"""What lies in the waiting entries as a notebook: it is not opened while they wait."""


def fill(spool: Spool, entries: int) -> None:
    """Make entries as deliveries leave them, without the fsyncs that nothing here depends on."""
    sha256 = Sha256(hashlib.sha256(_WAITING).hexdigest())
    course, section, assignment = COURSE
    for number in range(entries):
        payload = SubmitPayload(
            student=f"waiting{number}",
            course=course,
            section=section,
            assignment=assignment,
            sha256=sha256,
            size_bytes=len(_WAITING),
            source=Source.DEV,
        )
        envelope = Envelope(
            id=new_submission_id(),
            action="submit",
            payload=payload,
            requested_by=payload.student,
            received_at=utc_now(),
        )
        entry = spool.new_dir / envelope.id
        entry.mkdir()
        (entry / ENVELOPE_NAME).write_bytes(encode_envelope(envelope))
        (entry / NOTEBOOK_NAME).write_bytes(_WAITING)


class Student:
    """One connection to one server.

    Attributes:
        posts_ms: what each receipt took.
        refused: how many posts got something else.
    """

    def __init__(self, server: MeasuredServer) -> None:
        self.posts_ms: list[float] = []
        self.refused = 0
        self._server = server
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=_PATIENCE_S)

    def post(self, number: int, body: bytes, *, counts: bool) -> None:
        """Post a notebook and read the receipt."""
        headers = {
            "X-Gofer-Student": f"student{number}",
            "Content-Type": "application/json",
            "Accept": "application/json",
        }
        begun = time.perf_counter()
        self._connection.request("POST", self._server.path, body, headers)
        answer = self._connection.getresponse()
        answer.read()
        taken_ms = (time.perf_counter() - begun) * 1000
        if answer.status != http.client.ACCEPTED:
            self.refused += 1
        elif counts:
            self.posts_ms.append(taken_ms)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def hand_in(servers: Sequence[MeasuredServer], posts: int) -> list[Student]:
    """Post to all servers in turns; return what each took."""
    notebooks = PostedNotebooks.of(*COURSE)
    with ExitStack() as stack:
        students = [stack.enter_context(closing(Student(server))) for server in servers]
        for number in range(_WARM_UP + posts):
            body = notebooks.body(number)
            # each is first, second, … equally often: who comes after whom may matter
            begin = number % len(students)
            for student in students[begin:] + students[:begin]:
                student.post(number, body, counts=number >= _WARM_UP)
    return students


def timed_ms(what: Callable[[], object]) -> list[float]:
    """Time the rounds of something."""
    taken_ms = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        what()
        taken_ms.append((time.perf_counter() - begun) * 1000)
    return taken_ms


def sweep(volume: Path, pending: int, posts_ms: Sequence[float]) -> AtDepth:
    """Measure the grader's part on a volume: listing it, and the worker's look at it."""
    spool = Spool(volume)
    gradebook = open_gradebook(volume)
    sandbox = ProcessSandbox(volume)
    tools = Tools(spool, Catalogue([]), Autograders(sandbox, gradebook), sandbox, gradebook, 5)
    # Never run: it looks when it is told to, and claims nothing. Without a pause between two
    # sweeps, each look is one.
    worker = Worker(tools, concurrency=1, sweep_s=0.0, drain_s=0.0)
    everything = len(spool.pending())
    begun = time.perf_counter()
    while worker.standing().pending < everything:
        worker._look()
    taking_in_s = time.perf_counter() - begun
    measured = AtDepth(
        pending=pending,
        posts_ms=posts_ms,
        listing_ms=timed_ms(spool.pending),
        look_ms=timed_ms(worker._look),
        standing_ms=timed_ms(worker.standing),
        taking_in_s=taking_in_s,
    )
    gradebook.dispose()
    return measured


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; return its exit code."""
    posts = _posts(arguments)
    signal.signal(signal.SIGTERM, _leave)
    out = terminal.out()
    parent = ROOT / "var" / "bench"
    parent.mkdir(parents=True, exist_ok=True)
    load_before = load()
    # On the project's own disk: `/tmp` may be memory, where fsync costs nothing.
    with tempfile.TemporaryDirectory(dir=parent, prefix="queue-") as name:
        folders = {depth: Path(name) / str(depth) for depth in DEPTHS}
        out.print(f"Making {sum(DEPTHS):,} waiting submissions …")
        for depth, folder in folders.items():
            spool = Spool(folder / "volume")
            spool.prepare()
            fill(spool, depth)
        with ExitStack() as stack:
            settings = {"GOFER_MAX_WAITING": str(2 * max(DEPTHS))}
            servers = [
                stack.enter_context(gofer(folder, parent / "logs" / f"queue-{depth}.log", settings))
                for depth, folder in folders.items()
            ]
            conditions = Conditions.now(Path(name), [len(one.peaks_bytes) for one in servers])
            out.print(f"Handing in {posts} notebooks at each depth …")
            students = hand_in(servers, posts)
        out.print("Sweeping …")
        measured = [
            sweep(folder / "volume", depth, student.posts_ms)
            for (depth, folder), student in zip(folders.items(), students, strict=True)
        ]
    refused = sum(student.refused for student in students)
    write(measured, conditions, load_before, parent / "queue.json")
    picture = ROOT / "docs" / "img" / "queue.svg"
    picture.write_text(drawn(measured, conditions), "utf-8")
    show(measured, conditions, load_before, out)
    out.print(f"Drawn: {picture.relative_to(ROOT)}", soft_wrap=True)
    if refused:
        out.print(f"{refused} notebooks were REFUSED.", style="bold red")
    return 1 if refused else 0


def _leave(_number: int, _frame: FrameType | None) -> None:
    # as an exception, so that the servers and the folder go with the benchmark
    sys.exit(128 + signal.SIGTERM)


def _posts(arguments: Sequence[str] | None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.full_queue",
        description="Measure what a queue of thousands costs, on this machine.",
    )
    parser.add_argument(
        "--posts", type=int, default=POSTS, help=f"at each depth (default: {POSTS})"
    )
    return int(parser.parse_args(arguments).posts)


if __name__ == "__main__":
    sys.exit(main())
