"""What each step of accepting a notebook takes of the processors, in one thread and by itself.

The server does the same under load with other threads about, which costs more: the interpreter
changes hands at each system call. So these figures say where the time goes, not how much it is.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING

from gofer_ingest.server.notebooks import read_notebook
from gofer_ingest.server.recent_receipts import RecentReceipt, RecentReceipts
from shared.model import new_submission_id, utc_now
from shared.requests import Envelope, Source, SubmitPayload
from shared.spool import Content, Spool
from tests.bench.posted_notebooks import PostedNotebooks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TIMES = 200


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes:
        cpu_ms: of this thread, the kernel's work for it included; the median of `TIMES`.
    """

    name: str
    cpu_ms: float


def measure_steps(folder: Path) -> list[Step]:
    """Measure them on a volume of its own in this folder."""
    notebooks = PostedNotebooks.of("demo101", "1", "lab01")
    bodies = [notebooks.body(number) for number in range(TIMES)]
    read = [read_notebook(body) for body in bodies]
    contents = [Content(one.content) for one in read]
    spool = Spool(folder)
    spool.prepare()
    recent = RecentReceipts(folder / "spool" / "index" / "receipts", timedelta(minutes=10))
    receipts = [
        RecentReceipt(new_submission_id(), read[0].key, content.sha256, utc_now())
        for content in contents
    ]
    envelopes = [
        _envelope(receipt, content) for receipt, content in zip(receipts, contents, strict=True)
    ]

    def note(number: int) -> None:
        with recent.locked(f"student{number}") as given:
            given.note(receipts[number])

    return [
        _timed("reading it: JSON, numbers, shape", lambda n: read_notebook(bodies[n])),
        _timed("its SHA-256", lambda n: Content(read[n].content)),
        _timed("its envelope", lambda n: _envelope(receipts[n], contents[n])),
        _timed("the student's recent receipts: lock, look, note", note),
        _timed(
            "the delivery: a folder, two files, four fsyncs, one rename",
            lambda n: spool.deliver(envelopes[n], contents[n]),
        ),
        _timed("the plain handler's `json.loads`, for comparison", lambda n: json.loads(bodies[n])),
    ]


def _envelope(receipt: RecentReceipt, content: Content) -> Envelope:
    key = receipt.key
    payload = SubmitPayload(
        student="ada",
        course=key.course,
        section=key.section,
        assignment=key.assignment,
        sha256=content.sha256,
        size_bytes=len(content.data),
        source=Source.DEV,
    )
    return Envelope(
        id=receipt.id,
        action="submit",
        payload=payload,
        requested_by="ada",
        received_at=receipt.received_at,
    )


def _timed(name: str, do: Callable[[int], object]) -> Step:
    taken = []
    for number in range(TIMES):
        begun_s = time.thread_time()
        do(number)
        taken.append(time.thread_time() - begun_s)
    return Step(name, 1000 * median(taken))
