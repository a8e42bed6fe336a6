"""One of several processes that deliver at the same time: `spool_crowd.py VOLUME ENTRIES.json`.

Reads envelopes and notebooks from the file, waits for a line on stdin, delivers all from several
threads, and prints the ids it delivered; those that another had delivered are not among them.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from shared.errors import DuplicateEntry
from shared.requests import Envelope
from shared.spool import Spool

THREADS = 4


def main() -> None:
    spool = Spool(Path(sys.argv[1]))
    written = json.loads(Path(sys.argv[2]).read_text())
    envelopes = [Envelope.model_validate(envelope) for envelope, _ in written]
    notebooks = [notebook.encode() for _, notebook in written]

    def deliver(envelope: Envelope, notebook: bytes) -> str | None:
        try:
            spool.deliver(envelope, notebook)
        except DuplicateEntry:
            return None
        return envelope.id

    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    with ThreadPoolExecutor(THREADS) as pool:
        ids = list(pool.map(deliver, envelopes, notebooks))
    json.dump([submission_id for submission_id in ids if submission_id], sys.stdout)


if __name__ == "__main__":
    main()
