"""Memory as it is seen from inside: what the run's control group counted, and who is short of it.

Control groups of version 2 first, then of version 1.
"""

from __future__ import annotations

import os
import resource
from pathlib import Path

SHORT_BYTES = 32 << 20
"""A Python that wants more memory asks for a megabyte and more at a time, and often twice."""
_PEAK_FILES = (
    Path("/sys/fs/cgroup/memory.peak"),
    Path("/sys/fs/cgroup/memory/memory.max_usage_in_bytes"),
)
_KILL_FILES = (
    (Path("/sys/fs/cgroup/memory.events"), "oom_kill"),
    (Path("/sys/fs/cgroup/memory/memory.oom_control"), "oom_kill"),
)
_PRESENT_FILES = (
    (Path("/sys/fs/cgroup/memory.current"), Path("/sys/fs/cgroup/memory.stat"), "inactive_file"),
    (
        Path("/sys/fs/cgroup/memory/memory.usage_in_bytes"),
        Path("/sys/fs/cgroup/memory/memory.stat"),
        "total_inactive_file",
    ),
)


shares_container = False
"""Whether this container serves one run after another: then its peak is not one run's."""


def in_use() -> int | None:
    """Return the bytes that the container takes at present, None where nothing here counts them.

    As the engine's own figures have it: without files that were read once, which go when anybody
    wants their place.
    """
    if os.getppid() != 1:
        return None
    for total, parts, idle in _PRESENT_FILES:
        used = _plain_count(total)
        if used is not None:
            return used - (_count_in(parts, idle) or 0)
    return None


def usage() -> dict[str, int | None]:
    """Return `peak_bytes` and `oom_kills`, each None where nothing here counts it.

    Outside a container the control group is the whole machine's, and in a shared one its peak may
    be an earlier run's. There the largest child that has ended stands for the peak.
    """
    if os.getppid() != 1 or shares_container:
        largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        return {"peak_bytes": largest, "oom_kills": oom_kills() if shares_container else None}
    return {"peak_bytes": _peak(), "oom_kills": oom_kills()}


def is_short(pid: int) -> bool:
    """Whether a process is so close to the limit of its memory that anything in it may fail.

    The limit is this process's own, which it handed on: the other may have lowered its own since.
    Only the process sandbox sets one. In a container it is the kernel that runs out of memory, and
    it tells nobody before it kills.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_DATA)
    if limit == resource.RLIM_INFINITY:
        return False
    try:
        lines = Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()
    except OSError:
        return False  # it has ended, which is another matter
    for line in lines:
        name, _, value = line.partition(":")
        if name == "VmData":
            return limit - int(value.split()[0]) * 1024 < SHORT_BYTES
    return False


def _peak() -> int | None:
    return next((peak for peak in map(_plain_count, _PEAK_FILES) if peak is not None), None)


def oom_kills() -> int | None:
    """Return how many processes of the container were ever killed for want of memory, or None."""
    counts = (_count_in(path, key) for path, key in _KILL_FILES)
    return next((count for count in counts if count is not None), None)


def _plain_count(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _count_in(path: Path, key: str) -> int | None:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        name, _, count = line.partition(" ")
        if name == key and count.isdigit():
            return int(count)
    return None
