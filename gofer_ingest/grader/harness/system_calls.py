"""Closing system calls for good: a seccomp filter that this process and all it starts keep.

What a container may call is its profile's matter. A run that made itself namespaces needed more
than a notebook should have, and gives it up here before it reads a byte of the notebook. The filter
is written out as the kernel wants it (Documentation/userspace-api/seccomp_filter.rst), so that the
image needs no library for it.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

from . import kernel_calls

_SECCOMP_SET_MODE_FILTER = 1
_SECCOMP_FILTER_FLAG_TSYNC = 1

_RET_KILL_PROCESS = 0x80000000
_RET_ERRNO = 0x00050000
_RET_ALLOW = 0x7FFF0000

_LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_JUMP_IF_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_JUMP_IF_ANY_BIT = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_JUMP_IF_AT_LEAST = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_RETURN = 0x06  # BPF_RET | BPF_K

_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_X32_BIT = 0x40000000

_NEW_NAMESPACES = 0x7E020080
"""The `CLONE_NEW…` bits of clone's flags: mount, cgroup, uts, ipc, user, pid, net, and time."""

_MACHINES = {
    # AUDIT_ARCH, seccomp's own number, clone, clone3, and what is closed: from each unistd.h
    "x86_64": (
        0xC000003E,
        317,
        56,
        435,
        {
            "mount": 165,
            "umount2": 166,
            "pivot_root": 155,
            "chroot": 161,
            "unshare": 272,
            "setns": 308,
            "ptrace": 101,
            "process_vm_readv": 310,
            "process_vm_writev": 311,
            "bpf": 321,
            "perf_event_open": 298,
            "userfaultfd": 323,
            "add_key": 248,
            "request_key": 249,
            "keyctl": 250,
            "open_by_handle_at": 304,
            "name_to_handle_at": 303,
            "io_uring_setup": 425,
            "io_uring_enter": 426,
            "io_uring_register": 427,
        },
    ),
    "aarch64": (
        0xC00000B7,
        277,
        220,
        435,
        {
            "mount": 40,
            "umount2": 39,
            "pivot_root": 41,
            "chroot": 51,
            "unshare": 97,
            "setns": 268,
            "ptrace": 117,
            "process_vm_readv": 270,
            "process_vm_writev": 271,
            "bpf": 280,
            "perf_event_open": 241,
            "userfaultfd": 282,
            "add_key": 217,
            "request_key": 218,
            "keyctl": 219,
            "open_by_handle_at": 265,
            "name_to_handle_at": 264,
            "io_uring_setup": 425,
            "io_uring_enter": 426,
            "io_uring_register": 427,
        },
    ),
}
_SAME_EVERYWHERE = {
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "pidfd_getfd": 438,
    "mount_setattr": 442,
}
"""Calls that are younger than the common numbering."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def close_system_calls() -> None:
    """Close for good what makes namespaces and mounts, looks into processes or loads code.

    Needs `no_new_privs`.

    Raises:
        NotImplementedError: this machine's numbers are not known here.
        OSError: the kernel refused.
    """
    machine = platform.machine()
    if machine not in _MACHINES:
        raise NotImplementedError(f"system calls cannot be closed on {machine}")
    instructions = filter_program(machine)
    packed = b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)
    program = _Program(len(instructions), packed)
    kernel_calls.system_call(
        _MACHINES[machine][1],
        _SECCOMP_SET_MODE_FILTER,
        _SECCOMP_FILTER_FLAG_TSYNC,
        ctypes.byref(program),
    )


def filter_program(machine: str) -> list[tuple[int, int, int, int]]:
    """Return the filter's instructions: code, jumps if true and if false, and value.

    Another machine's calls (32-bit ones) end the process. `clone3` is not there, so that libraries
    fall back to `clone`, whose flags can be looked at.
    """
    architecture, _, clone, clone3, closed = _MACHINES[machine]
    refuse = _RET_ERRNO | errno.EPERM
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_JUMP_IF_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _RET_KILL_PROCESS),
        (_LOAD, 0, 0, _NUMBER_AT),
    ]
    if machine == "x86_64":
        program += [(_JUMP_IF_AT_LEAST, 0, 1, _X32_BIT), (_RETURN, 0, 0, refuse)]
    for number in sorted({*closed.values(), *_SAME_EVERYWHERE.values()}):
        program += [(_JUMP_IF_EQUAL, 0, 1, number), (_RETURN, 0, 0, refuse)]
    program += [
        (_JUMP_IF_EQUAL, 0, 1, clone3),
        (_RETURN, 0, 0, _RET_ERRNO | errno.ENOSYS),
        (_JUMP_IF_EQUAL, 0, 3, clone),
        (_LOAD, 0, 0, _FIRST_ARGUMENT_AT),
        (_JUMP_IF_ANY_BIT, 0, 1, _NEW_NAMESPACES),
        (_RETURN, 0, 0, refuse),
        (_RETURN, 0, 0, _RET_ALLOW),
    ]
    return program
