"""The few Linux calls that Python 3.11 does not offer, through libc."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import struct

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAPBSET_DROP = 24
_CLONE_NEWNS = 0x00020000
_LAST_CAPABILITY = 63
_CAPABILITY_VERSION_3 = 0x20080522

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def forbid_inspection() -> None:
    """Make this process non-dumpable: others of its uid can neither trace it nor open its /proc."""
    _check(_libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0), "prctl(PR_SET_DUMPABLE)")


def allow_inspection() -> None:
    """Make this process like any other again, which what it was forked from is not."""
    _check(_libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0), "prctl(PR_SET_DUMPABLE)")


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends."""
    _check(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl(PR_SET_CHILD_SUBREAPER)")


def end_with_parent() -> None:
    """Be sent SIGTERM when whoever started this process is gone, however that came."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0), "prctl(PR_SET_PDEATHSIG)")


def forbid_new_privileges() -> None:
    """Make set-uid programs powerless for this process and all it starts."""
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl(PR_SET_NO_NEW_PRIVS)")


def enter_private_mounts() -> None:
    """Enter a mount namespace of this process's own; what it mounts, nobody else sees."""
    _check(_libc.unshare(_CLONE_NEWNS), "unshare(CLONE_NEWNS)")
    _check(_libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "mount(MS_PRIVATE)")


def mount_tmpfs(target: str) -> None:
    """Mount an empty, world-readable tmpfs."""
    _check(_libc.mount(b"tmpfs", os.fsencode(target), b"tmpfs", 0, b"mode=755,size=1m"), "mount")


def bind_mount(source: str, target: str) -> None:
    """Make `source` visible at `target` as well."""
    _check(
        _libc.mount(os.fsencode(source), os.fsencode(target), None, MS_BIND | MS_REC, None),
        f"bind mount at {target}",
    )


def mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    """Mount something, by the system's own call of that name.

    Raises:
        OSError: the kernel refused; the text names `target`.
    """
    _check(
        _libc.mount(
            os.fsencode(source),
            os.fsencode(target),
            kind.encode() if kind else None,
            ctypes.c_ulong(flags),
            options.encode() or None,
        ),
        f"mount at {target}",
    )


def give_up_capabilities() -> None:
    """Keep no capability, and never get one again."""
    for capability in range(_LAST_CAPABILITY + 1):
        if _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            if ctypes.get_errno() == errno.EINVAL:
                break  # this kernel has no more of them
            _check(-1, "prctl(PR_CAPBSET_DROP)")
    head = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    _check(_libc.capset(head, bytes(24)), "capset")


def system_call(number: int, *arguments: object) -> None:
    """Call what libc has no function for.

    Raises:
        OSError: the kernel refused.
    """
    _check(_libc.syscall(number, *arguments), f"system call {number}")
