"""What a server process that belongs to a supervisor is given by it, on its command line.

These arguments are between the two and nobody else's: they name descriptors that only the
supervisor's own children have. The environment is left to the settings.
"""

from __future__ import annotations

import argparse
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Inheritance:
    """What one child is given.

    Attributes:
        number: which of the processes it is, from 1.
        listening: descriptors of the listening sockets.
        life: a pipe's end that is readable once the supervisor is gone, however it went.
        shares: memory in which the processes count their connections.
        metrics: folder of the processes' counts, for the last one to remove where the supervisor
            was killed.
    """

    number: int
    listening: tuple[int, ...]
    life: int
    shares: int
    metrics: str

    @property
    def descriptors(self) -> tuple[int, ...]:
        """All that have to stay open in the child."""
        return (*self.listening, self.life, self.shares)

    def arguments(self) -> list[str]:
        """Return the arguments that tell it."""
        listening = ",".join(map(str, self.listening))
        return [
            f"--process={self.number}",
            f"--listening={listening}",
            f"--life={self.life}",
            f"--shares={self.shares}",
            f"--metrics={self.metrics}",
        ]

    @classmethod
    def read(cls, arguments: Sequence[str]) -> Self | None:
        """Read the arguments; None where there are none, in a process of its own.

        Raises:
            SystemExit: with 2, they are not what a supervisor gives.
        """
        parser = argparse.ArgumentParser(
            prog="python -m gofer_ingest.server",
            description="Take notebooks in. Settings are environment variables.",
        )
        if not arguments:
            return None
        for name in ("--process", "--listening", "--life", "--shares", "--metrics"):
            parser.add_argument(name, required=True, help=argparse.SUPPRESS)
        given = parser.parse_args(arguments)
        try:
            return cls(
                number=int(given.process),
                listening=tuple(map(int, given.listening.split(","))),
                life=int(given.life),
                shares=int(given.shares),
                metrics=given.metrics,
            )
        except ValueError:
            parser.error("these arguments are for a supervisor to give")

    def sockets(self) -> list[socket.socket]:
        """Return the listening sockets, non-blocking."""
        found = [socket.socket(fileno=descriptor) for descriptor in self.listening]
        for listening in found:
            listening.settimeout(0)
        return found
