"""How many connections each of several server processes has, in memory that they share.

The kernel wakes all of them for a connection, and the same one tends to be the fastest. So each
looks here first, and lets one that has fewer go before.
"""

from __future__ import annotations

import mmap
import os
from typing import Final

_FORMAT: Final = "I"
_SIZE: Final = 4


class Shares:
    """The counts, as one of the processes sees them.

    Args:
        descriptor: of the shared memory, as `shared_memory` made it.
        number: which of the processes this is, from 1.
    """

    def __init__(self, descriptor: int, number: int) -> None:
        self._counts = memoryview(mmap.mmap(descriptor, 0)).cast(_FORMAT)
        self._place = number - 1
        self.note(0)  # whoever had the place before is gone, and its connections with it

    def note(self, connections: int) -> None:
        """Note how many this process has."""
        self._counts[self._place] = connections

    def is_ahead(self) -> bool:
        """Tell whether some other process has fewer."""
        return self._counts[self._place] > min(self._counts)


def shared_memory(processes: int) -> int:
    """Return the descriptor of memory for so many processes; children have to be handed it."""
    descriptor = os.memfd_create("gofer-connections")
    os.ftruncate(descriptor, processes * _SIZE)
    return descriptor
