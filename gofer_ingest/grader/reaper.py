"""Removes what runs left behind: at the start, and now and then for as long as the grader works.

In a thread of its own, since an engine that cannot remove a container must hold up no run.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from shared.errors import SandboxUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gofer_ingest.grader.sandbox import Sandbox

log = logging.getLogger(__name__)

EVERY_S: Final = 60.0


def reap(sandbox: Sandbox) -> None:
    """Remove what is left behind; an engine that does not answer is logged and no error."""
    try:
        reaped = sandbox.reap()
    except SandboxUnavailable as error:
        log.error(  # noqa: TRY400 - the message is what staff need; the engine is what failed
            "Left-over containers could not be looked for",
            extra={"action": "reap_failed", "reason": str(error)},
        )
        return
    if reaped:
        log.info("Removed what a run left behind", extra={"action": "reaped", "left": reaped})


@contextmanager
def reaping(sandbox: Sandbox, every_s: float = EVERY_S) -> Iterator[None]:
    """Reap now, and then every `every_s` seconds inside the block."""
    reap(sandbox)
    is_over = threading.Event()

    def go_on() -> None:
        while not is_over.wait(every_s):
            reap(sandbox)

    # a daemon, and not joined: a call to a sick engine may take its whole time-out
    threading.Thread(target=go_on, name="reaper", daemon=True).start()
    try:
        yield
    finally:
        is_over.set()
