"""Bodies as they arrive: bounded one by one and all together, in memory only.

Nothing of a body touches the disk before it is whole and known to be a notebook, so a connection
that is slow or cut leaves nothing behind.
"""

from __future__ import annotations

from collections import Counter

from gofer_ingest.server.errors import ServerBusy, too_many_bytes


class BodyBudget:
    """How many bytes all bodies in hand may have together. For one thread, the event loop's.

    Args:
        limit_bytes: of all of them.
        share_bytes: of those that one person sends, who could otherwise shut out everybody else by
            sending many slowly; None means all.
    """

    def __init__(self, limit_bytes: int, share_bytes: int | None = None) -> None:
        self._limit_bytes = limit_bytes
        self._share_bytes = limit_bytes if share_bytes is None else share_bytes
        self._used_bytes = 0
        self._used_by: Counter[str] = Counter()

    @property
    def used_bytes(self) -> int:
        """Bytes of all bodies in hand."""
        return self._used_bytes

    def reserve(self, size_bytes: int, person: str) -> None:
        """Take a part of it for a body that this person sends.

        Raises:
            ServerBusy: there is not that much left, or not for this person.
        """
        if self._used_bytes + size_bytes > self._limit_bytes:
            raise ServerBusy
        if self._used_by[person] + size_bytes > self._share_bytes:
            raise ServerBusy
        self._used_bytes += size_bytes
        self._used_by[person] += size_bytes

    def give_back(self, size_bytes: int, person: str) -> None:
        """Return a part of it."""
        self._used_bytes -= size_bytes
        self._used_by[person] -= size_bytes
        if not self._used_by[person]:
            del self._used_by[person]


class Body:
    """The body of one request.

    Args:
        limit_bytes: the largest that is taken.
        budget: shared with all other bodies.
        person: who sends it; empty where that is not known.
    """

    def __init__(self, limit_bytes: int, budget: BodyBudget, person: str = "") -> None:
        self._limit_bytes = limit_bytes
        self._budget = budget
        self._person = person
        # A body that comes in one piece is never copied. One in many is joined as it comes: as
        # pieces of a byte each it would take forty times its size.
        self._received: bytes | bytearray = b""

    def expect(self, content_length: str) -> None:
        """Check a Content-Length before anything is read.

        Raises:
            TooLarge: it is over the limit. What is no number is left for the HTTP parser.
        """
        if content_length.isascii() and content_length.isdigit():
            digits = content_length.lstrip("0") or "0"
            if len(digits) > len(str(self._limit_bytes)) or int(digits) > self._limit_bytes:
                raise too_many_bytes(self._limit_bytes)

    def add(self, chunk: bytes) -> None:
        """Keep the next bytes.

        Raises:
            TooLarge: the body is over the limit with them.
            ServerBusy: all bodies together are, or all of this person.
        """
        if len(self._received) + len(chunk) > self._limit_bytes:
            raise too_many_bytes(self._limit_bytes)
        self._budget.reserve(len(chunk), self._person)
        if not self._received:
            self._received = chunk
            return
        if isinstance(self._received, bytes):
            self._received = bytearray(self._received)
        self._received += chunk

    def whole(self) -> bytes:
        """Return what was received."""
        return bytes(self._received)  # the same object, where it is bytes already

    def drop(self) -> None:
        """Forget it and give its share back; doing it again is no error."""
        self._budget.give_back(len(self._received), self._person)
        self._received = b""
