"""PID 1 of a container that serves one run after another, and the only one that the host speaks to.

It passes bytes between the host and the run that is there, and says when that run has ended, which
no run can say for itself or for another. It never looks into what it passes on. The *parent*, a
process of its own, is what runs are forked from: so no run has in its memory what went by here.

`protocol` describes what it says.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
from typing import Final, NoReturn

from . import memory
from .protocol import (
    GATE_ENDED,
    GATE_FRAMES,
    GATE_HEAD_BYTES,
    GATE_LOG,
    JOB_MAX_BYTES,
)

EXIT_LIFETIME_OVER: Final = 124
EXIT_ONE_SIDE_GONE: Final = 70

_CHUNK: Final = 1 << 16
_LENGTH_BYTES: Final = 8


class Gate:
    """What passes between the host and the parent's runs.

    Args:
        parent: a socket that keeps messages apart; the parent holds its other end.
        idle_s: how long it waits for a job before this container ends itself.
        run_s: how long a run may take, from its job on, before this container ends itself.
    """

    def __init__(self, parent: socket.socket, *, idle_s: float, run_s: float) -> None:
        self._parent = parent
        self._idle_s = idle_s
        self._run_s = run_s

    def serve(self) -> NoReturn:
        """Serve runs until one goes wrong or the host is gone."""
        signal.signal(signal.SIGALRM, lambda *_: os._exit(EXIT_LIFETIME_OVER))
        while True:
            signal.setitimer(signal.ITIMER_REAL, self._idle_s)
            status = self._serve_one()
            ending = {"status": status, "oom_kills": memory.oom_kills()}
            _tell(GATE_ENDED, json.dumps(ending).encode())
            if status != 0:
                os._exit(0)  # whatever went wrong with it, no other run is to meet it

    def _serve_one(self) -> int:
        job_read, job_write = os.pipe()
        answer_read, answer_write = os.pipe()
        log_read, log_write = os.pipe()
        socket.send_fds(self._parent, [b"run"], [job_read, answer_write, log_write])
        for descriptor in (job_read, answer_write, log_write):
            os.close(descriptor)
        inlet = _Inlet(job_write)
        try:
            status = self._until_it_ends(inlet, {answer_read: GATE_FRAMES, log_read: GATE_LOG})
            # Its processes are gone, all of them: what they wrote is in the pipes, and ends.
            for descriptor, kind in ((log_read, GATE_LOG), (answer_read, GATE_FRAMES)):
                while _pass_on(descriptor, kind):
                    pass
        finally:
            inlet.close()
            os.close(answer_read)
            os.close(log_read)
        return status

    def _until_it_ends(self, inlet: _Inlet, outlets: dict[int, bytes]) -> int:
        with selectors.DefaultSelector() as selector:
            for source in (0, self._parent, *outlets):
                selector.register(source, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self._parent:
                        return self._status()
                    if key.fd == 0:
                        if inlet.take_some():
                            signal.setitimer(signal.ITIMER_REAL, self._run_s)
                        is_over = inlet.is_done
                    else:
                        is_over = not _pass_on(key.fd, outlets[key.fd])
                    if is_over:
                        selector.unregister(key.fileobj)

    def _status(self) -> int:
        told = self._parent.recv(64)
        if not told:
            os._exit(EXIT_ONE_SIDE_GONE)
        return int(told)


class _Inlet:
    """One job's way from the host into its run."""

    def __init__(self, into: int) -> None:
        self._into = into
        self._head = b""
        self._remaining = 0
        self.is_done = False

    def take_some(self) -> bool:
        """Pass on what there is of the job; return whether this was its beginning."""
        if len(self._head) < _LENGTH_BYTES:
            is_first = not self._head
            self._head += _read(0, _LENGTH_BYTES - len(self._head))
            if len(self._head) == _LENGTH_BYTES:
                self._remaining = int.from_bytes(self._head, "big")
                if self._remaining > JOB_MAX_BYTES:
                    os._exit(EXIT_ONE_SIDE_GONE)
                self._pass(self._head)
            return is_first
        data = _read(0, min(self._remaining, _CHUNK))
        self._remaining -= len(data)
        self._pass(data)
        if not self._remaining:
            self.is_done = True
        return False

    def close(self) -> None:
        """Let the run see the end of its input."""
        with contextlib.suppress(OSError):
            os.close(self._into)

    def _pass(self, data: bytes) -> None:
        # it may have ended before it had its job; the host is told so by its status
        with contextlib.suppress(BrokenPipeError):
            _write(self._into, data)


def _pass_on(descriptor: int, kind: bytes) -> bool:
    """Pass on what a run wrote; return False at its end."""
    data = os.read(descriptor, _CHUNK)
    if data:
        _tell(kind, data)
    return bool(data)


def _tell(kind: bytes, payload: bytes) -> None:
    _write(1, kind + len(payload).to_bytes(GATE_HEAD_BYTES - 1, "big") + payload)


def _read(descriptor: int, count: int) -> bytes:
    data = os.read(descriptor, count)
    if not data:
        os._exit(EXIT_ONE_SIDE_GONE)
    return data


def _write(descriptor: int, data: bytes) -> None:
    remaining = memoryview(data)
    while remaining:
        remaining = remaining[os.write(descriptor, remaining) :]
