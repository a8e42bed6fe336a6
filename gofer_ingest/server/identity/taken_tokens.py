"""Which signed tokens were used: each once, across threads, processes and restarts.

A token that is used leaves a line, its id's SHA-256 and the time, in one of 256 files; whoever
adds it holds the file's lock and has looked for it first. A line may go once the token would be
refused as expired: when more than half of a file has, it is written anew. Nothing is fsynced: a
power cut may forget the tokens of its last seconds, and those expire within minutes.

A file for each token, which only one of all who try can make, would need no lock. But to make a
file took 0.4 ms where a line takes 0.03 ms, and 250 tokens a second would be 150,000 files.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Final

from gofer_ingest.server.small_files import SmallFiles, file_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEPT_S: Final = 600.0
"""Seconds that a token is kept: longer than any token lives, and clocks differ a little."""
MAX_BYTES: Final = 16 << 20

_LINE: Final = re.compile(rb"^([0-9a-f]{64}) ([0-9]{10})\n", re.MULTILINE)
_LINE_BYTES: Final = 64 + 1 + 10 + 1
_FEW: Final = 8
"""A file of fewer lines is not worth writing anew."""


class TakenTokens:
    """The ids of used tokens. Making it touches nothing; threads may share it.

    Args:
        folder: where the files lie.
        now: seconds since 1970.
    """

    def __init__(self, folder: Path, now: Callable[[], float] = time.time) -> None:
        self._files = SmallFiles(folder)
        self._now = now

    def take(self, token_id: str) -> bool:
        """Take a token for oneself; return False where somebody has taken it already.

        Raises:
            ServerBusy: someone else kept us waiting for too long.
            OSError: that cannot be found out.
        """
        called = file_name(token_id).encode("ascii")
        with self._files.locked(called[:2].decode("ascii")) as file:
            content = file.read(MAX_BYTES) or b""
            if called in content:
                return False
            now_s = int(self._now())
            line = b"%b %010d\n" % (called, now_s)
            if _is_to_be_written_anew(content, now_s):
                file.replace(_unexpired(content, now_s) + line)
            else:
                file.append(line)
        return True


def _is_to_be_written_anew(content: bytes, now_s: int) -> bool:
    """Tell whether it is damaged, or more than half of it expired: the lines are in order."""
    number, rest = divmod(len(content), _LINE_BYTES)
    if rest:
        return True
    if number < _FEW:
        return False
    middle = _LINE.match(content, number // 2 * _LINE_BYTES)
    return middle is None or _is_expired(middle, now_s)


def _unexpired(content: bytes, now_s: int) -> bytes:
    return b"".join(line[0] for line in _LINE.finditer(content) if not _is_expired(line, now_s))


def _is_expired(line: re.Match[bytes], now_s: int) -> bool:
    """Tell whether a line may go.

    One of a time to come is from before the clock was set back. Its token would be refused as well:
    it ends too far ahead.
    """
    return abs(now_s - int(line[2])) > KEPT_S
