"""A run's own view of the machine: its own users, mounts, processes, network and memory segments.

For runs that share a container one after the other. What the container's engine hides from a
notebook is hidden here again, since a container that lets its runs mount a `/proc` of their own
must itself be without those covers (user_namespaces(7), "locked mounts"; mount_namespaces(7)).
"""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Final

from . import kernel_calls
from .kernel_calls import MS_BIND, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_PRIVATE, MS_RDONLY, MS_REC

if TYPE_CHECKING:
    from collections.abc import Callable

MASKED: Final = (
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
)
"""What Docker masks in every container (moby, `oci/defaults.go`)."""

READ_ONLY: Final = (
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
)
"""What Docker makes read-only (the same file)."""

_SHARED_MEMORY_BYTES = 16 << 20
_KEPT = MS_NOSUID | MS_NODEV
_SIOCGIFFLAGS, _SIOCSIFFLAGS = 0x8913, 0x8914
_IFF_UP = 1


def become_alone(disk_bytes: int) -> Callable[[], None]:
    """Leave the others' namespaces; return what the first child, PID 1 of a new one, is to call.

    This process stays in its process namespace and only its children are in the new one, as the
    kernel has it (pid_namespaces(7)).

    Args:
        disk_bytes: how much the run may write.

    Raises:
        OSError: this container may not do so.
    """
    uid, gid = os.getuid(), os.getgid()
    os.unshare(
        os.CLONE_NEWUSER
        | os.CLONE_NEWNS
        | os.CLONE_NEWPID
        | os.CLONE_NEWNET
        | os.CLONE_NEWIPC
        | os.CLONE_NEWUTS
    )
    for name, content in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {uid} 1"),
        ("gid_map", f"{gid} {gid} 1"),
    ):
        Path("/proc/self", name).write_text(content, encoding="ascii")

    def settle_in() -> None:
        os.chdir("/")  # what was below `/tmp` is another's
        _mount_own(disk_bytes)
        _bring_loopback_up()
        kernel_calls.give_up_capabilities()

    return settle_in


def _mount_own(disk_bytes: int) -> None:
    mount = kernel_calls.mount
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    mount("proc", "/proc", "proc", _KEPT | MS_NOEXEC)
    mount("tmpfs", "/tmp", "tmpfs", _KEPT, f"mode=1777,size={disk_bytes}")  # noqa: S108 - its own
    mount("tmpfs", "/dev/shm", "tmpfs", _KEPT | MS_NOEXEC, f"mode=1777,size={_SHARED_MEMORY_BYTES}")  # noqa: S108
    mount("mqueue", "/dev/mqueue", "mqueue", _KEPT | MS_NOEXEC)
    mount(
        "devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620"
    )
    for path in filter(os.path.exists, READ_ONLY):
        mount(path, path, None, MS_BIND | MS_REC)
        mount(path, path, None, MS_BIND | kernel_calls.MS_REMOUNT | MS_RDONLY | _KEPT | MS_NOEXEC)
    for path in filter(os.path.exists, MASKED):
        if Path(path).is_dir():
            mount("tmpfs", path, "tmpfs", MS_RDONLY | _KEPT | MS_NOEXEC, "mode=555,size=4k")
        else:
            mount("/dev/null", path, None, MS_BIND)


def _bring_loopback_up() -> None:
    """Let the run's processes speak to one another by address, as in any container."""
    import fcntl  # noqa: PLC0415 - Linux's

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14x", b"lo", 0)
        answered = fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request)
        (flags,) = struct.unpack_from("H", answered, 16)
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | _IFF_UP))
