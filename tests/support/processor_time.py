"""A bound on work that could take for ever: processor time, which a busy machine leaves alone."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def within_processor_time(seconds: float) -> Iterator[None]:
    """Fail what takes more of this process's processor time. Choose many times what it needs."""

    def fail(*_: object) -> None:
        raise AssertionError(f"it took more than {seconds:g} seconds of processor time")

    before = signal.signal(signal.SIGVTALRM, fail)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
