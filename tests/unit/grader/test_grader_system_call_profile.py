from __future__ import annotations

import json
from typing import Any

import pytest

from gofer_ingest.grader.system_call_profile import namespace_profile


@pytest.fixture(scope="module")
def rules() -> list[dict[str, Any]]:
    profile = json.loads(namespace_profile())
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
    found: list[dict[str, Any]] = profile["syscalls"]
    return found


def of(rules: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [rule for rule in rules if name in rule["names"]]


@pytest.mark.parametrize("name", ["mount", "umount2", "unshare", "read", "execve", "openat"])
def test_what_a_run_needs_is_allowed(rules: list[dict[str, Any]], name: str) -> None:
    (rule,) = of(rules, name)
    assert rule["action"] == "SCMP_ACT_ALLOW"
    assert "args" not in rule


NOT_ALLOWED = """
setns pivot_root chroot ptrace process_vm_readv bpf perf_event_open userfaultfd add_key request_key
keyctl open_by_handle_at init_module kexec_load io_uring_setup fsopen open_tree move_mount
mount_setattr reboot swapon settimeofday iopl quotactl syslog pidfd_getfd
"""


@pytest.mark.parametrize("name", NOT_ALLOWED.split())
def test_nothing_else_of_the_kind_is(rules: list[dict[str, Any]], name: str) -> None:
    assert of(rules, name) == []


def test_a_clone_may_make_no_namespace(rules: list[dict[str, Any]]) -> None:
    (rule,) = of(rules, "clone")
    assert rule["args"] == [
        {"index": 0, "value": 0x7E020080, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}
    ]
    (newer,) = of(rules, "clone3")
    assert (newer["action"], newer["errnoRet"]) == ("SCMP_ACT_ERRNO", 38)


def test_sockets_are_of_four_families(rules: list[dict[str, Any]]) -> None:
    families = {rule["args"][0]["value"] for rule in of(rules, "socket")}
    assert families == {1, 2, 10, 16}  # unix, inet, inet6, netlink
