"""Notebooks that want more than there is: processes, memory, disk, output, time, or a kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.model import Verdict
from tests.docker.hostile.case import (
    CRASHED,
    GRADED,
    INVALID,
    OUT_OF_MEMORY,
    SUSPICIOUS,
    TIMED_OUT,
    Hostile,
)

if TYPE_CHECKING:
    from shared.gradebook.queries import RecordedRun

_WELL_BEHAVED_END: Final = "gained = []"

_FORK_BOMB: Final = """
while True:
    try:
        os.fork()
    except OSError:
        pass
"""

_FILL_DISKS: Final = """
KEEP = {keep}
writable = set()
for line in open("/proc/mounts").read().splitlines():
    folder = line.split()[1]
    if not os.path.isdir(folder):
        continue
    filler = os.path.join(folder, "filler")
    try:
        with open(filler, "wb", buffering=0) as file:
            writable.add(folder)
            for _ in range(4096):
                file.write(b"x" * (1 << 20))
    except OSError:
        pass
    if not KEEP and os.path.exists(filler):
        os.remove(filler)
gained = sorted(writable - {{"/tmp", "/dev/shm", "/dev/mqueue"}})
"""

_MANY_FILES: Final = """
try:
    for number in range(10**9):
        os.close(os.open(f"/tmp/{number}", os.O_CREAT | os.O_WRONLY))
except OSError:
    pass
"""

_STOP_THE_RUNNER: Final = """
import signal
for pid in [int(name) for name in os.listdir("/proc") if name.isdigit()]:
    if pid not in (1, os.getpid()):
        os.kill(pid, signal.SIGSTOP)
gained = []
"""

_KILL_PID_1_IN_VAIN: Final = """
import signal
gained = []
for number in (signal.SIGKILL, signal.SIGSTOP):
    os.kill(1, number)
"""

_KILL_EVERYBODY: Final = """
import signal
for number in (signal.SIGTERM, signal.SIGALRM, signal.SIGHUP, signal.SIGKILL):
    for pid in [int(name) for name in os.listdir("/proc") if name.isdigit()]:
        if pid != os.getpid():
            with contextlib.suppress(OSError):
                os.kill(pid, number)
while True: pass
"""

_SEGFAULT: Final = "import ctypes\nctypes.string_at(0)"

_RECURSION_IN_C: Final = """
import ctypes, mmap
code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
code.write(bytes.fromhex("e8fbffffff"))  # a function that calls itself
ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()
"""

_IGNORE_INTERRUPTS: Final = """
import time
while True:
    try:
        time.sleep(1)
    except BaseException:
        pass
"""

_MANY_THREADS: Final = """
import threading
forever = threading.Event()
try:
    while True:
        threading.Thread(target=forever.wait, daemon=True).start()
except RuntimeError:
    forever.set()
gained = []
"""

_MANY_DESCRIPTORS: Final = """
hoard = []
try:
    while True:
        hoard.append(open("/dev/null"))
except OSError:
    pass
gained = []
"""

_WRITE_PAST_THE_CELL: Final = """
import sys
below = sys.stderr._original_stdstream_copy  # where it led to before the kernel took it
while True:
    os.write(below, b"x" * 65536)
"""

_NOTEBOOK: Final = b'{"nbformat": 4, "nbformat_minor": 5, "cells": [], "metadata": {"x": %s}}'


def _stopped_if_it_was_graded(run: RecordedRun) -> None:
    assert ("cell_timeout" in run.flags) is (run.verdict is Verdict.GRADED)


def _nested(depth: int) -> bytes:
    return _NOTEBOOK % (b'{"x":' * depth + b"1" + b"}" * depth)


EXHAUSTION: Final = {
    # the server would refuse these; staff's batches do not come by the server
    "a notebook nested 900 deep": Hostile(content=_nested(900), points=0.0),  # as far as is read
    "a notebook nested 100,000 deep": Hostile(content=_nested(100_000), verdicts=INVALID),
    "a notebook with numbers that are none": Hostile(
        content=_NOTEBOOK % b"[NaN, Infinity, -Infinity, 1e999]", points=0.0
    ),
    "a notebook that is a list": Hostile(content=b"[" * 50 + b"]" * 50, verdicts=INVALID),
    # where an interrupt ends the bomb in its own kernel, the tests run, and find nothing
    "a fork bomb": Hostile(
        (_FORK_BOMB,),
        verdicts=GRADED | TIMED_OUT | CRASHED,
        points=0.0,
        assignment="brief",
        flags_may=frozenset({"cell_timeout"}),
        look=_stopped_if_it_was_graded,
    ),
    "a memory bomb": Hostile(
        ("hoard = []\nwhile True: hoard.append(bytearray(b'x') * (32 << 20))",),
        verdicts=OUT_OF_MEMORY,
    ),
    "every writable disk filled": Hostile((_FILL_DISKS.format(keep=False),), assignment="brief"),
    "every writable disk left full": Hostile(
        # the results may still have room, by what was set aside for them
        (_FILL_DISKS.format(keep=True),),
        verdicts=GRADED | CRASHED,
        assignment="brief",
    ),
    "files without number": Hostile(
        (_MANY_FILES, _WELL_BEHAVED_END),
        verdicts=GRADED | OUT_OF_MEMORY,
        assignment="brief",
        flags_may=frozenset({"cell_timeout"}),
    ),
    "output without end": Hostile(
        ("while True: print('x' * 1000)", _WELL_BEHAVED_END),
        assignment="brief",
        flags=frozenset({"cell_timeout", "output_truncated"}),
    ),
    "one output of 200 MB": Hostile(
        ("print('x' * (200 << 20))", _WELL_BEHAVED_END),
        verdicts=GRADED | OUT_OF_MEMORY,
        flags_may=frozenset({"output_truncated"}),
    ),
    "writing to standard error without end": Hostile(
        ("while True: os.write(2, b'x' * 65536)", _WELL_BEHAVED_END),
        verdicts=GRADED | CRASHED,
        assignment="brief",
        flags_may=frozenset({"cell_timeout", "output_truncated", "too_much_output"}),
    ),
    "writing to the container's own output without end": Hostile(
        (_WRITE_PAST_THE_CELL,), verdicts=CRASHED, flags=frozenset({"too_much_output"})
    ),
    "an endless cell": Hostile(
        ("while True: pass", _WELL_BEHAVED_END),
        assignment="brief",
        flags=frozenset({"cell_timeout"}),
    ),
    "a cell that ignores every interrupt": Hostile(
        (_IGNORE_INTERRUPTS, _WELL_BEHAVED_END), verdicts=TIMED_OUT, assignment="brief"
    ),
    "sleep past the deadline": Hostile(
        ("import time\ntime.sleep(10**6)", _WELL_BEHAVED_END),
        verdicts=TIMED_OUT,
        assignment="deadline",
    ),
    "the runner stopped": Hostile((_STOP_THE_RUNNER,), verdicts=TIMED_OUT, assignment="deadline"),
    "the kernel ended by os._exit": Hostile(("os._exit(0)",), verdicts=CRASHED),
    "a segmentation fault": Hostile((_SEGFAULT,), verdicts=CRASHED, flags=SUSPICIOUS),
    "recursion without end in C": Hostile((_RECURSION_IN_C,), verdicts=CRASHED, flags=SUSPICIOUS),
    "sys.exit in a cell": Hostile(("import sys\nsys.exit(1)", _WELL_BEHAVED_END)),
    "signals to PID 1 that it cannot get": Hostile((_KILL_PID_1_IN_VAIN,)),
    "signals to every process": Hostile((_KILL_EVERYBODY,), verdicts=CRASHED),
    "reading from the keyboard": Hostile(
        ("input('your password: ')", "import sys\nsys.stdin.read()", _WELL_BEHAVED_END)
    ),
    "threads without number": Hostile((_MANY_THREADS,), assignment="brief"),
    "open files without number": Hostile(
        (_MANY_DESCRIPTORS, "for file in hoard: file.close()"), assignment="brief"
    ),
    "open files that leave none for the results": Hostile(
        (_MANY_DESCRIPTORS,), verdicts=CRASHED, assignment="brief"
    ),
}
