"""One of several processes that take the same tokens: `taken_tokens_crowd.py FOLDER NUMBER`.

Waits for a line on stdin, tries to take all tokens in four threads, and prints those it took.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from gofer_ingest.server.identity.taken_tokens import TakenTokens


def main() -> None:
    taken = TakenTokens(Path(sys.argv[1]))
    names = [str(number) for number in range(int(sys.argv[2]))]
    sys.stdin.readline()
    with ThreadPoolExecutor(4) as threads:
        outcomes = list(threads.map(taken.take, names))
    sys.stdout.write(" ".join(name for name, ours in zip(names, outcomes, strict=True) if ours))


if __name__ == "__main__":
    main()
