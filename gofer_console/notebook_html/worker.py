"""The process in which notebooks become pages: `python -m gofer_console.notebook_html.worker`.

A hostile notebook may take for ever, or all memory: then this process is ended, and nothing else.
It says once that it is ready; then it reads notebooks from stdin and writes pages to stdout, each
after its length in eight bytes.
Where nobody asks for a while it ends by itself; so does it when its stdin ends.
"""

from __future__ import annotations

import resource
import select
import struct
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import IO

LENGTH: Final = struct.Struct(">Q")
MEMORY_BYTES: Final = 2 << 30
IDLE_S: Final = 900.0
READY: Final = b"ready"


def frame(content: bytes) -> bytes:
    """Return content as it is sent."""
    return LENGTH.pack(len(content)) + content


def read_frame(stream: IO[bytes]) -> bytes | None:
    """Return what was sent; None where the stream ended before it was whole."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    content = stream.read(length)
    return content if len(content) == length else None


def main() -> None:
    """Turn notebooks into pages until nobody asks any more."""
    # jsonschema, which nbconvert imports and nothing here uses, would compile a grammar of URLs,
    # which takes most of the start; without the package that has it, it does without.
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    from gofer_console.notebook_html.rendering import rendered  # noqa: PLC0415 - the line above

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    answers.write(frame(READY))
    answers.flush()
    # One notebook is asked for at a time, so that nothing is left in the buffer between two.
    while select.select([asked], [], [], IDLE_S)[0]:
        notebook = read_frame(asked)
        if notebook is None:
            return
        answers.write(frame(rendered(notebook).encode("utf-8", "replace")))
        answers.flush()


if __name__ == "__main__":
    main()
