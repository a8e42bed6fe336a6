"""Runs each notebook in a fresh container that is used once and removed.

Nothing is mounted: the job goes in by standard input, the answer comes out by standard output, so
the engine may be on another machine.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import math
import threading
import time
from typing import TYPE_CHECKING, Any

import docker
import docker.errors
import requests.exceptions
from docker.types import LogConfig, Ulimit

from gofer_ingest.grader import harness_link
from gofer_ingest.grader.derived_images import derive_image
from gofer_ingest.grader.engine import connect, engine_errors, knows_runtime
from gofer_ingest.grader.harness.protocol import PROTOCOL_VERSION
from gofer_ingest.grader.harness_link import Outputs, Stream, Transcript
from gofer_ingest.grader.sandbox import IDLE_MAX_S, Ending, ImageId, Job, RawResult, Sandbox, Slot
from shared.errors import (
    GraderError,
    ImageMissing,
    RunInterrupted,
    SandboxUnavailable,
)
from shared.model import Limits, RunId, new_run_id

if TYPE_CHECKING:
    import socket
    from pathlib import Path

log = logging.getLogger(__name__)

LABEL_VOLUME = "gofer.volume"
LABEL_RUN = "gofer.run"
LABEL_AHEAD = "gofer.ahead"
"""On what was made before a run asked for it, and stays there when one has it."""
LABEL_PROTOCOL = "gofer.protocol"
CONTAINER_USER = "10001:10001"
TMPFS = "/tmp"  # noqa: S108 - the container's own
FOLDER = f"{TMPFS}/gofer"
READY_WITHIN_S = 60.0
TAKEN_WITHIN_S = 60.0
INSPECT_WITHIN_S = 120.0
ENDED_WITHIN_S = 5
EXIT_KILLED = 137
NOT_IN_SDK = ("MaskedPaths", "ReadonlyPaths")
"""Of the engine's API, what the SDK's `create_host_config` has no parameter for."""
LIFE_AFTER_DEADLINE_S = 120.0
"""A container whose grader is gone ends itself this long after its deadline."""


def container_request(
    image: str,
    limits: Limits,
    labels: dict[str, str],
    runtime: str | None = None,
    *,
    is_ahead: bool = False,
) -> dict[str, Any]:
    """Return what is asked of the engine for one container.

    The whole of the hardening stands here, and the function is pure: a test reads each limit in it.

    Args:
        image: digest of the image.
        limits: of the run.
        labels: by which it is found again.
        runtime: the engine's name for what runs containers; None leaves it to the engine.
        is_ahead: whether nobody waits for it yet.
    """
    threads = str(max(1, math.ceil(limits.cpus)))
    return {
        "image": image,
        "command": [
            "--folder",
            FOLDER,
            "--lifetime-s",
            str(limits.time_s + LIFE_AFTER_DEADLINE_S),
            "--idle-s",
            str(READY_WITHIN_S + IDLE_MAX_S + TAKEN_WITHIN_S),
            *(["--ahead"] if is_ahead else []),
        ],
        "user": CONTAINER_USER,
        "working_dir": TMPFS,
        "stdin_open": True,
        "tty": False,
        # An engine that stops, or a person with `docker stop`, is not to ask the harness to end:
        # that would look like a notebook which made it end. SIGKILL from outside is told apart.
        "stop_signal": "SIGKILL",
        "labels": labels,
        "environment": {
            "HOME": f"{FOLDER}/home",
            "TMPDIR": f"{FOLDER}/tmp",  # noqa: S108 - the container's own
            "OPENBLAS_NUM_THREADS": threads,
            "OMP_NUM_THREADS": threads,
        },
        "host_config": {
            "runtime": runtime,
            "network_mode": "none",
            "read_only": True,
            "tmpfs": {TMPFS: f"rw,nosuid,nodev,exec,mode=1777,size={limits.disk_bytes}"},
            "shm_size": 16 << 20,
            "ipc_mode": "private",
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "pids_limit": limits.pids,
            "mem_limit": limits.memory_bytes,
            "memswap_limit": limits.memory_bytes,
            "nano_cpus": int(limits.cpus * 1e9),
            "ulimits": [
                Ulimit(name="core", soft=0, hard=0),
                Ulimit(name="fsize", soft=limits.disk_bytes, hard=limits.disk_bytes),
                Ulimit(name="nofile", soft=1024, hard=1024),
            ],
            "log_config": LogConfig(type="none"),
            "init": False,
            "auto_remove": False,
            "restart_policy": {"Name": "no"},
        },
    }


class ContainerSlot(Slot):
    """A slot in a container of the engine's.

    Attributes:
        container_id: the engine's.
    """

    container_id: str


class DockerSlot(ContainerSlot):
    """One container whose harness is ready."""

    def __init__(
        self, sandbox: DockerSandbox, run_id: RunId, container_id: str, channel: SocketChannel
    ) -> None:
        super().__init__(run_id)
        self._sandbox = sandbox
        self._is_gone = False
        self.container_id = container_id
        self.channel = channel
        self.transcript = Transcript()

    def is_waiting(self) -> bool:
        """Whether the container is silent and its socket open; see the port."""
        return not self._is_gone and harness_link.is_waiting(self.channel, self.transcript)

    def discard(self) -> None:
        """Remove the container, whatever it is doing; a failure is left to the reaper."""
        if self._is_gone:
            return
        self._is_gone = True
        self.channel.close()
        self._sandbox.let_go(self.run_id, self.container_id)


class DockerSandbox(Sandbox):
    """The adapter to the engine's API."""

    name = "docker"

    def __init__(
        self,
        image: str,
        volume: Path,
        docker_host: str | None = None,
        wheelhouse: Path | None = None,
        runtime: str | None = None,
    ) -> None:
        self._image = image
        self._runtime = runtime
        self._wheelhouse = wheelhouse
        self._docker_host = docker_host
        # Several Gofers may share an engine; each reaps only what carries its own volume's mark.
        self._connections = threading.local()
        self._in_use: set[RunId] = set()
        self._in_use_lock = threading.Lock()
        self._volume_mark = hashlib.sha256(str(volume.resolve()).encode()).hexdigest()[:16]

    def image_id(self, image: str | None) -> ImageId:
        """Return the image's digest; see the port."""
        name = image or self._image
        api = self._api()
        with engine_errors():
            found = api.inspect_image(name)  # type: ignore[no-untyped-call]  # stubs lag
        protocol = (found["Config"].get("Labels") or {}).get(LABEL_PROTOCOL)
        if protocol != str(PROTOCOL_VERSION):
            raise ImageMissing(
                f"The image {name} was not built for this version of Gofer. "
                "Build it again with `gofer image build`."
            )
        return ImageId(found["Id"])

    def extend(self, image: str | None, requirements: tuple[str, ...]) -> str:
        """Build an image on top, once for each base and requirements; see the port."""
        return derive_image(self._api(), self.image_id(image), requirements, self._wheelhouse)

    def inspect(self, image: str | None, autograder_zip: bytes) -> bytes:
        """Inspect a zip in a container of its own; see the port."""
        slot = self._own_container(image, Limits(time_s=INSPECT_WITHIN_S), new_run_id())
        try:
            ending, answer = harness_link.ask_about(
                *(slot.channel, slot.transcript, autograder_zip),
                taken_within_s=TAKEN_WITHIN_S,
                within_s=INSPECT_WITHIN_S,
            )
            if answer is not None:
                return answer
            slot.channel.close()
            ending, _, _ = self._judged(slot.container_id, ending)
        finally:
            slot.discard()
        raise harness_link.inspection_failed(ending, slot.transcript, within_s=INSPECT_WITHIN_S)

    def prepare(
        self, image: str | None, limits: Limits, run_id: RunId, *, is_ahead: bool = False
    ) -> ContainerSlot:
        """Start a container and wait for its harness; see the port."""
        return self._own_container(image, limits, run_id, is_ahead=is_ahead)

    def _own_container(
        self, image: str | None, limits: Limits, run_id: RunId, *, is_ahead: bool = False
    ) -> DockerSlot:
        labels = self.labels(run_id, is_ahead=is_ahead)
        request = container_request(
            self.image_id(image), limits, labels, self._runtime, is_ahead=is_ahead
        )
        container_id, channel = self.start_container(request, run_id)
        slot = DockerSlot(self, run_id, container_id, channel)
        try:
            slot.idle_bytes = harness_link.await_ready(channel, slot.transcript, READY_WITHIN_S)
        except GraderError:
            slot.discard()
            raise
        return slot

    def labels(self, run_id: RunId, *, is_ahead: bool) -> dict[str, str]:
        """Return the labels by which a container of this object is found again."""
        ahead = {LABEL_AHEAD: "1"} if is_ahead else {}
        return {LABEL_VOLUME: self._volume_mark, LABEL_RUN: run_id} | ahead

    def start_container(self, request: dict[str, Any], run_id: RunId) -> tuple[str, SocketChannel]:
        """Create a container, attach to it and start it; return its id and its channel.

        Raises:
            SandboxUnavailable: the engine would not; nothing is left of it, or the reaper's.
            ImageMissing: there is no such image.
        """
        api = self._api()
        with self._in_use_lock:
            self._in_use.add(run_id)  # before there is a container: the reaper is to spare it
        container_id = channel = None
        try:
            with engine_errors(), knows_runtime(self._runtime):
                wanted = request["host_config"]
                unknown = {name: wanted.pop(name) for name in NOT_IN_SDK if name in wanted}
                request["host_config"] = api.create_host_config(**wanted) | unknown
                container_id = str(api.create_container(**request)["Id"])
            with engine_errors(), knows_runtime(self._runtime):
                wanted = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
                channel = SocketChannel(api.attach_socket(container_id, params=wanted))
                api.start(container_id)
        except GraderError:
            if channel is not None:
                channel.close()
            self.let_go(run_id, container_id)
            raise
        return container_id, channel

    def run(self, slot: Slot, job: Job) -> RawResult:
        """Grade one notebook; see the port."""
        if not isinstance(slot, DockerSlot):
            raise TypeError("this slot belongs to another sandbox")
        packed = harness_link.pack_run(job)
        try:
            harness_link.hand_over(slot.channel, slot.transcript, packed, TAKEN_WITHIN_S)
            started = time.monotonic()
            deadline = started + job.limits.time_s + harness_link.LAST_WORDS_S
            ending, answer = harness_link.await_answer(
                slot.channel, slot.transcript, packed, deadline
            )
            wall_s = time.monotonic() - started
            if ending is not Ending.ANSWERED:
                # An engine that waits for somebody to read what a container prints may not get
                # round to killing it.
                slot.channel.close()
            ending, exit_code, oom_killed = self._judged(slot.container_id, ending)
        finally:
            slot.discard()
        return RawResult(
            ending=ending,
            answer=answer,
            log_tail=slot.transcript.log_tail,
            wall_s=wall_s,
            oom_killed=oom_killed,
            exit_code=exit_code,
        )

    def reap(self) -> int:
        """Remove every container of this volume that is not in use; see the port."""
        api = self._api()
        with engine_errors():
            left = api.containers(
                all=True, filters={"label": f"{LABEL_VOLUME}={self._volume_mark}"}
            )
        with self._in_use_lock:
            # asked after the listing: whatever is listed was in use before it was made
            orphans = [
                container["Id"]
                for container in left
                if container["Labels"].get(LABEL_RUN) not in self._in_use
            ]
        for container_id in orphans:
            self.remove(container_id)
        return len(orphans)

    def let_go(self, run_id: RunId, container_id: str | None) -> None:
        """Remove a container at the end of its run; a failure is left to the reaper."""
        try:
            if container_id is not None:
                self.remove(container_id)
        except SandboxUnavailable:
            log.warning(
                "A container could not be removed; the reaper will",
                extra={"action": "container_left", "container": (container_id or "")[:12]},
            )
        finally:
            with self._in_use_lock:
                self._in_use.discard(run_id)

    def remove(self, container_id: str) -> None:
        """Kill and remove a container; one that is already gone is no error.

        Raises:
            SandboxUnavailable: the engine would not.
        """
        api = self._api()
        with engine_errors():
            try:
                api.remove_container(container_id, force=True, v=True)
            except docker.errors.NotFound:
                return
            except docker.errors.APIError as error:
                if error.status_code != 409:  # noqa: PLR2004 - "removal already in progress"
                    raise

    def _api(self) -> docker.APIClient:
        """This thread's connection: making one costs a round trip, and sharing one is not safe."""
        if not hasattr(self._connections, "api"):
            self._connections.api = connect(self._docker_host)
        api: docker.APIClient = self._connections.api
        return api

    def _judged(self, container_id: str, ending: Ending) -> tuple[Ending, int | None, bool]:
        """Return how it ended by what the engine knows, its exit code, and whether OOM killed.

        Raises:
            RunInterrupted: somebody outside ended it.
        """
        exit_code, oom_killed = self.how_it_ended(container_id, ending)
        if ending is Ending.DIED and oom_killed:
            ending = Ending.OUT_OF_MEMORY
        if ending is Ending.DIED and exit_code == EXIT_KILLED:
            # PID 1 cannot be killed from inside its container: this was the engine, the machine or
            # a person, and never the notebook
            raise RunInterrupted
        return ending, exit_code, oom_killed

    def how_it_ended(self, container_id: str, ending: Ending) -> tuple[int | None, bool]:
        """Make sure that it has ended; return the exit code, None where we ended it, and OOM."""
        api = self._api()
        with engine_errors():
            if ending is Ending.DIED:
                # the outputs close a moment before the engine has noted how the process ended
                with contextlib.suppress(requests.exceptions.RequestException):
                    api.wait(container_id, timeout=ENDED_WITHIN_S)
            state = api.inspect_container(container_id)["State"]
            by_itself = ending is Ending.DIED and not state["Running"]
            if state["Running"] and ending is not Ending.ANSWERED:
                try:
                    api.kill(container_id)
                except docker.errors.APIError as error:
                    if error.status_code not in {404, 409}:  # it has ended in between
                        raise
                state = api.inspect_container(container_id)["State"]
        return int(state["ExitCode"]) if by_itself else None, bool(state["OOMKilled"])


class SocketChannel(Outputs):
    """The attached socket: input one way, both outputs the other in the engine's frames."""

    def __init__(self, attached: Any) -> None:
        self._attached = attached
        self._socket: socket.socket = getattr(attached, "_sock", attached)
        self._buffer = bytearray()

    def send(self, data: bytes, deadline: float) -> None:
        """Send all of `data`; see the port."""
        self._socket.settimeout(max(deadline - time.monotonic(), 0.001))
        self._socket.sendall(data)

    def receive(self, deadline: float) -> tuple[Stream, bytes] | None:
        """Return the next chunk; see the port."""
        while True:
            if len(self._buffer) >= 8:  # noqa: PLR2004 - the engine's frame head
                length = int.from_bytes(self._buffer[4:8], "big")
                if len(self._buffer) >= 8 + length:
                    stream = Stream.LOG if self._buffer[0] == Stream.LOG else Stream.FRAMES
                    chunk = bytes(self._buffer[8 : 8 + length])
                    del self._buffer[: 8 + length]
                    return stream, chunk
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError
            self._socket.settimeout(remaining)
            try:
                data = self._socket.recv(1 << 16)
            except ConnectionError as error:
                raise SandboxUnavailable(f"The container engine went away: {error}") from error
            if not data:
                return None
            self._buffer += data

    def close(self) -> None:
        """Let go of the socket."""
        self._attached.close()
        self._socket.close()
