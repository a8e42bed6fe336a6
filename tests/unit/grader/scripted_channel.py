"""A harness that says what a test wrote down for it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from gofer_ingest.grader.harness.protocol import MAGIC
from gofer_ingest.grader.harness_link import Outputs, Stream

if TYPE_CHECKING:
    from collections.abc import Iterable


def frame(kind: bytes, nonce: bytes, payload: bytes = b"") -> bytes:
    """One frame, as the harness writes it."""
    return MAGIC + kind + nonce + len(payload).to_bytes(8, "big") + payload


def frames(*chunks: bytes) -> list[tuple[Stream, bytes]]:
    return [(Stream.FRAMES, chunk) for chunk in chunks]


def logged(*chunks: bytes) -> list[tuple[Stream, bytes]]:
    return [(Stream.LOG, chunk) for chunk in chunks]


class ScriptedChannel(Outputs):
    """Hands out the chunks of a script, then its end: closed outputs, or an error.

    Attributes:
        sent: what the host sent, whole.
        deadlines: of every call, in order.
    """

    def __init__(
        self,
        script: Iterable[tuple[Stream, bytes]] = (),
        *,
        end: OSError | None = None,
        on_send: OSError | None = None,
    ) -> None:
        self._script = deque(script)
        self._end = end
        self._on_send = on_send
        self.sent = b""
        self.deadlines: list[float] = []

    def send(self, data: bytes, deadline: float) -> None:
        self.deadlines.append(deadline)
        if self._on_send is not None:
            raise self._on_send
        self.sent += data

    def receive(self, deadline: float) -> tuple[Stream, bytes] | None:
        self.deadlines.append(deadline)
        if self._script:
            return self._script.popleft()
        if self._end is not None:
            raise self._end
        return None

    def close(self) -> None:
        self._script.clear()

    @property
    def is_used_up(self) -> bool:
        """Whether the whole script was read."""
        return not self._script
