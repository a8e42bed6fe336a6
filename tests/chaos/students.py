"""The students: each sends one notebook, again and again until there is a receipt for it."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Self

import httpx

from tests.chaos.audit import Expected, Notebook
from tests.chaos.installation import COURSE
from tests.support.zips import notebook

if TYPE_CHECKING:
    from pathlib import Path

ANSWER_WITHIN_S: Final = 20.0
AGAIN_AFTER_S: Final = 0.5
_NO_ROOM: Final = (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.INSUFFICIENT_STORAGE)
KINDS: Final = {
    "right": (("total = 5", "name = 'ada'"), Expected("graded", 3.0)),
    "half": (("total = 5", "name = 'ben'"), Expected("graded", 2.0)),
    "wrong": (("total = 4", "1 / 0"), Expected("graded", 0.0)),
    "slow": (("import time; time.sleep(3); total = 5", "name = 'ada'"), Expected("graded", 3.0)),
}
"""What the cells are, and what they have to get. The honest zero is to be told from others."""


@dataclass
class _Sent:
    expected: Expected
    sends: int = 0
    receipts: set[str] = field(default_factory=set)
    sha256: str | None = None


class Students:
    """A steady flow of students from a few threads.

    Args:
        url: of the server.
        log: where each receipt is written down.
        seed: of which notebooks they send and when.
        threads: how many send at one time.
        pause_s: of each thread between two students, on average.
    """

    def __init__(self, url: str, log: Path, *, seed: int, threads: int, pause_s: float) -> None:
        self.answers: Counter[str] = Counter()
        self._url = url
        self._pause_s = pause_s
        self._sent: dict[str, _Sent] = {}
        self._lock = threading.Lock()
        self._has_news = threading.Condition(self._lock)
        self._is_over = threading.Event()
        self._log = log.open("a", encoding="utf-8")
        self._threads = [
            threading.Thread(target=self._flow, args=(number, random.Random(f"{seed} {number}")))
            for number in range(threads)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()
        self._log.close()

    def stop(self) -> None:
        """Let nobody begin to send any more; whoever has begun gets two more answers at most."""
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    @property
    def receipts(self) -> int:
        """How many receipts there are."""
        with self._lock:
            return sum(len(sent.receipts) for sent in self._sent.values())

    @property
    def refused_for_want_of_room(self) -> int:
        """How often somebody was told that the disk is full or out of order."""
        with self._lock:
            return sum(self.answers[str(int(status))] for status in _NO_ROOM)

    def wait_for_refusal(self, before: int, within_s: float) -> None:
        """Wait until there are more such answers than `before`, but not for ever."""
        with self._has_news:
            self._has_news.wait_for(
                lambda: sum(self.answers[str(int(status))] for status in _NO_ROOM) > before,
                within_s,
            )

    def notebooks(self) -> list[Notebook]:
        """Return what was sent so far."""
        with self._lock:
            return [
                Notebook(student, sent.sends, frozenset(sent.receipts), sent.expected, sent.sha256)
                for student, sent in self._sent.items()
            ]

    def _flow(self, thread: int, dice: random.Random) -> None:
        number = 0
        while not self._is_over.is_set():
            number += 1
            self._submit(f"student {thread}.{number}", dice.choice(list(KINDS)))
            self._is_over.wait(dice.expovariate(1 / self._pause_s))

    def _submit(self, student: str, kind: str) -> None:
        cells, expected = KINDS[kind]
        content = notebook(f"# {student}", *cells, metadata=COURSE)
        sent = _Sent(expected)
        with self._lock:
            self._sent[student] = sent
        while not self._send(student, content, sent):
            if self._is_over.wait(AGAIN_AFTER_S):
                # nobody goes home without having tried once more in peace
                self._send(student, content, sent)
                return

    def _send(self, student: str, content: bytes, sent: _Sent) -> bool:
        with self._lock:
            sent.sends += 1
        headers = {
            "X-Gofer-Student": student,
            "Content-Type": "application/json",
            "Accept": "application/json",
        }
        try:
            answer = httpx.post(
                self._url, content=content, headers=headers, timeout=ANSWER_WITHIN_S
            )
        except httpx.TransportError as error:
            self._count(type(error).__name__)
            return False
        self._count(str(answer.status_code))
        if answer.status_code != HTTPStatus.ACCEPTED:
            return False
        receipt = answer.json()
        with self._lock:
            sent.receipts.add(receipt["id"])
            sent.sha256 = receipt["sha256"]
            self._log.write(json.dumps(receipt) + "\n")
            with suppress(OSError):
                self._log.flush()
        return True

    def _count(self, answer: str) -> None:
        with self._has_news:
            self.answers[answer] += 1
            self._has_news.notify_all()
