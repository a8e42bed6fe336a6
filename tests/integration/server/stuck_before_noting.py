"""The server, stuck where its receipt is about to be noted: the entry is delivered by then."""

from __future__ import annotations

import os
import re
import sys
import threading
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from gofer_ingest.server.__main__ import run

open_file = os.open


def open_or_not(path: Any, flags: int, *arguments: Any, **named: Any) -> int:
    if flags & os.O_APPEND and re.fullmatch(r"[0-9a-f]{64}", Path(path).name):
        sys.stderr.write('{"action": "stuck"}\n')
        sys.stderr.flush()
        threading.Event().wait()
    return open_file(path, flags, *arguments, **named)


setattr(os, "open", open_or_not)  # noqa: B010 - it has fewer types than the real one

if __name__ == "__main__":
    sys.exit(run([]))
