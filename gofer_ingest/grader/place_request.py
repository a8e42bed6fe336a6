"""What is asked of the engine for a container that serves one run after another.

The whole of its hardening stands here and in `container_request`, and both are pure: a test reads
each limit in them. What a run takes away from itself stands in `harness/namespaces.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gofer_ingest.grader.docker_sandbox import TMPFS, container_request
from gofer_ingest.grader.system_call_profile import namespace_profile

if TYPE_CHECKING:
    from gofer_ingest.grader.sandbox import ImageId
    from shared.model import Limits

_OWN_PROCESSES: Final = 4
"""Of a container's processes, those that are the gatekeeper's, the parent's and the run's frame."""

_PARENT_DISK_BYTES: Final = 16 << 20
"""What libraries may keep while they are imported; no run can reach it."""


def place_request(
    image: ImageId, limits: Limits, labels: dict[str, str], runtime: str | None = None
) -> dict[str, Any]:
    """Return what is asked of the engine for a container that serves one run after another.

    It differs from `container_request` in what a run needs to be alone there. The engine's covers
    over `/proc` are off, since a covered one cannot be mounted anew inside; each run has them back
    (`harness/namespaces.py`).
    """
    request = container_request(image, limits, labels, runtime)
    request["command"] += ["--shared", "--disk-bytes", str(limits.disk_bytes)]
    host = request["host_config"]
    host["security_opt"] = [
        "no-new-privileges",
        f"seccomp={namespace_profile()}",
        "apparmor=unconfined",
    ]
    host["pids_limit"] = limits.pids + _OWN_PROCESSES
    host["tmpfs"] = {TMPFS: f"rw,nosuid,nodev,noexec,mode=1777,size={_PARENT_DISK_BYTES}"}
    host["MaskedPaths"] = host["ReadonlyPaths"] = []
    return request
