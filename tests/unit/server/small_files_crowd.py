"""One of several processes that count together: `small_files_crowd.py FOLDER TIMES`.

Waits for a line on stdin, and then adds one to the file's number so many times, in four threads.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from gofer_ingest.server.small_files import SmallFiles


def main() -> None:
    files = SmallFiles(Path(sys.argv[1]))

    def add_one(_: int) -> None:
        with files.locked("ada") as file:
            file.replace(str(int(file.read(1000) or b"0") + 1).encode())

    sys.stdin.readline()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(add_one, range(int(sys.argv[2]))))


if __name__ == "__main__":
    main()
