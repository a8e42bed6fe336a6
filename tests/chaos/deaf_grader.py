"""The grader, hard of hearing: every second event of watchdog's is dropped, as an overflow does."""

from __future__ import annotations

import itertools
import logging
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gofer_ingest.grader import __main__ as grader
from gofer_ingest.grader.watcher import bell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

log = logging.getLogger("gofer.chaos")


@contextmanager
def deaf_bell(folder: Path, ring: Callable[[], None]) -> Iterator[None]:
    """Hang a bell of which every second ring is not heard, the first one among them."""
    numbers = itertools.count()

    def ring_sometimes() -> None:
        if next(numbers) % 2:
            ring()
        else:
            log.info("A ring was dropped", extra={"action": "ring_dropped"})

    with bell(folder, ring_sometimes):
        yield


if __name__ == "__main__":
    vars(grader)["bell"] = deaf_bell
    sys.exit(grader.main([]))
