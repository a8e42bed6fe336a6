"""What the run's control group counted, read from inside; cgroup v2 first, then v1."""

from __future__ import annotations

import os
import resource
from pathlib import Path

_PEAK_FILES = (
    Path("/sys/fs/cgroup/memory.peak"),
    Path("/sys/fs/cgroup/memory/memory.max_usage_in_bytes"),
)
_KILL_FILES = (
    (Path("/sys/fs/cgroup/memory.events"), "oom_kill"),
    (Path("/sys/fs/cgroup/memory/memory.oom_control"), "oom_kill"),
)


def usage() -> dict[str, int | None]:
    """Return `peak_bytes` and `oom_kills`, each None where nothing here counts it.

    Outside a container the control group is the whole machine's, so the largest ended child stands
    for the peak.
    """
    if os.getppid() != 1:
        largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        return {"peak_bytes": largest, "oom_kills": None}
    return {"peak_bytes": _peak(), "oom_kills": _oom_kills()}


def _peak() -> int | None:
    for path in _PEAK_FILES:
        try:
            return int(path.read_text())
        except (OSError, ValueError):
            continue
    return None


def _oom_kills() -> int | None:
    for path, key in _KILL_FILES:
        try:
            lines = path.read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            name, _, count = line.partition(" ")
            if name == key and count.isdigit():
                return int(count)
    return None
