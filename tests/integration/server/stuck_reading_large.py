"""The server, stuck where it reads a large notebook; small ones it reads as always."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from gofer_ingest.server import door, notebooks
from gofer_ingest.server.__main__ import run

read_notebook = notebooks.read_notebook


def read_or_not(body: bytes, *arguments: Any) -> Any:
    if len(body) > door.LARGE_BYTES:
        sys.stderr.write('{"action": "stuck"}\n')
        sys.stderr.flush()
        threading.Event().wait()
    return read_notebook(body, *arguments)


setattr(door, "read_notebook", read_or_not)  # noqa: B010 - it has fewer types than the real one

if __name__ == "__main__":
    sys.exit(run([]))
