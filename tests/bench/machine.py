"""What the whole machine spent while something was measured, by what the kernel counts.

Engine, containers, processes and students together: neither route can hide what it costs. So can
nobody else's work on the same machine; see the load average that is told beside it.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOOK_EVERY_S = 0.1
_IDLE_FIELDS = (3, 4)
"""Of the first line of /proc/stat: idle, and waiting for a disk."""
_GUEST_FIELDS = 8
"""Those from here on are counted among the others already."""


@dataclass
class Spent:
    """What was spent inside a block; complete when it has ended.

    Attributes:
        cpu_s: processor seconds.
        memory_bytes: by how much the memory in use rose at most.
    """

    cpu_s: float = 0.0
    memory_bytes: int = 0


@contextmanager
def spending() -> Iterator[Spent]:
    """Count what the machine spends inside the block."""
    spent = Spent()
    is_over = threading.Event()
    available = _available_bytes()

    def look() -> None:
        while not is_over.wait(_LOOK_EVERY_S):
            spent.memory_bytes = max(spent.memory_bytes, available - _available_bytes())

    looking = threading.Thread(target=look)
    began_s = busy_s(Path("/proc/stat").read_text())
    looking.start()
    try:
        yield spent
    finally:
        is_over.set()
        looking.join()
        spent.cpu_s = busy_s(Path("/proc/stat").read_text()) - began_s


def busy_s(stat: str) -> float:
    """Return the processor seconds that /proc/stat has for anything but waiting."""
    ticks = [int(field) for field in stat.splitlines()[0].split()[1:][:_GUEST_FIELDS]]
    idle = sum(ticks[place] for place in _IDLE_FIELDS)
    return (sum(ticks) - idle) / os.sysconf("SC_CLK_TCK")


def _available_bytes() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise ValueError("/proc/meminfo has no MemAvailable")
