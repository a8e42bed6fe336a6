"""The filter is run here as the kernel would run it, instruction by instruction."""

from __future__ import annotations

import errno
import struct
from typing import Final

import pytest

from gofer_ingest.grader.harness.system_calls import filter_program

ALLOWED: Final = 0x7FFF0000
KILLED: Final = 0x80000000
REFUSED: Final = 0x00050000 | errno.EPERM
UNKNOWN: Final = 0x00050000 | errno.ENOSYS
X86_64, AARCH64, I386 = 0xC000003E, 0xC00000B7, 0x40000003
ARCHITECTURES: Final = {"x86_64": X86_64, "aarch64": AARCH64}

# read, openat, execve, futex, kill, and what closes: from Linux's own tables for each machine
ORDINARY: Final = {"x86_64": (0, 257, 59, 202, 62), "aarch64": (63, 56, 221, 98, 129)}
CLOSED: Final = {
    "x86_64": {"mount": 165, "umount2": 166, "unshare": 272, "setns": 308, "ptrace": 101,
               "keyctl": 250, "bpf": 321, "userfaultfd": 323, "io_uring_setup": 425, "fsopen": 430,
               "open_tree": 428, "mount_setattr": 442, "pivot_root": 155, "chroot": 161},
    "aarch64": {"mount": 40, "umount2": 39, "unshare": 97, "setns": 268, "ptrace": 117,
                "keyctl": 219, "bpf": 280, "userfaultfd": 282, "io_uring_setup": 425, "fsopen": 430,
                "open_tree": 428, "mount_setattr": 442, "pivot_root": 41, "chroot": 51},
}  # fmt: skip
CLONE: Final = {"x86_64": 56, "aarch64": 220}
CLONE3: Final = 435
CLONE_VM_AND_THREAD: Final = 0x003D0F00
NEW_USER, NEW_NET, NEW_MOUNTS, NEW_CGROUP, NEW_TIME = (
    0x10000000, 0x40000000, 0x00020000, 0x02000000, 0x80,
)  # fmt: skip


def verdict(machine: str, number: int, argument: int = 0, architecture: int | None = None) -> int:
    """What the filter says of one call: classic BPF over seccomp's data."""
    data = struct.pack("=iIQQ", number, architecture or ARCHITECTURES[machine], 0, argument)
    program = filter_program(machine)
    accumulator = at = 0
    while True:
        code, if_true, if_false, value = program[at]
        at += 1
        match code:
            case 0x20:
                (accumulator,) = struct.unpack_from("=I", data, value)
            case 0x15:
                at += if_true if accumulator == value else if_false
            case 0x45:
                at += if_true if accumulator & value else if_false
            case 0x35:
                at += if_true if accumulator >= value else if_false
            case 0x06:
                return value
            case _:
                raise AssertionError(code)


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_ordinary_calls_pass(machine: str) -> None:
    assert {verdict(machine, number) for number in ORDINARY[machine]} == {ALLOWED}


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_what_makes_namespaces_and_mounts_or_looks_into_others_is_refused(machine: str) -> None:
    refused = {
        name for name, number in CLOSED[machine].items() if verdict(machine, number) == REFUSED
    }
    assert refused == set(CLOSED[machine])


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_threads_and_processes_can_be_made_but_no_namespaces(machine: str) -> None:
    clone = CLONE[machine]
    assert verdict(machine, clone, CLONE_VM_AND_THREAD) == ALLOWED
    assert verdict(machine, clone, 17) == ALLOWED  # a fork: SIGCHLD alone
    for flag in (NEW_USER, NEW_NET, NEW_MOUNTS, NEW_CGROUP, NEW_TIME):
        assert verdict(machine, clone, flag | 17) == REFUSED


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_a_call_whose_flags_cannot_be_read_is_not_there(machine: str) -> None:
    assert verdict(machine, CLONE3) == UNKNOWN


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_another_machines_calls_end_the_process(machine: str) -> None:
    assert verdict(machine, 0, architecture=I386) == KILLED


def test_the_other_numbering_of_the_same_machine_is_refused() -> None:
    assert verdict("x86_64", 0x40000000 | 165) == REFUSED
