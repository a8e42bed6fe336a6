"""Giving up what root may do, for the process sandbox: a container is given an unprivileged uid.

A project or interpreter often lies below a folder that only root may enter, such as root's home. In
a mount namespace of the run's own that folder is covered by an empty one in which nothing but what
the run needs is visible, so that the unprivileged uid can reach it without anyone else's modes
changing.
"""

from __future__ import annotations

import os
import resource
import stat
from typing import TYPE_CHECKING

from . import kernel_calls

if TYPE_CHECKING:
    from pathlib import Path


def drop_to(uid: int, gid: int, needed: list[Path]) -> None:
    """Become `uid`:`gid` for good, with `needed` reachable.

    Raises:
        OSError: this process may not do so, or something needed stays out of reach.
    """
    closed: dict[Path, list[Path]] = {}
    for path in needed:
        gate = _closed_ancestor(path)
        if gate is not None:
            closed.setdefault(gate, []).append(path)
    if closed:
        kernel_calls.enter_private_mounts()
        for gate, paths in closed.items():
            _show_only(gate, paths)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    for path in needed:
        if not os.access(path, os.R_OK):
            raise PermissionError(f"{path} cannot be read by uid {uid}")


STACKS_BYTES = 256 << 20
"""What a kernel's threads reserve for stacks and never touch (8 MiB each), on top of its memory."""


def limit_resources(*, memory_bytes: int, processes: int | None, file_bytes: int) -> None:
    """Set rlimits; softer than a container's, since each process is counted for itself.

    Args:
        memory_bytes: what each process may write to. Address space (RLIMIT_AS) would count
        libraries
            that are only mapped: pandas alone maps more than many courses' limit.
        processes: how many this uid may have, or None where the uid has others as well.
        file_bytes: how large a file may grow.
    """
    limits = [
        (resource.RLIMIT_DATA, memory_bytes + STACKS_BYTES),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 1024),
    ]
    if processes is not None:
        limits.append((resource.RLIMIT_NPROC, processes))
    for what, value in limits:
        _, hard = resource.getrlimit(what)
        limit = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(what, (limit, limit))


def _closed_ancestor(path: Path) -> Path | None:
    """Return the topmost folder above `path` that others may not enter."""
    for ancestor in reversed(path.parents):
        if not ancestor.stat().st_mode & stat.S_IXOTH:
            return ancestor
    return None


def _show_only(gate: Path, paths: list[Path]) -> None:
    handles = [(path, os.open(path, os.O_PATH | os.O_CLOEXEC)) for path in paths]
    kernel_calls.mount_tmpfs(str(gate))
    for path, handle in handles:
        path.mkdir(mode=0o755, parents=True, exist_ok=True)
        kernel_calls.bind_mount(f"/proc/self/fd/{handle}", str(path))
        os.close(handle)
