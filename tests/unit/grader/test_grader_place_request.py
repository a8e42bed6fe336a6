"""A container that serves one run after another is asked for like any other, but for what is
listed here."""

from __future__ import annotations

import json

from gofer_ingest.grader.docker_sandbox import container_request
from gofer_ingest.grader.place_request import place_request
from gofer_ingest.grader.sandbox import ImageId
from gofer_ingest.grader.system_call_profile import namespace_profile
from shared.model import Limits

LIMITS = Limits(memory_bytes=768 << 20, pids=77, disk_bytes=123 << 20)
IMAGE = ImageId("sha256:" + "a" * 64)
LABELS = {"gofer.run": "none"}
OWN = container_request(IMAGE, LIMITS, LABELS)
SHARED = place_request(IMAGE, LIMITS, LABELS)


def test_nothing_else_is_asked_for_than_what_being_alone_takes() -> None:
    assert {name for name in OWN if OWN[name] != SHARED[name]} == {"command", "host_config"}
    own, shared = OWN["host_config"], SHARED["host_config"]
    assert {name for name in own if own[name] != shared[name]} == {
        "security_opt",
        "pids_limit",
        "tmpfs",
    }
    assert shared.keys() - own.keys() == {"MaskedPaths", "ReadonlyPaths"}


def test_privileges_stay_given_up_and_system_calls_closed() -> None:
    assert SHARED["host_config"]["cap_drop"] == ["ALL"]
    options = SHARED["host_config"]["security_opt"]
    assert options == [
        "no-new-privileges",
        f"seccomp={namespace_profile()}",
        "apparmor=unconfined",
    ]
    assert json.loads(namespace_profile())["defaultAction"] == "SCMP_ACT_ERRNO"


def test_the_harness_is_told_to_share_and_what_a_run_may_write() -> None:
    command = SHARED["command"]
    assert command[: len(OWN["command"])] == OWN["command"]
    assert command[len(OWN["command"]) :] == ["--shared", "--disk-bytes", str(LIMITS.disk_bytes)]


def test_what_only_imports_write_to_is_small_and_runs_no_programs() -> None:
    (options,) = SHARED["host_config"]["tmpfs"].values()
    assert {"nosuid", "nodev", "noexec", f"size={16 << 20}"} <= set(options.split(","))


def test_the_processes_that_serve_runs_are_not_a_runs() -> None:
    assert SHARED["host_config"]["pids_limit"] == LIMITS.pids + 4
