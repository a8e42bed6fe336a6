"""Pages of notebooks, made by the worker and kept for a while by what is in them."""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from gofer_console.notebook_html import plain
from gofer_console.notebook_html.limits import INPUT_BYTES
from gofer_console.notebook_html.worker import READY, frame, read_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

PATIENCE_S: Final = 20.0
"""For one notebook. One of 200 long cells takes about 3 s."""
START_S: Final = 60.0
"""For the worker to start: 2 s where nothing else goes on, and no notebook's fault."""

_KEPT_BYTES: Final = 24 << 20
_PLAIN_FOR_S: Final = 600.0
_COMMAND: Final = (sys.executable, "-m", "gofer_console.notebook_html.worker")
# No secret of the console's is in its environment, and nobody's own templates are found.
_ENVIRONMENT: Final = {"HOME": os.devnull, "LANG": "C.UTF-8", "PATH": os.defpath}

_log = logging.getLogger(__name__)


class NotebookPages:
    """Makes pages of notebooks; threads may share it.

    Args:
        patience_s: how long one notebook may take, before its text alone is shown.
        command: that starts the worker.
    """

    def __init__(
        self, *, patience_s: float = PATIENCE_S, command: Sequence[str] = _COMMAND
    ) -> None:
        self._patience_s = patience_s
        self._command = tuple(command)
        self._worker: subprocess.Popen[bytes] | None = None
        self._at_work = threading.Lock()
        self._kept_lock = threading.Lock()
        self._kept: OrderedDict[bytes, tuple[float, bytes]] = OrderedDict()

    def page(self, data: bytes) -> bytes:
        """Return a notebook as a page in UTF-8. Whatever the bytes are, there is one.

        It is safe under a policy that lets no script run; under none it is as safe as `nh3` is.

        Args:
            data: of the notebook, as it was received.
        """
        key = hashlib.sha256(data).digest()
        kept = self._find(key)
        if kept is not None:
            return kept
        page = None if len(data) > INPUT_BYTES else self._drawn(data)
        until = float("inf")
        if page is None:
            page = plain.sources_page(data).encode("utf-8", "replace")
            until = time.monotonic() + _PLAIN_FOR_S
        self._keep(key, page, until)
        return page

    def close(self) -> None:
        """End the worker."""
        with self._at_work:
            self._end()

    def _find(self, key: bytes) -> bytes | None:
        with self._kept_lock:
            until, page = self._kept.get(key, (0.0, b""))
            if until <= time.monotonic():
                return None
            self._kept.move_to_end(key)
            return page

    def _keep(self, key: bytes, page: bytes, until: float) -> None:
        with self._kept_lock:
            self._kept[key] = (until, page)
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and self._kept_bytes() > _KEPT_BYTES:
                self._kept.popitem(last=False)

    def _kept_bytes(self) -> int:
        return sum(len(page) for _, page in self._kept.values())

    def _drawn(self, data: bytes) -> bytes | None:
        """Return the worker's page; None where it failed or took too long."""
        if not self._at_work.acquire(timeout=START_S):
            return None
        try:
            page = self._asked(data)
            if page is None:
                _log.warning(
                    "A notebook could not be drawn, so its text alone is shown",
                    extra={"action": "console.notebook_plain", "size_bytes": len(data)},
                )
            return page
        finally:
            self._at_work.release()

    def _asked(self, data: bytes) -> bytes | None:
        worker = self._running()
        if worker is None:
            return None
        page = _exchanged(worker, data, within_s=self._patience_s)
        if page is None:
            self._end()
        return page

    def _running(self) -> subprocess.Popen[bytes] | None:
        if self._worker is not None and self._worker.poll() is not None:
            self._end()
        if self._worker is None:
            try:
                self._worker = subprocess.Popen(  # noqa: S603 - a fixed command
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env=_ENVIRONMENT,
                )
            except OSError:
                _log.exception(
                    "The process that draws notebooks cannot be started",
                    extra={"action": "console.notebook_worker"},
                )
                return None
            if _exchanged(self._worker, None, within_s=START_S) != READY:
                self._end()
        return self._worker

    def _end(self) -> None:
        worker, self._worker = self._worker, None
        if worker is None:
            return
        worker.kill()
        with suppress(OSError):
            worker.communicate()


def _exchanged(
    worker: subprocess.Popen[bytes], said: bytes | None, *, within_s: float
) -> bytes | None:
    """Return what the worker says, to `said` if there is any; end it where that takes too long."""
    if worker.stdin is None or worker.stdout is None:
        return None
    too_late = threading.Timer(within_s, worker.kill)
    too_late.daemon = True
    too_late.start()
    try:
        if said is not None:
            worker.stdin.write(frame(said))
            worker.stdin.flush()
        return read_frame(worker.stdout)
    except OSError:
        return None  # it was ended, or ended by itself
    finally:
        too_late.cancel()
